# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights in the order in which a CPU's matrix units read them, brought into it once.

TorchScript keeps bfloat16 weights in plain order, and oneDNN reorders them in every call: for a
single frame that takes longer than many a layer. The operators that take reordered weights are
those of PyTorch's own compiler, and not in its documentation. A PyTorch that has others, or a CPU
that has no use for them, leaves a model as it was. The answers are the same, bit for bit.
"""

import logging
from functools import cache

import torch
from torch import Tensor

from .errors import reason_of

_log = logging.getLogger(__name__)


def freeze_packed(module: torch.jit.ScriptModule, example: tuple) -> torch.jit.ScriptModule:
    """``torch.jit.freeze`` of a module in bfloat16 on the CPU, with weights packed if possible.

    ``example``: inputs of the usual shapes, which a convolution's order of weights depends on.
    """
    plain, packed = torch.jit.freeze(module), torch.jit.freeze(module)
    try:
        _pack(packed, _convolved_shapes(plain, example))
    except Exception as error:  # operators and graphs are not promised to be as they are
        _log.warning(
            "the model runs with its weights as they are, which is slower: PyTorch %s on this CPU "
            "does not take them in another order (%s)",
            torch.__version__,
            reason_of(error),
        )
        return plain
    return packed


def _convolutions(graph) -> list:
    """The graph's own, without those that only some inputs come to."""
    return [node for node in graph.nodes() if node.kind() == "aten::conv2d"]


def _convolved_shapes(plain: torch.jit.ScriptModule, example: tuple) -> list[list[int]]:
    """The shape of what each of the graph's convolutions is given."""
    graph = plain.graph.copy()
    nodes = _convolutions(graph)
    if not nodes:
        return []
    for node in nodes:
        graph.registerOutput(node.inputsAt(0))
    graph.eraseOutput(0)
    graph.makeMultiOutputIntoTuple()
    convolved = torch._C._create_function_from_graph("convolved", graph)
    with torch.inference_mode():
        inputs = convolved(plain._c, *example)
    return [[1, *x.shape][-4:] for x in inputs]  # of a single frame, too


def _pack(frozen: torch.jit.ScriptModule, convolved_shapes: list[list[int]]) -> None:
    linear, convolution = _operators()
    graph = frozen.graph
    layers = [(node, None) for node in graph.findAllNodes("aten::linear")]
    layers += zip(_convolutions(graph), convolved_shapes, strict=True)
    for number, (node, shape) in enumerate(layers):
        x, weight, *others = node.inputs()
        values = _constant_weight(weight)
        if values is None:
            continue
        graph.setInsertPoint(node)
        last, function = node, linear
        if node.kind() == "aten::linear":
            packed = torch.ops.mkldnn._reorder_linear_weight(values)
        else:
            stride, padding, dilation, groups = (value.toIValue() for value in others[1:])
            # Packed ones answer in this order, plain ones in the input's; and padding can be a word
            if not _is_channels_last(values) or not isinstance(padding, list):
                continue
            packed = torch.ops.mkldnn._reorder_convolution_weight(
                values, padding, stride, dilation, groups, shape
            )
            uses = node.output().uses()
            has_relu = len(uses) == 1 and uses[0].user.kind() == "aten::relu"
            last = uses[0].user if has_relu else node
            function = convolution
            others.append(graph.insertConstant("relu" if has_relu else "none"))
        inputs = [x, _attribute(frozen, f"packed_weight_{number}", packed), *others]
        (output,) = graph.insertGraph(function.graph, inputs)
        last.output().replaceAllUsesWith(output)
        last.destroy()
        if last is not node:
            node.destroy()
    torch._C._jit_pass_dce(graph)
    graph.lint()


@cache
def _operators() -> tuple:
    """Linear layer and convolution with packed weights, as TorchScript's functions."""

    def linear(x: Tensor, packed: Tensor, bias: Tensor | None) -> Tensor:
        return torch.ops.mkldnn._linear_pointwise(x, packed, bias, "none", [], "")

    def convolution(
        x: Tensor,
        packed: Tensor,
        bias: Tensor | None,
        stride: list[int],
        padding: list[int],
        dilation: list[int],
        groups: int,
        then: str,
    ) -> Tensor:
        is_single = x.dim() == 3
        y = torch.ops.mkldnn._convolution_pointwise(
            x.unsqueeze(0) if is_single else x,
            packed,
            bias,
            padding,
            stride,
            dilation,
            groups,
            then,
            [],
            "",
        )
        return y.squeeze(0) if is_single else y

    return torch.jit.script(linear), torch.jit.script(convolution)


def _constant_weight(value) -> Tensor | None:
    """What a value of a graph always is, if that is a weight to pack."""
    weight = value.toIValue()
    if not isinstance(weight, Tensor) or weight.dtype != torch.bfloat16:
        return None
    return weight.detach()


def _is_channels_last(weight: Tensor) -> bool:
    channels = weight.shape[1]
    return channels > 1 and (weight.stride(1), weight.stride(3)) == (1, channels)


def _attribute(frozen: torch.jit.ScriptModule, name: str, packed: Tensor):
    """A packed weight as a value of the graph: it cannot be a constant there."""
    frozen._c._register_attribute(name, torch._C.TensorType.get(), packed)
    graph = frozen.graph
    node = graph.create("prim::GetAttr", [next(graph.inputs())], 1)
    node.s_("name", name)
    node.output().setType(torch._C.TensorType.get())
    graph.insertNode(node)
    return node.output()

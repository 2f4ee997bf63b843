# SPDX-License-Identifier: GPL-3.0-or-later
"""Packed weights change a model's speed, and its answers by no more than bfloat16 rounds."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from radiofm_core import inference, packed_weights
from radiofm_core.bundle import TASK_ACTIVITY, TASK_SEGMENTATION, read_bundle_info
from radiofm_core.inference import load_bundle
from training.segmentation.benchmark.frames import prepare
from training.segmentation.classes import DEFAULT
from training.segmentation.data.store import FrameSet

needs_bf16 = pytest.mark.skipif(
    not torch.ops.mkldnn._is_mkldnn_bf16_supported(), reason="this CPU has no bfloat16"
)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory) -> FrameSet:
    """Frames with emissions, as the segmenter gets them: on noise alone it tosses coins."""
    spec = read_bundle_info("default", TASK_SEGMENTATION).spec
    return FrameSet(prepare(tmp_path_factory.mktemp("frames"), 3, spec, 1), spec, DEFAULT)


def operators(module) -> set[str]:
    return {node.kind() for node in module.graph.nodes()}


def both(module: nn.Module, *example):
    """The module in bfloat16, frozen as it is and with packed weights."""
    scripted = torch.jit.script(module.eval().to(torch.bfloat16))
    return torch.jit.freeze(scripted), packed_weights.freeze_packed(scripted, example)


def assert_same(plain, packed, *inputs):
    with torch.inference_mode():
        expected, found = plain(*inputs), packed(*inputs)
    if isinstance(expected, torch.Tensor):
        expected, found = (expected,), (found,)
    for one, other in zip(expected, found, strict=True):
        assert one.stride() == other.stride()
        assert torch.equal(one, other)


@needs_bf16
@pytest.mark.parametrize("task", [TASK_SEGMENTATION, TASK_ACTIVITY])
@pytest.mark.parametrize("batch", [1, 3])
def test_bundled_models_answer_the_same(capfd, scenes, task, batch):
    info = read_bundle_info("default", task)
    module = torch.jit.load(str(info.path)).eval().to(torch.bfloat16)
    plain, packed = torch.jit.freeze(module), load_bundle(task=task, precision="bf16")._module
    assert {"aten::linear", "aten::conv2d"} <= operators(plain)
    assert not {"aten::linear", "aten::conv2d"} & operators(packed)
    torch.manual_seed(1)
    if task == TASK_SEGMENTATION:
        made = scenes.batch(np.arange(batch))
        inputs = made.level, made.resolution, made.evidence
    else:
        spec = info.spec
        received = torch.rand(batch, spec.rows) < 0.9
        inputs = torch.randn(batch, spec.rows, spec.subcarriers, 1).abs(), 1, received
    if task == TASK_SEGMENTATION:
        # in another order its products of matrices round otherwise
        with torch.inference_mode():
            (mask, confidence, _), (other, sure, _) = plain(*inputs), packed(*inputs)
        assert ((mask == other).float().mean(dim=(1, 2)) > 0.999).all()
        assert (confidence - sure).abs().max() < 0.03
    else:
        assert_same(plain, packed, *inputs)
    often = len(reordered(capfd, plain, *inputs))
    # in a batch some convolutions want another order
    assert often and len(reordered(capfd, packed, *inputs)) <= (0 if batch == 1 else often // 2)


def reordered(capfd, module, *inputs) -> list[str]:
    """What oneDNN brings into another order in a call, in its own words."""
    with torch.inference_mode():
        module(*inputs)
        capfd.readouterr()
        with torch.backends.mkldnn.verbose(torch.backends.mkldnn.VERBOSE_ON):
            module(*inputs)
    return [line for line in capfd.readouterr().out.splitlines() if ",exec,cpu,reorder" in line]


class Odd(nn.Module):
    """Layers of all kinds: without bias, padded in a word, in groups, strided; a ReLU beside which
    the convolution's answer is used, too; a single frame; weights that are an input's."""

    def __init__(self, memory_format):
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, stride=2, padding=1, bias=False)
        self.grouped = nn.Conv2d(8, 8, 3, padding="same", groups=4)
        self.one = nn.Conv2d(8, 8, 1)
        self.depth = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.linear = nn.Linear(8, 8, bias=False)
        self.to(memory_format=memory_format)

    def forward(self, x: torch.Tensor, given: torch.Tensor):
        x = x.to(given.dtype)
        alone = functional.relu(self.first(x[0]))
        x = functional.relu(self.first(x))
        y = self.one(self.grouped(x))
        y = functional.relu(self.depth(y + functional.relu(y)))
        z = self.linear(y.permute(0, 2, 3, 1))
        if bool(given.sum() > 0):
            y = functional.relu(self.one(y))
        return alone, y, functional.linear(z, given), functional.relu(z)


@needs_bf16
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_odd_layers_answer_the_same(memory_format):
    torch.manual_seed(1)
    given = torch.randn(5, 8, dtype=torch.bfloat16)
    plain, packed = both(Odd(memory_format), torch.randn(2, 3, 17, 12), given)
    packs_convolutions = "mkldnn::_convolution_pointwise" in operators(packed)
    assert packs_convolutions == (memory_format == torch.channels_last)
    assert "mkldnn::_linear_pointwise" in operators(packed)
    for x in (torch.randn(2, 3, 17, 12), torch.randn(1, 12, 17, 3).permute(0, 3, 2, 1)):
        assert_same(plain, packed, x, given)


def test_a_pytorch_with_other_operators_leaves_the_model_as_it_was_and_says_so(monkeypatch, caplog):
    def missing(*_):
        raise AttributeError("no such operator")

    # in the middle: of this model's layers some are packed by then
    monkeypatch.setattr(packed_weights, "_is_channels_last", missing)
    inputs = torch.randn(1, 3, 16, 16), torch.randn(5, 8, dtype=torch.bfloat16)
    plain, packed = both(Odd(torch.channels_last), *inputs)
    (line,) = caplog.messages
    assert "slower" in line
    assert operators(packed) == operators(plain)
    assert_same(plain, packed, *inputs)


@pytest.mark.parametrize("gain, told", [(1.2, False), (1.9, True)])
def test_bfloat16_is_taken_where_its_products_are_fast(monkeypatch, gain, told):
    times = {torch.float32: 1e-3 * gain, torch.bfloat16: 1e-3}
    monkeypatch.setattr(inference, "_product_times", lambda *dtypes: [times[d] for d in dtypes])
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    threads = torch.get_num_threads()
    inference.bf16_is_fast.cache_clear()
    try:
        assert inference.bf16_is_fast("cpu") is told
    finally:
        inference.bf16_is_fast.cache_clear()
    assert torch.get_num_threads() == threads


def test_bfloat16_is_not_timed_where_the_processor_has_none(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True})
    monkeypatch.setattr(inference, "_product_times", None)
    inference.bf16_is_fast.cache_clear()
    try:
        assert inference.bf16_is_fast("cpu") is False
    finally:
        inference.bf16_is_fast.cache_clear()

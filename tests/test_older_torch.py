# SPDX-License-Identifier: GPL-3.0-or-later
"""What PyTorch of a distribution is taught, so that it runs the bundles."""

from __future__ import annotations

import pytest
import torch

from radiofm_core.older_torch import add_missing_operators, scaled_dot_product_attention

NAMES = ["scaled_dot_product_attention", "_upsample_lanczos2d_aa"]


def tokens() -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(2, 3, 10, 8, generator=generator) for _ in range(3)]


@pytest.mark.parametrize("mask", [None, torch.bool, torch.float32])
@pytest.mark.parametrize("scale", [None, 0.7])
def test_attention_is_that_of_newer_versions(mask, scale):
    seen = torch.rand(2, 1, 10, 10, generator=torch.Generator().manual_seed(2)) < 0.6
    seen |= torch.eye(10, dtype=torch.bool)
    given = None if mask is None else seen if mask is torch.bool else seen.float()
    expected = torch.nn.functional.scaled_dot_product_attention(*tokens(), given, scale=scale)
    answer = scaled_dot_product_attention(*tokens(), given, scale=scale)
    torch.testing.assert_close(answer, expected, rtol=1e-4, atol=1e-6)


def test_what_it_does_not_compute_is_refused():
    with pytest.raises(NotImplementedError, match="causal"):
        scaled_dot_product_attention(*tokens(), is_causal=True)


def test_operators_are_added_once_and_run_in_torchscript():
    assert add_missing_operators("radiofm_test") == NAMES
    assert add_missing_operators("radiofm_test") == []

    def attention(q, k, v):
        return torch.ops.radiofm_test.scaled_dot_product_attention(q, k, v)

    scripted = torch.jit.script(attention)
    expected = torch.nn.functional.scaled_dot_product_attention(*tokens())
    torch.testing.assert_close(scripted(*tokens()), expected, rtol=1e-4, atol=1e-6)


def test_operators_that_pytorch_has_stay_as_they_are():
    before = {n: torch._C._jit_get_schemas_for_operator(f"aten::{n}") for n in NAMES}
    assert set(add_missing_operators()) == {name for name, schemas in before.items() if not schemas}
    after = {n: torch._C._jit_get_schemas_for_operator(f"aten::{n}") for n in NAMES}
    assert all(after[name] == schemas for name, schemas in before.items() if schemas)
    assert all(after.values())

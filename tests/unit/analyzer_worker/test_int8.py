"""Products in 8 bits: near those of float32, also where a few channels are far larger than the others."""

import pytest
import torch
from torch import nn

from analyzer_worker.engines.int8 import Int8Linear, quantize_layers


def relative_error(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float((found - expected).norm() / expected.norm())


@pytest.fixture
def layer() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(256, 128)


@pytest.mark.parametrize("outlier", [1.0, 20.0, 100.0])
@torch.inference_mode()
def test_product_is_that_of_float32(layer: nn.Linear, outlier: float) -> None:
    """Three channels are ``outlier`` times as large as the others."""
    states = torch.randn(12, 256)
    states[:, [3, 70, 200]] *= outlier
    packed = Int8Linear(layer, states.abs().amax(0))
    assert relative_error(packed(states), layer(states)) < 0.03


@torch.inference_mode()
def test_neighbours_do_not_change_a_row(layer: nn.Linear) -> None:
    """A sentence has the same states alone and beside a loud one."""
    states = torch.randn(12, 256)
    packed = Int8Linear(layer, states.abs().amax(0))
    beside = torch.cat([states, 1_000 * torch.randn(3, 256)])
    torch.testing.assert_close(packed(beside)[:12], packed(states), atol=1e-6, rtol=0)


@torch.inference_mode()
def test_zeros_give_the_bias(layer: nn.Linear) -> None:
    packed = Int8Linear(layer, torch.ones(256))
    torch.testing.assert_close(packed(torch.zeros(2, 256)), layer.bias.expand(2, -1))


@torch.inference_mode()
def test_layers_are_replaced_where_they_stand() -> None:
    """Those that are not named stay in float32, and no hook stays behind."""
    torch.manual_seed(1)
    block = nn.ModuleDict({"first": nn.Linear(32, 64), "second": nn.Linear(64, 32), "other": nn.Linear(32, 32)})
    states = torch.randn(4, 32)

    def run() -> torch.Tensor:
        found: torch.Tensor = block["other"](block["second"](torch.relu(block["first"](states))))
        return found

    expected = run()
    quantize_layers([block], ["first", "second"], run)
    assert [type(module) for module in block.values()] == [Int8Linear, Int8Linear, nn.Linear]
    assert relative_error(run(), expected) < 0.03
    assert not any(module._forward_pre_hooks for module in block.modules())

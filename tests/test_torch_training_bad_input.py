"""What bomb_backward says to bad input."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from otcore.torch.training import bomb_backward
from training_cases import NOISE_X, NOISE_Y, network, pair_cost

X, Y = NOISE_X, NOISE_Y[..., :3]


def call(**changes: Any) -> None:
    arguments: dict[str, Any] = {"forward_x": network(4), "forward_y": None, "batches": (X, Y)}
    bomb_backward(**(arguments | changes))


def test_the_call_that_the_others_change() -> None:
    call()


@pytest.mark.parametrize(
    ("changes", "error", "match"),
    [
        ({"forward_x": 3}, TypeError, "forward_x: int, expected a function"),
        ({"forward_x": str}, TypeError, "forward_x: str for batch 0, expected a tensor"),
        ({"forward_y": lambda y: ()}, TypeError, "forward_y: tuple for batch 0"),
        ({"batches": X}, TypeError, "batches: Tensor, expected a pair"),
        ({"batches": (X, 3)}, TypeError, "batches: int for Y, expected a sequence"),
        ({"batches": (X, Y[:0])}, ValueError, "batches: none of Y"),
        ({"loss": "near"}, ValueError, "inner: 'near'"),
        ({"loss": 3}, TypeError, "loss: int, expected a name or a function"),
        ({"loss": "sinkhorn"}, ValueError, "inner_reg: None"),
        ({"inner_reg": 1.0}, ValueError, "inner_reg: 1.0"),
        ({"metric": "near"}, ValueError, "metric: 'near'"),
        ({"depth": 3}, TypeError, "depth: unknown"),
        ({"loss": pair_cost, "metric": "euclidean"}, TypeError, "metric: given"),
        ({"coupling": "bomb"}, ValueError, "coupling: 'bomb'"),
        ({"outer_reg": 0.0}, ValueError, "outer_reg: 0"),
        ({"outer_reg": 1.0, "coupling": "product"}, ValueError, "outer_reg: 1.0, expected None"),
        ({"coupling": "diagonal"}, ValueError, "batches: 4 of X and 3 of Y"),
        ({"cache": "some"}, ValueError, "cache: 'some'"),
        ({"scale": 0.0}, ValueError, "scale: 0"),
        ({"loss": lambda x, y: 1.0}, TypeError, "loss: returned float, expected a 0-d tensor"),
        ({"loss": lambda x, y: x}, TypeError, r"loss: returned \(7, 3\)"),
        ({"loss": lambda x, y: x.sum() / 0}, ValueError, "loss: returned -?inf"),
        ({"extra": lambda x, batch: None}, TypeError, "extra: returned NoneType"),
        ({"batches": ([X[0], X[1][:3]], Y)}, ValueError, r"forward_x: shape \(3, 3\) for batch 1"),
        ({"forward_y": lambda y: y[0, 0]}, ValueError, r"forward_y: shape \(\)"),
        ({"batches": (X * torch.nan, Y)}, ValueError, "forward_x: .*NaN"),
        ({"batches": (X, Y * torch.inf)}, ValueError, "forward_y: .*NaN or infinity"),
        ({"batches": (X, Y[..., :2])}, ValueError, "Y: shape"),
    ],
)
@pytest.mark.parametrize("cache", ["none", "outputs"])
def test_errors(changes: dict[str, Any], error: type[Exception], match: str, cache: str) -> None:
    sizes = "for batch 1" in match
    if sizes and cache == "none":
        return  # which takes batches of any size
    with pytest.raises(error, match=match):
        call(**({"cache": cache} | changes))


@pytest.mark.parametrize("loss", ["exact", pair_cost])
def test_nothing_to_train(loss: Any) -> None:
    with pytest.raises(RuntimeError, match="does not depend on anything that requires a gradient"):
        call(forward_x=network(4).requires_grad_(False), loss=loss)


def test_a_forward_with_more_parts_for_some_batches() -> None:
    body, count = network(4), iter(range(100))

    def forward(batch: Tensor) -> Any:
        return (body(batch), *range(next(count)))

    with pytest.raises(ValueError, match="forward_x: 2 parts for batch 1, expected 1"):
        call(forward_x=forward)


def test_an_error_leaves_modules_and_hooks_as_they_were() -> None:
    """Also one in a second pass, whose modules work on copies of their buffers."""
    body = torch.nn.Sequential(network(4), torch.nn.BatchNorm1d(3).double())
    buffers = dict(body.named_buffers())
    passes = iter(range(100))

    def forward(batch: Tensor) -> Tensor:
        output: Tensor = body(batch)
        if next(passes) == len(X):
            raise RuntimeError("stop")
        return output

    with pytest.raises(RuntimeError, match="stop"):
        call(forward_x=forward)
    for name, buffer in body.named_buffers():
        assert buffer is buffers[name]
    assert not torch.nn.modules.module._global_forward_pre_hooks

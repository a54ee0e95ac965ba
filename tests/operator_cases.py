"""The functions of otcore.torch, their arguments, and what they must agree with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

import otcore
import otcore.torch as ot


@dataclass(frozen=True)
class Case:
    """A function of tensors, one problem at a time or a batch of them."""

    name: str
    function: Callable[..., Tensor]
    peer: Callable[..., Any]  # the same by otcore's functions, which give a result or a value
    shapes: tuple[tuple[int, ...], ...]  # of one problem; those of one axis from `weights` on are
    weights: int  # logits of weights: the place of the first
    limit: Callable[..., Tensor] | None = None  # the function that this one approximates

    def tensors(self, *batch: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> list[Any]:
        generator = np.random.default_rng(seed)
        return [
            torch.as_tensor(generator.normal(size=(*batch, *shape))).to(dtype)
            for shape in self.shapes
        ]

    def __call__(self, *tensors: Tensor) -> Tensor:
        return self.function(*self._weighted(tensors))

    def expected(self, *tensors: Tensor) -> Tensor:
        result = self.peer(*self._weighted(tensors))
        value: Tensor = getattr(result, "value", result)
        return value

    def _weighted(self, tensors: Any) -> list[Tensor]:
        """softmax keeps the total of the weights, which gradients in them hold fixed."""
        return [t if place < self.weights else t.softmax(-1) for place, t in enumerate(tensors)]


IPOT: dict[str, Any] = {"method": "ipot", "tol": 1e-6}


def _costs(solve: Any, many: Any) -> Callable[..., Any]:
    return lambda data, *rest, **options: (many if data.dim() == 3 else solve)(
        data, *rest, **options
    )


def _points(**options: Any) -> tuple[Callable[..., Any], Callable[..., Any]]:
    solve = _costs(otcore.solve_sample, otcore.solve_sample_batch)
    return partial(ot.transport_cost_sample, **options), partial(solve, **options)


CASES = [
    Case(
        "exact costs",
        ot.transport_cost,
        _costs(otcore.solve, otcore.solve_batch),
        ((6, 4), (6,), (4,)),
        weights=1,
    ),
    *(
        Case(
            f"exact points, {metric}",
            *_points(metric=metric),
            ((6, 3), (4, 3), (6,), (4,)),
            weights=2,
        )
        for metric in ("sqeuclidean", ("minkowski", 1.5))
    ),
    Case(
        "ipot costs",
        partial(ot.transport_cost, **IPOT),
        partial(_costs(otcore.solve, otcore.solve_batch), **IPOT),
        ((5, 4), (5,), (4,)),
        weights=1,
        limit=ot.transport_cost,
    ),
    *(
        Case(
            f"ipot points, {metric}",
            *_points(metric=metric, **IPOT),
            ((5, 3), (4, 3), (5,), (4,)),
            weights=2,
            limit=_points(metric=metric)[0],
        )
        for metric in ("sqeuclidean", "cityblock")
    ),
]

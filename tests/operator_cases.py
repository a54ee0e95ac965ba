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
    shapes: tuple[tuple[int, ...], ...]  # of one problem
    weights: int  # the place of the first of two logits of weights
    limit: Callable[..., Tensor] | None = None  # the function that this one approximates
    shared: tuple[int, ...] = ()  # what batches have one of
    batches: bool = True

    def tensors(
        self, *batch: int, mapped: int | None = None, seed: int = 0, dtype: Any = torch.float64
    ) -> list[Tensor]:
        """Those of one problem, or of a batch; or of so many of either, along the first axis."""
        generator = np.random.default_rng(seed)
        lead = () if mapped is None else (mapped,)
        return [
            torch.as_tensor(
                generator.normal(size=(*lead, *(() if place in self.shared else batch), *shape))
            ).to(dtype)
            for place, shape in enumerate(self.shapes)
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
AXES = torch.eye(3, dtype=torch.float64)

# Between clouds far from each other the largest slice is not at a kink.
FAR = 9.0
BATCHES = torch.tensor([[0, 3, 5], [7, 2, 1]]), torch.tensor([[6, 0, 1, 4], [2, 3, 5, 0]])


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
    Case(
        "ipot points",
        *_points(metric="cityblock", **IPOT),
        ((5, 3), (4, 3), (5,), (4,)),
        weights=2,
        limit=_points(metric="cityblock")[0],
    ),
    Case(
        "line",
        partial(ot.wasserstein_1d, p=1.5),
        partial(otcore.oned.wasserstein, p=1.5),
        ((5,), (4,), (5,), (4,)),
        weights=2,
    ),
    Case(
        "sliced",
        lambda X, Y, a, b, projections: ot.sliced_wasserstein(X, Y, a, b, projections=projections),
        lambda X, Y, a, b, projections: otcore.sliced.sliced_wasserstein(
            X, Y, a, b, projections=projections
        ),
        ((5, 3), (4, 3), (5,), (4,), (3, 7)),
        weights=2,
        shared=(4,),
    ),
    Case(
        "max-sliced",
        lambda X, Y, *ab: ot.max_sliced_wasserstein(X, Y + FAR, *ab, projections=AXES),
        lambda X, Y, *ab: otcore.sliced.max_sliced_wasserstein(X, Y + FAR, *ab, projections=AXES),
        ((5, 3), (4, 3), (5,), (4,)),
        weights=2,
        batches=False,
    ),
    *(
        Case(
            f"mini-batches, {name}",
            lambda X, Y, a, b, options=options: ot.minibatch_cost(X, Y, *BATCHES, a, b, **options),
            lambda X, Y, a, b, peer=peer: peer(X, Y, a, b, batches=BATCHES),
            ((8, 2), (7, 2), (8,), (7,)),
            weights=2,
            batches=False,
        )
        for name, options, peer in (
            ("bomb", {}, otcore.minibatch.bomb_ot),
            (
                "diagonal",
                {"method": "diagonal", "inner": "sinkhorn", "inner_reg": 0.5, "inner_tol": 1e-11},
                partial(
                    otcore.minibatch.m_ot,
                    pairs="diagonal",
                    inner="sinkhorn",
                    inner_reg=0.5,
                    inner_tol=1e-11,
                ),
            ),
        )
    ),
]

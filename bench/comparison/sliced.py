"""Sliced transport between two clouds, float32, against POT, a vectorised numpy pipeline and torch.

The pipeline is one BLAS product and one np.sort for each side, and the gradients are torch's own
through the same steps. All take the same directions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import ot
import torch

import otcore

from .contest import Contender, Contest, Rival, Values
from .machine import Work

Cloud = npt.NDArray[Any]

# Answers in float32 agree to this.
_AGREEMENT = 1e-4


def contests() -> Iterator[Contest]:
    rng = np.random.default_rng(4)
    yield _values(rng, n=100_000, d=10, count=100, target=40)
    yield _values(rng, n=10_000, d=50, count=200, target=20)
    yield _values(rng, n=1000, d=10, count=1000, target=20)
    yield _gradients(rng, n=10_000, d=50, count=200)


def _values(rng: np.random.Generator, n: int, d: int, count: int, target: float) -> Contest:
    clouds = _clouds(rng, n, d, count)
    return Contest(
        f"SW_2, n = {n}, d = {d}, {count} directions",
        _contender("otcore", _ours, *clouds),
        (
            Rival(_pot_doubles(*clouds), target),
            Rival(_contender("numpy: product and sort", _pipeline, *clouds), 1.8),
        ),
        floor=Work(multiply_adds=2.0 * n * d * count, traffic=2.0 * clouds[0].nbytes),
        agreement=_AGREEMENT,
    )


def _gradients(rng: np.random.Generator, n: int, d: int, count: int) -> Contest:
    clouds = _clouds(rng, n, d, count)
    return Contest(
        f"SW_2 and its gradient, n = {n}, d = {d}, {count} directions",
        _contender("otcore", _ours_gradient, *clouds),
        (Rival(_contender("torch: sort and autograd", _torch_gradient, *clouds), 10),),
        floor=Work(multiply_adds=3.0 * n * d * count, traffic=2.0 * clouds[0].nbytes),
        agreement=_AGREEMENT,
        forked=False,
    )


def _clouds(rng: np.random.Generator, n: int, d: int, count: int) -> tuple[Cloud, Cloud, Cloud]:
    x = rng.normal(size=(n, d)).astype(np.float32)
    y = (rng.normal(size=(n, d)) * 1.5 + 0.5).astype(np.float32)
    directions = rng.normal(size=(d, count))
    directions /= np.linalg.norm(directions, axis=0)
    return x, y, directions.astype(np.float32)


def _ours(x: Cloud, y: Cloud, directions: Cloud) -> float:
    value: float = otcore.sliced.sliced_wasserstein(x, y, projections=directions).value
    return value


def _pot(x: Cloud, y: Cloud, directions: Cloud) -> float:
    return float(ot.sliced_wasserstein_distance(x, y, projections=directions)) ** 2


def _pot_doubles(*clouds: Cloud) -> Contender:
    """POT on float32, whose answer is compared in float64: it adds up float32 weights, and is off
    by 1e-3 where n = 100000."""
    name = "POT `sliced_wasserstein_distance`"
    timed = _contender(name, _pot, *clouds)
    exact = _contender(name, _pot, *(array.astype(np.float64) for array in clouds))
    return replace(timed, answers=exact.answers)


def _pipeline(x: Cloud, y: Cloud, directions: Cloud) -> float:
    rows = np.ascontiguousarray(directions.T)
    difference = np.sort(rows @ x.T, axis=1)
    difference -= np.sort(rows @ y.T, axis=1)
    return float(np.square(difference, out=difference).mean(dtype=np.float64))


def _ours_gradient(x: Cloud, y: Cloud, directions: Cloud) -> Any:
    points = torch.from_numpy(x).requires_grad_()
    result = otcore.sliced.sliced_wasserstein(
        points, torch.from_numpy(y), projections=torch.from_numpy(directions)
    )
    result.value.backward()
    return points.grad


def _torch_gradient(x: Cloud, y: Cloud, directions: Cloud) -> Any:
    points, rows = torch.from_numpy(x).requires_grad_(), torch.from_numpy(directions).T.contiguous()
    difference = (rows @ points.T).sort(dim=1).values
    difference = difference - (rows @ torch.from_numpy(y).T).sort(dim=1).values
    difference.square().mean().backward()
    return points.grad


def _contender(name: str, solve: Callable[..., Any], x: Cloud, y: Cloud, rows: Cloud) -> Contender:
    def answers() -> Values:
        """The value; of gradients the norm, whose entries may be near 0."""
        return np.asarray(np.linalg.norm(np.asarray(solve(x, y, rows), dtype=np.float64)))

    return Contender(
        name,
        run=lambda: solve(x, y, rows),
        answers=answers,
        small=lambda: solve(x[:100], y[:100], rows[:, :2]),
    )

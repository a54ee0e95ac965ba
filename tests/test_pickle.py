"""Results are pickled and copied, from one process to another too."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np
import pytest
import torch

import otcore
from checks import assert_same, check_result, to_numpy


def through_pickle(protocol: int) -> Callable[[Any], Any]:
    return lambda result: pickle.loads(pickle.dumps(result, protocol=protocol))


WAYS = {
    **{f"protocol-{k}": through_pickle(k) for k in range(2, pickle.HIGHEST_PROTOCOL + 1)},
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
}


@pytest.fixture(params=WAYS)
def again(request: pytest.FixtureRequest) -> Callable[[Any], Any]:
    return WAYS[request.param]


def test_a_matrix(again: Callable[[Any], Any]) -> None:
    rng = np.random.default_rng(0)
    M, a = rng.random((7, 9)), rng.dirichlet(np.ones(7))
    result = otcore.solve(M, a)
    other = again(result)
    assert type(other) is otcore.OTResult
    assert_same(other, result)
    check_result(other, M, a)
    assert np.array_equal(other.apply(np.arange(9.0)), result.apply(np.arange(9.0)))
    assert repr(other) == repr(result)


def test_points(again: Callable[[Any], Any]) -> None:
    rng = np.random.default_rng(0)
    result = otcore.solve_sample(rng.random((6, 2)), rng.random((5, 2)))
    other = again(result)
    assert other.distance == result.distance
    assert np.array_equal(other.barycentric_map(), result.barycentric_map())


def test_points_of_the_line(again: Callable[[Any], Any]) -> None:
    result = otcore.oned.solve([0.0, 3.0, 1.0], [2.0, 5.0])
    assert_same(again(result), result)


def test_a_batch(again: Callable[[Any], Any]) -> None:
    M = np.random.default_rng(0).random((4, 5, 6))
    batch = otcore.solve_batch(M)
    other = again(batch)
    assert type(other) is otcore.BatchResult
    assert len(other) == 4
    assert other.status == batch.status
    for k in range(4):
        assert_same(other[k], batch[k])
        assert_same(again(batch[k]), batch[k])


def test_stopped_early(again: Callable[[Any], Any]) -> None:
    M = np.random.default_rng(0).random((40, 40))
    with pytest.warns(otcore.ConvergenceWarning):
        result = otcore.solve(M, max_iter=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # said once already
        check_result(again(result), M, status="max_iter")


def test_what_was_made_of_a_result_is_left_out() -> None:
    result = otcore.solve(np.random.default_rng(0).random((300, 300)))
    before = len(pickle.dumps(result))
    assert result.plan.nbytes == 8 * 300 * 300
    assert len(pickle.dumps(result)) == before


def test_tensors() -> None:
    """A copy is a result without a graph: its value has no gradient, and the original keeps its."""
    M = torch.rand((5, 6), generator=torch.Generator().manual_seed(0), requires_grad=True)
    result = otcore.solve(M)
    for other in (pickle.loads(pickle.dumps(result)), copy.deepcopy(result)):
        assert_same(other, result)
        assert not other.value.requires_grad
        assert torch.equal(other.plan.detach(), result.plan.detach())
    result.value.backward()
    assert np.allclose(to_numpy(M.grad), to_numpy(result.plan))


def solve_seed(seed: int) -> otcore.OTResult:
    return otcore.solve(np.random.default_rng(seed).random((8, 8)))


def test_results_of_worker_processes() -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        for seed, result in enumerate(pool.map(solve_seed, range(2))):
            assert_same(result, solve_seed(seed))


@pytest.mark.parametrize("state", [(), (1,), (None,) * 11])
def test_a_broken_state(state: tuple[Any, ...]) -> None:
    solution = otcore.solve([[0.0]])._solution
    broken = type(solution).__new__(type(solution))
    with pytest.raises((ValueError, TypeError, RuntimeError)):
        broken.__setstate__(state)

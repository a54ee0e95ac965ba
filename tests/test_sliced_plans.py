"""Plans of slices: marginals and costs, the best and the mean of them, POT, gradients."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import ot
import pytest
import torch
from torch.autograd import gradcheck

import otcore
from otcore.sliced import expected_sliced, min_pivot_sliced
from problems import reference_costs
from sliced_cases import clouds, masses, tensors


@pytest.mark.parametrize(
    "metric", ["sqeuclidean", "euclidean", "cityblock", "cosine", ("minkowski", 3.0)]
)
@pytest.mark.parametrize("weighted", [False, True])
def test_plans(metric: Any, weighted: bool) -> None:
    x, y = clouds(40, 30, 3)
    a, b = masses(40, 30) if weighted else (np.full(40, 1 / 40), np.full(30, 1 / 30))
    costs = reference_costs(x, y, metric)
    exact = otcore.solve(costs, a, b).value
    given = (a, b) if weighted else (None, None)
    projections = np.random.default_rng(0).normal(size=(3, 20))
    best = min_pivot_sliced(x, y, *given, metric=metric, projections=projections)
    mean = expected_sliced(x, y, *given, metric=metric, projections=projections)
    for result in (best, mean):
        np.testing.assert_allclose(result.plan.sum(1), a, atol=1e-15)
        np.testing.assert_allclose(result.plan.sum(0), b, atol=1e-15)
        assert result.value == pytest.approx((result.plan * costs).sum(), rel=1e-12)
        assert result.value >= exact
        np.testing.assert_allclose(result.sparse_plan.toarray(), result.plan, rtol=1e-13)
    assert best.value == best.costs.min()
    assert best.sparse_plan.nnz <= 69
    assert mean.value == pytest.approx(mean.costs.mean(), rel=1e-12)
    cold = expected_sliced(x, y, *given, metric=metric, projections=projections, beta=np.inf)
    assert np.array_equal(cold.plan, best.plan)
    beta = 3.0
    warm = expected_sliced(x, y, *given, metric=metric, projections=projections, beta=beta)
    weights = np.exp(-beta * warm.costs)
    np.testing.assert_allclose(warm.weights, weights / weights.sum(), rtol=1e-10)
    assert best.value <= warm.value <= mean.value
    np.testing.assert_allclose(
        best.barycentric_map()[a > 0], (best.plan @ y)[a > 0] / a[a > 0, None]
    )


def test_plans_against_pot() -> None:
    x, y = clouds(40, 40, 3)
    projections = np.random.default_rng(0).normal(size=(3, 20))
    plan, cost = ot.min_sliced_transport_plan(x, y, projections=projections)
    best = min_pivot_sliced(x, y, projections=projections)
    np.testing.assert_allclose(best.plan, plan, atol=1e-15)
    assert best.value == pytest.approx(cost, rel=1e-12)
    plan, cost = ot.expected_sliced_plan(x, y, projections=projections, beta=0.5)
    mean = expected_sliced(x, y, projections=projections, beta=0.5)
    np.testing.assert_allclose(mean.plan, plan, atol=1e-14)
    assert mean.value == pytest.approx(cost, rel=1e-12)


def test_gradients_of_plans() -> None:
    x, y = tensors(7, 5, 3)
    projections = torch.as_tensor(np.random.default_rng(0).normal(size=(3, 6)))
    for solve, metric in itertools.product(
        (min_pivot_sliced, expected_sliced), ("sqeuclidean", "euclidean")
    ):
        assert gradcheck(
            lambda x, y, solve=solve, metric=metric: (
                solve(x, y, metric=metric, projections=projections).value
            ),
            (x, y),
        )
    result = min_pivot_sliced(x, y, projections=projections)
    with pytest.raises(RuntimeError, match="not differentiable"):
        result.plan.sum().backward()

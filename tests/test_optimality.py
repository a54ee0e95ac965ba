"""The independent certificate accepts optima and finds what is wrong with everything else."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import scipy.sparse

import otcore
from comparison.optimality import certify, require_optimal
from problems import Array, reference_costs


def clouds(d: int = 3) -> tuple[Array, Array, Array, Array]:
    rng = np.random.default_rng(d)
    X, Y = rng.normal(size=(300, d)), rng.normal(size=(1200, d))
    return X, Y, rng.dirichlet(np.ones(300)), rng.dirichlet(np.ones(1200))


def altered(result: otcore.OTResult, **changes: Any) -> SimpleNamespace:
    """The answer with some of it replaced."""
    said = {
        name: getattr(result, name) for name in ("value", "status", "potentials", "sparse_plan")
    }
    return SimpleNamespace(**said | changes)


METRICS: list[Any] = ["sqeuclidean", "euclidean", "cityblock", ("minkowski", 2.5), "cosine"]


@pytest.mark.parametrize("metric", METRICS, ids=str)
def test_smallest_reduced_cost(metric: Any) -> None:
    """That of the whole matrix, wherever it is, and also for potentials that are far off."""
    X, Y, a, b = clouds()
    result = otcore.solve_sample(X, Y, a, b, metric=metric)
    costs = reference_costs(X, Y, metric)
    f, g = (np.array(p) for p in result.potentials)
    for i, j, by in [(0, 0, 1e-3), (299, 1199, 1e-6), (17, 1024, 1e-9), (256, 1023, 0.5)]:
        raised = f.copy()
        raised[i] += costs[i, j] - f[i] - g[j] + by
        found = certify(altered(result, potentials=(raised, g)), X, Y, a, b, metric=metric)
        expected = (costs - raised[:, None] - g).min()
        assert found.smallest == pytest.approx(expected, abs=1e-13)
        assert found.smallest < 0
        assert any("reduced cost" in fault for fault in found.faults)


@pytest.mark.parametrize("far", [0.0, 1e4])
def test_lower_bounds_miss_nothing(far: float) -> None:
    """Potentials that violate one pair by little more than rounding, far from the origin too."""
    X, Y, a, b = clouds(20)
    X, Y = X + far, Y + far
    result = otcore.solve_sample(X, Y, a, b)
    f, g = (np.array(p) for p in result.potentials)
    costs = ((X[:, None] - Y) ** 2).sum(-1)
    slack = costs - f[:, None] - g
    i, j = divmod(int(np.argsort(slack, axis=None)[slack.size // 2]), slack.shape[1])
    f[i] += slack[i, j] + 1e-11
    found = certify(altered(result, potentials=(f, g)), X, Y, a, b)
    assert found.smallest <= -1e-11 + 1e-12
    assert any("reduced cost" in fault for fault in found.faults)


@pytest.mark.parametrize("metric", METRICS, ids=str)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_optima_have_no_fault(metric: Any, dtype: Any) -> None:
    X, Y, a, b = (array.astype(dtype) for array in clouds())
    result = otcore.solve_sample(X, Y, a, b, metric=metric)
    found = require_optimal(result, X, Y, a, b, metric=metric)
    assert found.gap == pytest.approx(result.gap, abs=1e-6 if dtype == np.float32 else 1e-12)


def test_faults_are_found() -> None:
    X, Y, a, b = clouds()
    result = otcore.solve_sample(X, Y, a, b)
    plan = result.sparse_plan.tocoo()
    (rows, cols), mass = plan.coords, plan.data
    f, g = result.potentials

    def faults(**changes: Any) -> str:
        return "; ".join(certify(altered(result, **changes), X, Y, a, b).faults)

    def moved(rows: Array, cols: Array, mass: Array) -> Any:
        return scipy.sparse.coo_array((mass, (rows, cols)), shape=plan.shape)

    assert faults() == ""
    assert "not" in faults(value=result.value * (1 + 1e-8))
    assert "differ" in faults(potentials=(f - 1e-6, g))
    assert "sum(b g)" in faults(potentials=(f - 1e-6, g + 1e-6))
    assert "marginals" in faults(sparse_plan=moved(rows, cols, mass * (1 + 1e-9)))
    other = cols.copy()
    other[[0, 1]] = cols[[1, 0]]
    assert "marginals" in faults(sparse_plan=moved(rows, other, mass))
    negative = mass.copy()
    negative[0] *= -1
    assert "an entry of mass" in faults(sparse_plan=moved(rows, cols, negative))
    # The product of the marginals: feasible, but with too many entries, and expensive.
    product = scipy.sparse.coo_array(np.outer(a, b))
    text = faults(sparse_plan=product)
    assert "entries" in text
    assert "differ" in text
    with pytest.raises(AssertionError, match="status max_iter"):
        require_optimal(altered(result, status="max_iter"), X, Y, a, b)

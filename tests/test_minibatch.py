"""Mini-batch transport: what the papers say must hold, and what loops over single solves give."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import hypothesis.strategies as st
import numpy as np
import ot
import pytest
import scipy.sparse
import torch
from hypothesis import given

import otcore
from checks import to_numpy
from minibatch_cases import COUPLINGS, RNG, A, Array, B, X, Y, assert_same
from otcore.minibatch import bomb_ot, m_ot
from problems import dyadic_weights, reference_costs
from strategies import METRICS


def inner_solution(
    result: Any, i: int, j: int, x: Array, y: Array, a: Any, b: Any, metric: Any
) -> Any:
    """One pair of batches, solved by itself; in float64, so that the weights are not rounded."""
    rows, cols = to_numpy(result.batches_x)[i], to_numpy(result.batches_y)[j]
    weights_a = None if a is None else a[rows] / a[rows].sum()
    weights_b = None if b is None else b[cols] / b[cols].sum()
    points = x[rows].astype(np.float64), y[cols].astype(np.float64)
    return otcore.solve_sample(*points, weights_a, weights_b, metric=metric)


def loop_plan(result: Any, x: Array, y: Array, a: Any, b: Any, metric: Any) -> tuple[Array, Array]:
    """Costs and aggregated plan by loops over the pairs."""
    batches_x, batches_y = to_numpy(result.batches_x), to_numpy(result.batches_y)
    coupling = to_numpy(result.coupling)
    costs = np.zeros(coupling.shape)
    plan = np.zeros((len(x), len(y)))
    diagonal = [(i, i) for i in range(len(batches_x))]
    for place in np.ndindex(*coupling.shape):
        i, j = place if len(place) == 2 else diagonal[place[0]]
        inner = inner_solution(result, i, j, x, y, a, b, metric)
        costs[place] = inner.value
        places = np.ix_(batches_x[i], batches_y[j])
        np.add.at(plan, places, coupling[place] * inner.plan)
    return costs, plan


# ---------------------------------------------------------------------------------------------
# The table and the plan, against loops


@given(
    k=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    m=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    name=st.sampled_from(sorted(COUPLINGS)),
    metric=st.sampled_from(METRICS),
    weighted=st.tuples(st.booleans(), st.booleans()),
    replacement=st.booleans(),
    by_mass=st.booleans(),
    dtype=st.sampled_from([np.float64, np.float32]),
    seed=st.integers(0, 2**64 - 1),
)
def test_equals_a_loop(
    k: tuple[int, int],
    m: tuple[int, int],
    name: str,
    metric: Any,
    weighted: tuple[bool, bool],
    replacement: bool,
    by_mass: bool,
    dtype: Any,
    seed: int,
) -> None:
    if name == "diagonal":
        k, by_mass = (k[0], k[0]), False
    x, y = X.astype(dtype), Y.astype(dtype)
    a, b = A if weighted[0] else None, B if weighted[1] else None
    result = COUPLINGS[name](
        x,
        y,
        a,
        b,
        k=k,
        m=m,
        metric=metric,
        replacement=replacement,
        batch_weights="mass" if by_mass else "uniform",
        seed=seed,
    )
    assert result.status == ("converged" if name == "ebomb" else "optimal")
    assert result.batches_x.shape == (k[0], m[0])
    assert result.batches_y.shape == (k[1], m[1])
    a = None if a is None else a.astype(dtype).astype(np.float64)
    b = None if b is None else b.astype(dtype).astype(np.float64)
    # Where a point is drawn twice several plans are optimal: compare what they cost.
    costs, plan = loop_plan(result, x, y, a, b, metric)
    np.testing.assert_allclose(result.costs, costs, rtol=1e-12, atol=1e-14)
    ground = reference_costs(x, y, metric)
    value = float((result.costs * result.coupling).sum())
    assert result.value == pytest.approx(value, rel=1e-13)
    tolerance = 1e-12 if dtype == np.float64 else 1e-6
    assert (result.plan.astype(np.float64) * ground).sum() == pytest.approx(value, rel=tolerance)
    np.testing.assert_allclose(result.plan.sum(1), plan.sum(1), atol=tolerance)
    np.testing.assert_allclose(result.plan.sum(0), plan.sum(0), atol=tolerance)
    assert result.plan.dtype == dtype
    assert result.costs.dtype == np.float64
    assert result.inner_gap <= 1e-9 * costs.max() + 1e-14
    assert result.marginal_error <= 1.01e-9

    # The coupling has the batches' weights as its marginals.
    if name != "diagonal":
        for axis, batches, weights in ((1, result.batches_x, a), (0, result.batches_y, b)):
            mass = np.ones(len(batches))
            if by_mass and weights is not None:
                mass = weights[batches].sum(1)
            np.testing.assert_allclose(result.coupling.sum(axis), mass / mass.sum(), atol=1e-9)


@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean", "cityblock"])
def test_agrees_with_pot(metric: str) -> None:
    result = bomb_ot(X, Y, k=5, m=8, metric=metric, seed=0)
    costs = np.array(
        [
            [ot.emd2([], [], ot.dist(X[i], Y[j], metric=metric)) for j in result.batches_y]
            for i in result.batches_x
        ]
    )
    np.testing.assert_allclose(result.costs, costs, rtol=1e-9)
    assert result.value == pytest.approx(ot.emd2([], [], costs), rel=1e-9)


@pytest.mark.parametrize("outer_reg", [0.5, 0.05, 0.01])
def test_entropic_coupling_agrees_with_pot(outer_reg: float) -> None:
    result = bomb_ot(X, Y, A, B, k=(6, 9), m=5, batch_weights="mass", outer_reg=outer_reg, seed=0)
    u, v = A[result.batches_x].sum(1), B[result.batches_y].sum(1)
    gamma = ot.sinkhorn(
        u / u.sum(), v / v.sum(), result.costs, outer_reg, "sinkhorn_log", 100_000, 1e-13
    )
    np.testing.assert_allclose(result.coupling, gamma, atol=1e-9)


@given(name=st.sampled_from(sorted(COUPLINGS)), root=st.booleans(), seed=st.integers(0, 100))
def test_torch_and_numpy_agree_to_the_bit(name: str, root: bool, seed: int) -> None:
    arrays = COUPLINGS[name](X, Y, A, B, k=4, m=6, root=root, seed=seed)
    tensors = COUPLINGS[name](
        *(torch.as_tensor(array) for array in (X, Y, A, B)), k=4, m=6, root=root, seed=seed
    )
    assert_same(arrays, tensors)
    for part in ("value", "costs", "coupling", "batches_x", "plan", "marginal_a", "drawn_x"):
        assert isinstance(getattr(tensors, part), torch.Tensor), part
    assert isinstance(arrays.value, float)
    assert tensors.value.shape == ()
    assert tensors.value.dtype == torch.float64
    # Duplicates are summed in another order.
    np.testing.assert_allclose(
        to_numpy(tensors.sparse_plan), arrays.sparse_plan.toarray(), rtol=1e-14
    )


def test_root_takes_the_roots_of_the_costs() -> None:
    for metric, power in (("sqeuclidean", 2), ("euclidean", 1), (("minkowski", 3.0), 3)):
        plain = bomb_ot(X, Y, k=4, m=6, metric=metric, seed=3)
        rooted = bomb_ot(X, Y, k=4, m=6, metric=metric, seed=3, root=True)
        np.testing.assert_allclose(rooted.costs, plain.costs ** (1 / power), rtol=1e-14)
        assert rooted.distance == rooted.value
        assert plain.distance == pytest.approx(plain.value ** (1 / power), rel=1e-14)
        assert rooted.value == pytest.approx(ot.emd2([], [], rooted.costs), rel=1e-12)


# ---------------------------------------------------------------------------------------------
# Facts of the papers


@given(
    k=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    m=st.integers(1, 8),
    weighted=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_bomb_is_at_most_m_ot(k: tuple[int, int], m: int, weighted: bool, seed: int) -> None:
    weights = (A, B) if weighted else (None, None)
    options: dict[str, Any] = {"k": k, "m": m, "seed": seed, "batch_weights": "mass"}
    averaged = m_ot(X, Y, *weights, **options).value
    optimal = bomb_ot(X, Y, *weights, **options).value
    assert optimal <= averaged * (1 + 1e-12)
    for outer_reg in (1e-3, 1e-1, 1e1):
        between = bomb_ot(X, Y, *weights, outer_reg=outer_reg, **options).value
        assert optimal - 1e-8 <= between <= averaged + 1e-8


@pytest.mark.parametrize("metric", METRICS)
def test_bomb_of_a_set_with_itself_is_zero(metric: Any) -> None:
    batches = m_ot(X, X, k=6, m=5, seed=0).batches_x
    shuffled = RNG.permuted(batches, axis=1)[RNG.permutation(6)]
    result = bomb_ot(X, X, batches=(batches, shuffled), metric=metric)
    assert result.value == pytest.approx(0, abs=1e-15)
    assert m_ot(X, X, batches=(batches, shuffled), metric=metric).value > 0.001


@given(weighted=st.booleans(), k=st.sampled_from([1, 2, 5, 8]), seed=st.integers(0, 1000))
def test_partitions_have_exact_marginals_and_bound_the_value(
    weighted: bool, k: int, seed: int
) -> None:
    y = Y[np.r_[0:35, 0:5]]  # 40 points
    a, b = (A, dyadic_weights(np.random.default_rng(seed), 40)) if weighted else (None, None)
    options: dict[str, Any] = {"k": k, "m": 40 // k, "sampling": "disjoint", "seed": seed}
    full = otcore.solve_sample(X, y, a, b).value
    for method in (m_ot, bomb_ot):
        result = method(X, y, a, b, batch_weights="mass", **options)
        assert np.array_equal(np.sort(result.batches_x.ravel()), np.arange(40))
        np.testing.assert_allclose(result.marginal_a, 1 / 40 if a is None else a, atol=1e-15)
        np.testing.assert_allclose(result.marginal_b, 1 / 40 if b is None else b, atol=1e-15)
        assert result.value >= full * (1 - 1e-12)
        if k == 1:
            assert result.value == pytest.approx(full, rel=1e-12)


def test_limits_of_the_outer_regularisation() -> None:
    options: dict[str, Any] = {"k": (7, 6), "m": 5, "seed": 2}
    bomb, averaged = bomb_ot(X, Y, **options), m_ot(X, Y, **options)
    spread = np.ptp(bomb.costs)
    values = []
    for exponent in range(-6, 7):
        result = bomb_ot(X, Y, outer_reg=spread * 10.0**exponent, **options)
        assert result.status == "converged"
        assert result.marginal_error <= 1.01e-9
        values.append(result.value)
    assert np.all(np.diff(values) >= -1e-9)
    # <gamma, C> is within reg * KL of the optimum, and KL <= log k; towards infinity the coupling
    # is within range / reg of the product.
    assert values[0] - bomb.value <= 1e-6 * spread * np.log(7) + 1e-9
    assert abs(values[-1] - averaged.value) <= 1e-6 * spread
    # The certificate is what the regularisation costs.
    result = bomb_ot(X, Y, outer_reg=0.1 * spread, **options)
    assert result.outer_gap >= result.value - bomb.value - 1e-12


def test_an_unreachable_outer_regularisation_says_so() -> None:
    with pytest.warns(otcore.ConvergenceWarning, match=r"marginal error of \d"):
        result = bomb_ot(X, Y, A, B, k=20, m=5, outer_reg=1e-17, batch_weights="mass", seed=0)
    assert result.status == "stalled"
    assert np.isfinite(result.plan).all()


def test_sparsity() -> None:
    k, m = 6, 5
    options: dict[str, Any] = {"k": k, "m": m, "seed": 1, "sampling": "disjoint"}
    assert m_ot(X, Y, **options).sparse_plan.nnz <= k * k * m
    bomb = bomb_ot(X, Y, **options)
    assert np.count_nonzero(bomb.coupling) == k
    np.testing.assert_array_equal(np.unique(bomb.coupling), [0, 1 / k])
    assert bomb.sparse_plan.nnz == k * m
    large = RNG.random((1200, 2))
    assert bomb_ot(large, large + 1, k=2, m=600, sampling="disjoint").sparse_plan.nnz == 1200
    uneven = bomb_ot(X, Y, k=(4, 7), m=m, seed=1)
    assert np.count_nonzero(uneven.coupling) <= 4 + 7 - 1
    weighted = bomb_ot(X, Y, A, B, **options)
    assert weighted.sparse_plan.nnz <= k * (2 * m - 1)


# ---------------------------------------------------------------------------------------------
# Results


def test_result_is_immutable_and_short() -> None:
    result = bomb_ot(X, Y, k=3, m=4, seed=0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        result._root = True
    with pytest.raises(AttributeError):
        result.value = 1.0  # type: ignore[misc]
    assert repr(result) == (
        f"MiniBatchResult(value={result.value:.6g}, status='optimal', "
        "3 x 3 batches of 4 x 4 points)"
    )
    assert isinstance(result.sparse_plan, scipy.sparse.csr_array)
    np.testing.assert_allclose(result.sparse_plan.toarray(), result.plan, rtol=1e-14)
    V = RNG.random((35, 2))
    np.testing.assert_allclose(result.apply(V), result.plan @ V, atol=1e-15)
    np.testing.assert_allclose(result.apply_t(X), result.plan.T @ X, atol=1e-15)


@pytest.mark.parametrize("wrap", [np.asarray, torch.as_tensor])
def test_barycentric_map_of_a_result(wrap: Any) -> None:
    result = bomb_ot(wrap(X.astype(np.float32)), wrap(Y.astype(np.float32)), k=2, m=6, seed=0)
    image, drawn = to_numpy(result.barycentric_map()), to_numpy(result.drawn_x)
    assert image.dtype == np.float32
    assert image.shape == X.shape
    assert np.array_equal(np.flatnonzero(drawn), np.unique(to_numpy(result.batches_x)))
    assert np.isnan(image[~drawn]).all()
    plan = to_numpy(result.plan)[drawn]
    np.testing.assert_allclose(image[drawn], plan @ Y / plan.sum(1)[:, None], rtol=1e-5)


def test_only_drawn_points_are_read() -> None:
    x = X.copy()
    x[5, 1] = np.nan
    others = [[0, 1, 2], [6, 7, 8]]
    assert np.isfinite(bomb_ot(x, Y, batches=(others, others)).value)
    with pytest.raises(ValueError, match=r"X\[5, 1\] is nan, expected finite"):
        bomb_ot(x, Y, batches=([[4, 5, 6]], [[0, 1, 2]]))


@pytest.mark.parametrize("n_threads", [2, 3, 5])
@pytest.mark.parametrize("name", sorted(COUPLINGS))
def test_bit_identical_for_any_threads(name: str, n_threads: int) -> None:
    x, y = RNG.random((200, 5)), RNG.random((300, 5))
    one, other = (
        COUPLINGS[name](x, y, k=20, m=15, seed=4, n_threads=count) for count in (1, n_threads)
    )
    assert_same(one, other)


@pytest.mark.isa
def test_levels_agree() -> None:
    from test_isa import run

    script = """
import json, sys
import numpy as np
import otcore
rng = np.random.default_rng(0)
x, y = rng.random((90, 17)), rng.random((80, 17))
values = []
for kind in (np.float32, np.float64):
    for reg in (None, 0.01):
        result = otcore.minibatch.bomb_ot(
            x.astype(kind), y.astype(kind), k=9, m=11, outer_reg=reg, seed=1
        )
        values.append([result.value, *result.costs.ravel()])
json.dump(values, sys.stdout)
"""
    outputs = []
    for isa in otcore.info()["isa_supported"]:  # type: ignore[attr-defined]
        done = run(script, isa)
        assert done.returncode == 0, done.stderr
        outputs.append(json.loads(done.stdout))
    for values in outputs[1:]:
        np.testing.assert_allclose(values, outputs[0], rtol=1e-9)

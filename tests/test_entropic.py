"""The entropic room's face: which arguments go together, what results offer, gradients, threads."""

from __future__ import annotations

import copy
import math
import pickle
import warnings
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
import scipy.sparse
import torch
from hypothesis import given
from torch.autograd import gradcheck

import otcore
from checks import to_numpy
from entropic_checks import check_entropic
from problems import Metric, reference_costs
from strategies import LIBRARIES, METRICS

RNG = np.random.default_rng(50)
M = RNG.random((6, 5))
X, Y = RNG.random((6, 3)), RNG.random((5, 3))
A, B = RNG.dirichlet(np.ones(6)), RNG.dirichlet(np.ones(5))

DTYPES = [np.float64, np.float32]
# Arguments of each kind of problem.
KINDS: dict[str, dict[str, Any]] = {
    "sinkhorn": {"reg": 0.2},
    "plain": {"reg": 0.2, "scheme": "plain"},
    "unbalanced": {"reg": 0.2, "unbalanced": 0.5},
    "semi-unbalanced": {"reg": 0.2, "unbalanced": (math.inf, 0.5)},
    "ipot": {"method": "ipot"},
}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> dict[str, Any]:
    return KINDS[request.param]


# ---------------------------------------------------------------------------------------------
# Arguments


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"reg": 0.0}, ValueError, r"^reg: 0\.0, expected a positive"),
        ({"reg": -1.0}, ValueError, r"^reg: "),
        ({"reg": math.nan}, ValueError, r"^reg: nan"),
        ({"reg": math.inf}, ValueError, r"^reg: inf"),
        ({"reg": "1"}, TypeError, r"^reg: str"),
        ({"reg": True}, TypeError, r"^reg: bool"),
        ({"reg": 0.1, "method": "exact"}, ValueError, r"^reg: 0\.1, expected None"),
        ({"reg": 0.1, "method": "sinkhorn2"}, ValueError, r"^method: 'sinkhorn2'"),
        ({"method": "sinkhorn"}, ValueError, r"^reg: None, expected .*sinkhorn"),
        ({"unbalanced": 1.0}, ValueError, r"^reg: None, expected .*unbalanced"),
        ({"unbalanced": 1.0, "method": "exact"}, ValueError, r"^unbalanced: 1\.0"),
        ({"unbalanced": 1.0, "method": "ipot"}, ValueError, r"^unbalanced: 1\.0"),
        ({"reg": 0.1, "unbalanced": 0.0}, ValueError, r"^unbalanced: 0"),
        ({"reg": 0.1, "unbalanced": -1.0}, ValueError, r"^unbalanced: -1"),
        ({"reg": 0.1, "unbalanced": math.nan}, ValueError, r"^unbalanced: nan"),
        ({"reg": 0.1, "unbalanced": (1.0, 0.0)}, ValueError, r"^unbalanced: 0"),
        ({"reg": 0.1, "unbalanced": (1.0, 1.0, 1.0)}, ValueError, r"^unbalanced: 3 numbers"),
        ({"reg": 0.1, "unbalanced": "kl"}, (TypeError, ValueError), r"^unbalanced: "),
        ({"reg": 0.1, "unbalanced_type": "l2"}, ValueError, r"^unbalanced_type: 'l2'"),
        ({"tol": 1e-3}, ValueError, r"^tol: 0\.001, expected None"),
        ({"reg": 0.1, "tol": -1.0}, ValueError, r"^tol: -1"),
        ({"reg": 0.1, "tol": math.nan}, ValueError, r"^tol: nan"),
        ({"reg": 0.1, "inner_iter": 2}, ValueError, r"^inner_iter: 2, expected 1"),
        ({"method": "ipot", "inner_iter": 0}, ValueError, r"^inner_iter: 0"),
        ({"method": "ipot", "inner_iter": 1.5}, TypeError, r"^inner_iter: float"),
        ({"method": "ipot", "scheme": "plain"}, ValueError, r"^scheme: 'plain'"),
        ({"scheme": "plain"}, ValueError, r"^scheme: 'plain'"),
        ({"reg": 0.1, "scheme": "fast"}, ValueError, r"^scheme: 'fast'"),
    ],
    ids=repr,
)
def test_arguments_without_meaning(
    arguments: dict[str, Any], error: type[Exception], text: str
) -> None:
    for call in (
        lambda: otcore.solve(M, **arguments),
        lambda: otcore.solve_sample(X, Y, **arguments),
        lambda: otcore.solve_batch(M[None], **arguments),
        lambda: otcore.solve_sample_batch(X[None], Y[None], **arguments),
    ):
        with pytest.raises(error, match=text):
            call()


def test_other_arguments_without_meaning() -> None:
    with pytest.raises(ValueError, match=r"^M: a sparse matrix"):
        otcore.solve(scipy.sparse.csr_array(M), reg=0.1)
    with pytest.raises(ValueError, match=r"^potentials_init: .*ipot"):
        otcore.solve(M, method="ipot", potentials_init=otcore.solve(M))


def test_bad_data(kind: dict[str, Any]) -> None:
    bad = M.copy()
    bad[2, 3] = np.nan
    with pytest.raises(ValueError, match=r"^M: M\[2, 3\] is nan"):
        otcore.solve(bad, **kind)
    with pytest.raises(ValueError, match=r"^M: M\[1, 2, 3\] is nan"):
        otcore.solve_batch(np.stack([M, bad]), **kind)
    far = X.copy()
    far[4, 1] = np.inf
    with pytest.raises(ValueError, match=r"^X: X\[4, 1\] is inf"):
        otcore.solve_sample(far, Y, **kind)
    with pytest.raises(ValueError, match=r"^Y: "):
        otcore.solve_sample(X, np.where(Y[0, 0] == Y, np.nan, Y), **kind)
    with pytest.raises(ValueError, match=r"overflows"):
        otcore.solve_sample(1e30 * X.astype(np.float32), Y.astype(np.float32), **kind)
    with pytest.raises(ValueError, match=r"zero vector"):
        otcore.solve_sample(np.zeros((3, 2)), np.ones((4, 2)), metric="cosine", **kind)
    negative = A.copy()
    negative[1] = -0.1
    with pytest.raises(ValueError, match=r"^a: a\[1\] is -0\.1"):
        otcore.solve(M, negative, **kind)
    with pytest.raises(ValueError, match=r"^b: "):
        otcore.solve(M, None, np.zeros(5), **kind)
    if "unbalanced" not in kind:
        with pytest.raises(ValueError, match=r"^a, b: .*differ"):
            otcore.solve(M, A, 2 * B, **kind)


def test_infinite_rho_is_balanced() -> None:
    expected = otcore.solve(M, A, B, reg=0.1)
    result = otcore.solve(M, A, B, reg=0.1, unbalanced=math.inf)
    assert result.value == expected.value
    assert result.gap == expected.gap
    assert otcore.solve(M, unbalanced=math.inf).status == "optimal"


def test_auto_takes_sinkhorn_where_there_is_reg() -> None:
    assert otcore.solve(M).status == "optimal"
    auto, named = otcore.solve(M, reg=0.1), otcore.solve(M, reg=0.1, method="sinkhorn")
    assert auto.status == "converged"
    assert auto.value == named.value


def test_starting_from_a_similar_problem() -> None:
    rng = np.random.default_rng(51)
    x, y = rng.random((2, 80, 2))
    first = otcore.solve_sample(x, y, reg=0.005)
    cold = otcore.solve_sample(x + 1e-4, y, reg=0.005)
    for start in (first, first.potentials, tuple(map(torch.as_tensor, first.potentials))):
        warm = otcore.solve_sample(x + 1e-4, y, reg=0.005, potentials_init=start)
        assert warm.n_iter < cold.n_iter
        assert warm.value == pytest.approx(cold.value, abs=1e-5)


# ---------------------------------------------------------------------------------------------
# What results offer


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("library", LIBRARIES)
def test_arrays_of_a_result(kind: dict[str, Any], library: str, dtype: Any) -> None:
    make: Any = torch.as_tensor if library == "torch" else np.asarray
    result = otcore.solve(*(make(array.astype(dtype)) for array in (M, A, B)), **kind)
    assert result.status == "converged"
    for name, expected in (
        ("plan", (6, 5)), ("marginal_a", (6,)), ("marginal_b", (5,)),
        ("potential_a", (6,)), ("potential_b", (5,)),
    ):  # fmt: skip
        array = getattr(result, name)
        assert isinstance(array, torch.Tensor if library == "torch" else np.ndarray)
        assert tuple(array.shape) == expected
        precision = np.float64 if name.startswith("potential") else dtype
        assert to_numpy(array).dtype == precision
    assert math.isnan(result.gap) == ("unbalanced" in kind)
    plan = to_numpy(result.plan)
    tolerance = 1e-12 if dtype == np.float64 else 1e-5
    np.testing.assert_allclose(plan.sum(1), to_numpy(result.marginal_a), rtol=tolerance)
    np.testing.assert_allclose(plan.sum(0), to_numpy(result.marginal_b), rtol=tolerance)
    np.testing.assert_allclose((plan * M).sum(), float(result.value_linear), rtol=10 * tolerance)
    np.testing.assert_allclose(to_numpy(result.sparse_plan), plan, atol=1e-9)
    V = make(RNG.random((5, 2)).astype(dtype))
    np.testing.assert_allclose(to_numpy(result.apply(V)), plan @ to_numpy(V), rtol=tolerance)
    np.testing.assert_allclose(
        to_numpy(result.apply_t(result.apply(V))), plan.T @ plan @ to_numpy(V), rtol=4 * tolerance
    )


def test_ipot_is_worth_its_transport() -> None:
    result = otcore.solve(M, A, B, method="ipot")
    assert result.value == result.value_linear
    assert result.value == pytest.approx(otcore.solve(M, A, B).value, abs=1e-3)
    assert 0 <= result.gap < 1e-2


def test_distance_of_a_negative_value_is_zero() -> None:
    """The objective may be negative: KL(P | a x b) < 0 for unbalanced plans of other mass."""
    result = otcore.solve_sample(X, Y, reg=0.1)
    assert result.distance == pytest.approx(math.sqrt(result.value))
    cheap = otcore.solve_sample(X[:1], X[:1], reg=1.0)
    assert cheap.distance == 0.0


def test_batches(kind: dict[str, Any]) -> None:
    rng = np.random.default_rng(52)
    costs, a = rng.random((4, 6, 5)), rng.dirichlet(np.ones(6), 4)
    batch = otcore.solve_batch(costs, a, B, **kind)
    assert isinstance(batch, otcore.BatchResult)
    V, W = rng.random((4, 5, 2)), rng.random((4, 6))
    assert batch.apply(V).shape == (4, 6, 2)
    assert batch.apply_t(W).shape == (4, 5)
    assert "converged" in repr(batch)
    for k in range(4):
        alone = otcore.solve(costs[k], a[k], B, **kind)
        one = batch[k]
        assert one.value == alone.value == batch.value[k]
        assert one.value_linear == alone.value_linear == batch.value_linear[k]
        assert one.n_iter == alone.n_iter
        assert one.marginal_error == alone.marginal_error == batch.marginal_error[k]
        for name in ("plan", "potential_a", "potential_b", "marginal_a", "marginal_b"):
            assert np.array_equal(getattr(one, name), getattr(alone, name))
            assert np.array_equal(getattr(one, name), getattr(batch, name)[k])
        assert np.array_equal(batch.apply(V)[k], alone.apply(V[k]))
        assert np.array_equal(batch.apply_t(W)[k], alone.apply_t(W[k]))
        assert np.array_equal(batch.sparse_plan[k].toarray(), alone.sparse_plan.toarray())


def test_batches_of_points() -> None:
    rng = np.random.default_rng(53)
    x, y = rng.random((3, 6, 2)), rng.random((3, 4, 2))
    batch = otcore.solve_sample_batch(x, y, reg=0.1, metric="euclidean")
    images = batch.barycentric_map()
    assert images.shape == (3, 6, 2)
    for k in range(3):
        alone = otcore.solve_sample(x[k], y[k], reg=0.1, metric="euclidean")
        assert np.array_equal(images[k], alone.barycentric_map())
        assert np.array_equal(images[k], batch[k].barycentric_map())
        assert batch.distance[k] == alone.distance


def test_barycentric_map_of_points_without_mass() -> None:
    image = otcore.solve_sample(X, Y, [0.5, 0.5, 0, 0, 0, 0], reg=0.1).barycentric_map()
    assert np.isfinite(image[:2]).all()
    assert np.isnan(image[2:]).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("metric", [None, "sqeuclidean", "cityblock"])
@pytest.mark.parametrize("method", ["sinkhorn", "ipot"])
def test_rounding(method: str, metric: Any, dtype: Any) -> None:
    """On the marginals, near the plan, and worth what it says."""
    rng = np.random.default_rng(54)
    x, y = (rng.random((size, 2)).astype(dtype) for size in (30, 20))
    a, b = (rng.dirichlet(np.ones(size)).astype(dtype) for size in (30, 20))
    a[:3] = 0
    a /= a.sum()
    costs = reference_costs(x, y, metric or "sqeuclidean")
    arguments: Any = {"method": method, "reg": 0.05, "max_iter": 8}
    data: Any = (x, y)
    solve: Any = otcore.solve_sample
    if metric is None:
        data, solve = (costs.astype(dtype),), otcore.solve
    else:
        arguments["metric"] = metric
    with pytest.warns(otcore.ConvergenceWarning):
        result = solve(*data, a, b, **arguments)
    assert result.marginal_error > 1e-5
    rounded = result.rounded()
    assert rounded.plan.dtype == dtype
    plan = rounded.plan.astype(np.float64)
    left, right = a.astype(np.float64), b.astype(np.float64)
    right *= left.sum() / right.sum()
    unit = 2.0**-22 if dtype == np.float32 else 1e-15
    assert (plan >= 0).all()
    assert np.abs(plan.sum(1) - left).max() <= unit
    assert np.abs(plan.sum(0) - right).max() <= unit
    assert np.abs(plan - result.plan).sum() <= 2 * result.marginal_error + 100 * unit
    assert rounded.value == pytest.approx((plan * costs).sum(), rel=100 * unit)
    exact = otcore.solve(costs, left, right)
    assert exact.value - unit <= rounded.value <= result.value_linear + 2 * result.marginal_error
    assert exact.rounded().value == exact.value
    assert np.array_equal(exact.rounded().plan, exact.plan)


def test_unbalanced_plans_are_not_rounded() -> None:
    with pytest.raises(ValueError, match=r"^rounded: an unbalanced problem"):
        otcore.solve(M, reg=0.1, unbalanced=1.0).rounded()


def test_plot(kind: dict[str, Any]) -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    for result in (otcore.solve(M, **kind), otcore.solve_sample(X[:, :2], Y[:, :2], **kind)):
        axes = result.plot()
        assert axes.has_data()
        pyplot.close(axes.figure)


@pytest.mark.parametrize(
    "again", [lambda r: pickle.loads(pickle.dumps(r)), copy.deepcopy, copy.copy]
)
def test_pickles_and_copies(kind: dict[str, Any], again: Any) -> None:
    for result in (otcore.solve_sample(X, Y, A, B, **kind), otcore.solve_batch(M[None], **kind)[0]):
        other = again(result)
        assert repr(other) == repr(result)
        assert other.value == result.value
        assert np.array_equal(other.plan, result.plan)
        assert np.array_equal(other.apply(np.arange(5.0)), result.apply(np.arange(5.0)))


@pytest.mark.parametrize("state", [(), (1,), (None,) * 13])
def test_a_broken_state(state: tuple[Any, ...]) -> None:
    solution = otcore.solve([[0.0]], reg=1.0)._solution
    broken = type(solution).__new__(type(solution))
    with pytest.raises((ValueError, TypeError, RuntimeError)):
        broken.__setstate__(state)


# ---------------------------------------------------------------------------------------------
# Early ends


def test_the_warning_states_error_and_tolerance() -> None:
    rng = np.random.default_rng(55)
    costs = rng.random((3, 30, 30))
    with pytest.warns(
        otcore.ConvergenceWarning,
        match=r"stopped \(max_iter\) after 3 .* error of [\d.e-]+ \(tolerance 1e-09\)",
    ) as caught:
        result = otcore.solve(costs[0], reg=0.01, max_iter=3, tol=1e-9)
    assert caught[0].filename == __file__
    assert result.status == "max_iter"
    assert result.marginal_error > 1e-9
    with pytest.warns(otcore.ConvergenceWarning, match=r"3 of 3 problems .*max_iter.* up to"):
        otcore.solve_batch(costs, reg=0.01, max_iter=3)
    with pytest.warns(otcore.ConvergenceWarning) as caught:
        otcore.entropic.self_transport(costs[0], reg=1e-3, max_iter=1)
    assert caught[0].filename == __file__


def test_a_tolerance_below_rounding_stalls() -> None:
    rng = np.random.default_rng(56)
    x, y = rng.random((2, 60, 2)).astype(np.float32)
    with pytest.warns(otcore.ConvergenceWarning, match="stalled"):
        result = otcore.solve_sample(x, y, reg=0.01, tol=1e-12)
    assert result.status == "stalled"
    assert result.marginal_error < 1e-3


def test_time_limit_and_interrupt() -> None:
    rng = np.random.default_rng(57)
    x, y = rng.random((2, 1500, 2))
    with pytest.warns(otcore.ConvergenceWarning, match="time_limit"):
        late = otcore.solve_sample(x, y, reg=1e-6, time_limit=0.05)
    assert late.status == "time_limit"
    assert np.isfinite(late.value)

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(otcore.SolveInterrupted) as caught:
        otcore.solve_sample(x, y, reg=1e-6, progress=stop)
    assert caught.value.result.status == "interrupted"
    assert np.isfinite(caught.value.result.marginal_error)


# ---------------------------------------------------------------------------------------------
# Any problem: hypothesis, threads, hard cases


@st.composite
def calls(draw: st.DrawFn) -> tuple[Any, Any, Any, dict[str, Any]]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, m = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    dtype = draw(st.sampled_from(DTYPES))
    make: Any = torch.as_tensor if draw(st.sampled_from(LIBRARIES)) == "torch" else np.asarray
    arguments: dict[str, Any] = {"reg": 10.0 ** draw(st.floats(-1, 1))}
    a, b = (rng.random(size) + 1e-3 for size in (n, m))
    if draw(st.booleans()):
        arguments["unbalanced"] = 10.0 ** draw(st.floats(-1, 1))
    else:
        b *= a.sum() / b.sum()
    if draw(st.booleans()):
        a[rng.integers(n)] *= 0.0 if n > 1 else 1.0
        b *= a.sum() / b.sum()
    if draw(st.booleans()):
        metric: Metric = draw(st.sampled_from(METRICS))
        d = draw(st.integers(1, 20))
        data: Any = tuple(make(rng.normal(size=(size, d)).astype(dtype)) for size in (n, m))
        arguments["metric"] = metric
    else:
        data = make(rng.normal(size=(n, m)).astype(dtype))
    return data, make(a.astype(dtype)), make(b.astype(dtype)), arguments


@given(calls())
def test_any_problem(call: tuple[Any, Any, Any, dict[str, Any]]) -> None:
    data, a, b, arguments = call
    solve: Any = otcore.solve_sample if isinstance(data, tuple) else otcore.solve
    arrays = data if isinstance(data, tuple) else (data,)
    result = solve(*arrays, a, b, **arguments)
    check_entropic(result, data, a, b, **{"unbalanced": None} | arguments)


@pytest.mark.parametrize("dtype", DTYPES)
def test_threads_give_the_same_bits(kind: dict[str, Any], dtype: Any) -> None:
    rng = np.random.default_rng(58)
    x, y = (rng.random((size, 3)).astype(dtype) for size in (700, 600))
    arguments = kind | {"max_iter": 30}

    def solve(n_threads: int) -> list[Any]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", otcore.ConvergenceWarning)
            one = otcore.solve_sample(x, y, n_threads=n_threads, **arguments)
            many = otcore.solve_sample_batch(
                x.reshape(10, 70, 3), y.reshape(10, 60, 3), n_threads=n_threads, **arguments
            )
        return [
            array
            for result in (one, many)
            for array in (result.value, *result.potentials, *result.marginals, result.plan)
        ]

    first = solve(1)
    for n_threads in (2, 3):
        assert all(map(np.array_equal, first, solve(n_threads)))


def check_is_sound(result: Any, said: list[warnings.WarningMessage]) -> None:
    """Finite, in the right range, and not silent where it has not converged."""
    assert [each.category for each in said] == (
        [] if result.status == "converged" else [otcore.ConvergenceWarning]
    )
    for name in ("value", "value_linear", "marginal_error", "plan", "potentials", "marginals"):
        for array in np.atleast_1d(getattr(result, name)) if name == "value" else (
            getattr(result, name) if isinstance(getattr(result, name), tuple)
            else (getattr(result, name),)
        ):  # fmt: skip
            assert np.isfinite(array).all(), name
    assert (result.plan >= 0).all()


def hard_cases() -> dict[str, dict[str, Any]]:
    rng = np.random.default_rng(59)
    points = rng.random((40, 2))
    twice = np.concatenate([points[:20], points[:20]])
    weights = rng.dirichlet(np.ones(40))
    tiny, none = weights.copy(), weights.copy()
    tiny[::2], none[::2] = 1e-30, 0.0
    costs = rng.random((40, 40))
    return {
        "zero-weights": {"data": (points, points[::-1]), "a": none / none.sum(), "reg": 0.1},
        "tiny-weights": {"data": (points, points[::-1]), "a": tiny / tiny.sum(), "reg": 0.1},
        "costs-1e-20": {"data": (1e-20 * costs,), "reg": 1e-21},
        "costs-1e20": {"data": (1e20 * costs,), "reg": 1e19},
        "constant-costs": {"data": (np.full((5, 7), 3.0),), "reg": 0.1},
        "zero-costs": {"data": (np.zeros((5, 7)),), "reg": 0.1},
        "duplicates": {"data": (twice, twice), "reg": 0.01},
        "the-same": {"data": (points, points.copy()), "a": weights, "b": weights, "reg": 0.01},
        "one-row": {"data": (points[:1], points), "reg": 0.01},
        "one-column": {"data": (points, points[:1]), "reg": 0.01},
        "one-pair": {"data": (points[:1], points[1:2]), "reg": 1e-3},
        "offset": {"data": (costs + 1e4,), "reg": 0.1},
    }


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("method", ["sinkhorn", "ipot", "unbalanced"])
@pytest.mark.parametrize("name", hard_cases())
def test_hard_cases(name: str, method: str, dtype: Any) -> None:
    case = hard_cases()[name]
    data = [array.astype(dtype) for array in case["data"]]
    weights = [w if w is None else w.astype(dtype) for w in (case.get("a"), case.get("b"))]
    arguments: dict[str, Any] = {"method": method, "reg": case["reg"]}
    if method == "unbalanced":
        arguments = {"reg": case["reg"], "unbalanced": 10 * case["reg"]}
    solve: Any = otcore.solve if len(data) == 1 else otcore.solve_sample
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        result = solve(*data, *weights, max_iter=2000, **arguments)
    check_is_sound(result, said)
    if method == "sinkhorn":
        assert result.status == "converged"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("exponent", range(-6, 7))
@pytest.mark.parametrize("form", ["matrix", "points", "unbalanced"])
def test_any_reg_of_the_range(form: str, exponent: int, dtype: Any) -> None:
    rng = np.random.default_rng(60)
    x, y = (rng.random((size, 2)).astype(dtype) for size in (50, 40))
    costs = reference_costs(x, y).astype(dtype)
    reg = 10.0**exponent * float(np.ptp(costs))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        if form == "matrix":
            result = otcore.solve(costs, reg=reg, max_iter=2000)
        else:
            rho = {"unbalanced": 1.0} if form == "unbalanced" else {}
            result = otcore.solve_sample(x, y, reg=reg, max_iter=2000, **rho)
    check_is_sound(result, said)
    if exponent >= -2:
        assert result.status == "converged"
    if form != "unbalanced":
        assert 0 <= result.value_linear <= costs.max()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rho", [1e-12, 1e-6, 1e-3, 1e3, 1e6, 1e12])
def test_any_rho(rho: float, dtype: Any) -> None:
    rng = np.random.default_rng(61)
    costs, a, b = rng.random((20, 30)), rng.dirichlet(np.ones(20)), rng.dirichlet(np.ones(30))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        result = otcore.solve(*(w.astype(dtype) for w in (costs, a, b)), reg=0.1, unbalanced=rho)
    check_is_sound(result, said)
    assert result.status == "converged"
    if rho <= 1e-6:  # the marginals are free
        free = np.outer(a, b) * np.exp(-costs / 0.1)
        np.testing.assert_allclose(result.plan, free, rtol=1e-3, atol=1e-12)
    if rho >= 1e6:
        balanced = otcore.solve(costs, a, b, reg=0.1)
        assert result.value == pytest.approx(balanced.value, rel=1e-3)


# ---------------------------------------------------------------------------------------------
# Gradients


def tensors(*arrays: Any) -> tuple[torch.Tensor, ...]:
    return tuple(torch.tensor(array).requires_grad_() for array in arrays)


# IPOT's plan is near the exact one, which jumps: its gradient has a test of its own.
@pytest.mark.parametrize("kind", [KINDS[name] for name in KINDS if name != "ipot"])
def test_gradcheck_in_the_costs(kind: dict[str, Any]) -> None:
    (costs,) = tensors(np.stack([M, M[::-1]]))
    a, b = A.tolist(), B.tolist()
    assert gradcheck(lambda c: otcore.solve_batch(c, a, b, tol=1e-12, **kind).value, (costs,))


@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean", "cosine", ("minkowski", 3)])
@pytest.mark.parametrize("unbalanced", [None, 0.5])
def test_gradcheck_in_the_points(metric: Any, unbalanced: Any) -> None:
    def value(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return otcore.solve_sample(
            x, y, A.tolist(), B.tolist(), metric=metric, reg=0.2, unbalanced=unbalanced, tol=1e-12
        ).value

    assert gradcheck(value, tensors(X, Y))


def test_gradcheck_of_batches_of_points() -> None:
    def value(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return otcore.solve_sample_batch(x, y, reg=0.2, tol=1e-12).value

    assert gradcheck(value, tensors(np.stack([X, 2 * X]), np.stack([Y, Y - 1])))


def test_gradients_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = tensors(RNG.random((50, 3)), RNG.random((40, 3)))

    def gradients() -> tuple[torch.Tensor, ...]:
        value = otcore.solve_sample(x, y, metric="cityblock", reg=0.2).value
        return torch.autograd.grad(value, (x, y))

    whole = gradients()
    monkeypatch.setattr("otcore.torch.entropic.PAIRS_AT_ONCE", 70)
    for one, other in zip(whole, gradients(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-15)


def test_gradients_far_from_the_origin() -> None:
    x, y = (np.round(RNG.random((40, 3)) * 64).astype(np.float32) / 64 for _ in range(2))
    grads = []
    for offset in (0, 512):
        source, target = tensors(x + np.float32(offset), y + np.float32(offset))
        otcore.solve_sample(source, target, reg=0.1).value.backward()
        grads.append(source.grad)
    torch.testing.assert_close(grads[0], grads[1], rtol=1e-3, atol=1e-6)


def test_gradcheck_in_the_weights() -> None:
    """Along the simplex: softmax keeps the masses equal."""

    def value(s: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        costs = torch.as_tensor(M)
        return otcore.solve(costs, s.softmax(0), t.softmax(0), reg=0.2, tol=1e-12).value

    s, t = tensors(RNG.normal(size=6), RNG.normal(size=5))
    assert gradcheck(value, (s, t))
    (centred,) = torch.autograd.grad(
        otcore.solve(torch.as_tensor(M), *(w := tensors(A, B)), reg=0.2).value, w[:1]
    )
    assert abs(float(centred.sum())) < 1e-12


@pytest.mark.parametrize("rho", [0.5, (0.3, 2.0), (math.inf, 0.5), (0.5, math.inf)])
def test_gradcheck_in_unbalanced_weights(rho: Any) -> None:
    """Each weight by itself: masses may differ."""

    def value(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return otcore.solve(torch.as_tensor(M), a, b, reg=0.2, unbalanced=rho, tol=1e-12).value

    assert gradcheck(value, tensors(A, 3 * B))


def test_gradients_of_ipot() -> None:
    """Nearly those of exact transport, and the plan's and the potentials'."""
    costs, a, b = tensors(M, A, B)
    result = otcore.solve(costs, a, b, method="ipot")
    result.value.backward()
    np.testing.assert_allclose(to_numpy(costs.grad), to_numpy(result.plan), atol=1e-15)
    for weights, potential in ((a, result.potential_a), (b, result.potential_b)):
        difference = weights.grad - potential.detach()
        assert float(difference.max() - difference.min()) <= 1e-14


def test_what_has_no_gradient_refuses() -> None:
    x, y = tensors(X, Y)
    result = otcore.solve_sample(x, y, reg=0.2)
    for name in ("plan", "potential_a", "marginal_b"):
        with pytest.raises(RuntimeError, match="not differentiable"):
            getattr(result, name).sum().backward()
    with pytest.raises(RuntimeError, match="not differentiable"):
        result.apply(torch.ones(5, dtype=torch.float64)).sum().backward()
    first, *_ = torch.autograd.grad(result.value, (x, y), create_graph=True)
    with pytest.raises(RuntimeError, match="not differentiable again"):
        first.sum().backward()


def test_inputs_changed_in_place_are_noticed() -> None:
    x, y = tensors(X, Y)
    value = otcore.solve_sample(x, y, reg=0.2).value
    with torch.no_grad():
        y += 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        value.backward()


def test_apply_is_differentiable_in_its_argument() -> None:
    result = otcore.solve_batch(torch.as_tensor(np.stack([M, 2 * M])), reg=0.2)
    (V,) = tensors(RNG.random((2, 5, 3)))
    assert gradcheck(result.apply, (V,))
    assert gradcheck(result[1].apply_t, tensors(RNG.random(6)))


def test_float32_gradients_have_the_inputs_dtype() -> None:
    x = torch.tensor(X, dtype=torch.float32).requires_grad_()
    result = otcore.solve_sample(x, torch.tensor(Y, dtype=torch.float32), reg=0.2)
    assert result.value.dtype == torch.float64
    result.value.backward()
    assert x.grad is not None
    assert x.grad.dtype == torch.float32

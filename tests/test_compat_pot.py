"""otcore.compat.pot beside POT: emd, emd2 and emd2_lazy on the same arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import ot as pot
import pytest
import scipy.sparse
import torch
from hypothesis import given
from hypothesis import strategies as st

import otcore
import otcore.compat.pot as ours
from checks import to_numpy
from otcore.compat.pot._arguments import iteration_limit
from pot_pairs import check_pair, run
from strategies import make_costs, make_weights

RNG = np.random.default_rng(3)
N, K = 6, 8
# Of general position: optimal plans and centred potentials are unique.
M = RNG.random((N, K))
A, B = RNG.dirichlet(np.ones(N)), RNG.dirichlet(np.ones(K))
X, Y = RNG.normal(size=(N, 2)), RNG.normal(size=(K, 2))
TARGETS = RNG.dirichlet(np.ones(K), size=3).T

Convert = Callable[[np.ndarray], Any]
FORMS: dict[str, Convert] = {
    "float64": lambda x: x,
    "float32": lambda x: x.astype(np.float32),
    "tensor64": torch.as_tensor,
    "tensor32": lambda x: torch.as_tensor(x.astype(np.float32)),
    "list": lambda x: x.tolist(),
}
LISTLESS = [form for form in FORMS if form != "list"]


# ---------------------------------------------------------------------------------------------
# Values, plans, logs


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("options", [{}, {"log": True}], ids=str)
def test_emd(form: str, options: dict[str, Any]) -> None:
    a, b, costs = map(FORMS[form], (A, B, M))
    check_pair(lambda ot: ot.emd(a, b, costs, **options))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "options",
    [{}, {"log": True}, {"return_matrix": True}, {"log": True, "return_matrix": True}],
    ids=str,
)
def test_emd2(form: str, options: dict[str, Any]) -> None:
    a, b, costs = map(FORMS[form], (A, B, M))
    check_pair(lambda ot: ot.emd2(a, b, costs, **options))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("options", [{}, {"log": True, "return_matrix": True}], ids=str)
def test_many_targets(form: str, options: dict[str, Any]) -> None:
    a, targets, costs = map(FORMS[form], (A, TARGETS, M))
    answers = check_pair(lambda ot: ot.emd2(a, targets, costs, **options))
    assert len(answers) == 3


def test_one_and_no_targets() -> None:
    check_pair(lambda ot: ot.emd2(A, TARGETS[:, :1], M))
    check_pair(lambda ot: ot.emd2(A, TARGETS[:, :0], M))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean"])
@pytest.mark.parametrize("options", [{}, {"log": True}, {"return_matrix": False}], ids=str)
def test_emd2_lazy(form: str, metric: str, options: dict[str, Any]) -> None:
    x, y, a, b = map(FORMS[form], (X, Y, A, B))
    check_pair(lambda ot: ot.emd2_lazy(x, y, a, b, metric=metric, **options))


@pytest.mark.parametrize("form", FORMS)
def test_emd2_lazy_on_city_blocks(form: str) -> None:
    """Several plans are optimal, so only the value is compared."""
    x, y, a, b = map(FORMS[form], (X, Y, A, B))
    check_pair(lambda ot: ot.emd2_lazy(x, y, a, b, metric="cityblock", return_matrix=False))


@pytest.mark.parametrize("form", LISTLESS)
@pytest.mark.parametrize("array", [False, True])
def test_empty_weights_are_uniform(form: str, array: bool) -> None:
    a, b, costs = map(FORMS[form], (A, B, M))
    empty = costs[0, :0] if array else []
    check_pair(lambda ot: ot.emd(empty, empty, costs))
    # Potentials are not unique where parts of a plan balance: their kind alone.
    check_pair(lambda ot: 0 * ot.emd(empty, empty, costs, log=True)[1]["u"])
    # POT rounds 1/n to float32.
    rel = 1e-6 if "32" in form else 1e-11
    values = [float(ot.emd2(empty, empty, costs)) for ot in (ours, pot)]
    assert values[0] == pytest.approx(values[1], rel=rel)
    check_pair(lambda ot: ot.emd2(a, empty, costs, log=True))
    check_pair(lambda ot: ot.emd(empty, b, costs))
    assert ours.emd2(None, None, costs) == ours.emd2([], [], costs)  # more than POT takes


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("which", range(3))
def test_the_first_weights_set_the_dtype(dtype: str, which: int) -> None:
    other = "f8" if dtype == "f4" else "f4"
    dtypes = [dtype if i == which else other for i in range(3)]
    a, b, costs = (x.astype(t) for x, t in zip((A, B, M), dtypes, strict=True))
    if dtypes[0] == dtypes[1]:
        check_pair(lambda ot: ot.emd(a, b, costs))
    assert ours.emd(a, b, costs).dtype == pot.emd(a, b, costs).dtype == a.dtype
    assert ours.emd([], b, costs).dtype == pot.emd([], b, costs).dtype == b.dtype


def test_float64_weights_beside_float32_costs_are_not_rounded() -> None:
    plan = ours.emd(A, B, M.astype(np.float32))
    assert np.abs(plan.sum(1) - A).max() < 1e-15


@pytest.mark.parametrize("convert", [np.asarray, torch.as_tensor])
def test_integers(convert: Convert) -> None:
    """POT cuts the plan to the weights' dtype, and says so."""
    a, b = convert(np.array([1, 2, 1])), convert(np.array([1, 1, 1, 1]))
    costs = convert(np.array([[1, 20, 35, 4], [17, 2, 6, 30], [9, 28, 3, 25]]))
    for call in (
        lambda ot: ot.emd(a, b, costs),
        lambda ot: ot.emd2(a, b, costs),
        lambda ot: ot.emd([], [], costs),
    ):
        check_pair(call)
        assert run(call, ours)[1] == [UserWarning]
    floats = convert(np.array([1.0, 1, 1, 1]))
    check_pair(lambda ot: ot.emd2(a.tolist(), floats, costs))


@pytest.mark.parametrize("mass", [1e-3, 7.0])
def test_masses_and_duals(mass: float) -> None:
    check_pair(lambda ot: ot.emd(A * mass, B * mass, M, log=True))
    _, log = ours.emd(A * mass, B * mass, M, log=True, center_dual=False)
    _, centred = pot.emd(A * mass, B * mass, M, log=True)
    shift = log["u"] - centred["u"]
    np.testing.assert_allclose(shift, shift[0], atol=1e-12)
    np.testing.assert_allclose(log["v"] - centred["v"], -shift[0], atol=1e-12)


def test_zero_weights() -> None:
    a, b = A.copy(), B.copy()
    a[1] = b[0] = b[5] = 0.0
    a, b = a / a.sum(), b / b.sum()
    check_pair(lambda ot: ot.emd(a, b, M))
    _, log = ours.emd(a, b, M, log=True)
    assert (log["u"][:, None] + log["v"] <= M + 1e-14).all()


@given(
    st.integers(2, 30),
    st.integers(2, 30),
    st.sampled_from(["normal", "ties", "binary", "constant", "low-rank", "offset"]),
    st.sampled_from(["equal", "random", "integers", "zeros", "heavy"]),
    st.integers(0, 2**32 - 1),
)
def test_any_problem(n: int, m: int, costs: str, weights: str, seed: int) -> None:
    """Where plans are not unique, values are; plans and potentials prove them.

    From 2 x 2 on, because POT calls some problems of 1 x 1 infeasible.
    """
    rng = np.random.default_rng(seed)
    M = make_costs(rng, costs, (n, m))
    a, b = make_weights(rng, weights, n, m)
    plan, log = ours.emd(a, b, M, log=True)
    size = float(np.abs(M).max())
    np.testing.assert_allclose(log["cost"], pot.emd2(a, b, M), rtol=0, atol=1e-9 * size)
    np.testing.assert_allclose((plan * M).sum(), log["cost"], rtol=0, atol=1e-12 * size)
    np.testing.assert_allclose(log["u"] @ a + log["v"] @ b, log["cost"], rtol=0, atol=1e-9 * size)
    assert (log["u"][:, None] + log["v"] <= M + 1e-13 * size).all()
    assert np.abs(plan.sum(1) - a).sum() + np.abs(plan.sum(0) - b).sum() < 1e-13
    assert log["u"] @ a == pytest.approx(log["v"] @ b, rel=0, abs=1e-12 * size)


def test_our_own_certificate_is_in_the_log() -> None:
    _, log = ours.emd(A, B, M, log=True)
    assert log["status"] == "optimal"
    assert abs(log["gap"]) < 1e-14
    assert log["result_code"] == 1
    assert log["warning"] is None


# ---------------------------------------------------------------------------------------------
# Limits


def test_a_small_limit_gives_a_feasible_plan_and_says_so() -> None:
    costs = RNG.random((40, 40))
    call = lambda ot: ot.emd([], [], costs, numItermax=3, log=True)  # noqa: E731
    (_, expected), warned = run(call, pot)
    (plan, log), own = run(call, ours)
    assert own == [otcore.ConvergenceWarning]
    assert set(warned) == {UserWarning}
    assert issubclass(otcore.ConvergenceWarning, UserWarning)
    np.testing.assert_allclose(plan.sum(0), 1 / 40, atol=1e-15)
    np.testing.assert_allclose(plan.sum(1), 1 / 40, atol=1e-15)
    assert log["result_code"] == expected["result_code"] == 3
    assert log["status"] == "max_iter"
    start = "numItermax reached before optimality"
    assert log["warning"].startswith(start)
    assert expected["warning"].startswith(start)
    assert log["gap"] > 0
    assert log["cost"] - log["gap"] <= pot.emd2([], [], costs) <= log["cost"]


def test_the_default_limit_is_none() -> None:
    assert [iteration_limit(n) for n in (1, 99_999, 20.7, np.int64(5))] == [1, 99_999, 20, 5]
    assert {iteration_limit(n) for n in (0, 100_000, 1e8, 10**30, float("inf"))} == {None}
    check_pair(lambda ot: ot.emd2(A, B, M, numItermax=1e6))
    check_pair(lambda ot: ot.emd(A, B, M, 0))
    with pytest.raises(TypeError, match=r"^numItermax: str"):
        ours.emd(A, B, M, numItermax="5")
    with pytest.raises(ValueError, match=r"^numItermax: -1"):
        ours.emd(A, B, M, numItermax=-1)


def test_threads() -> None:
    for number in (2, "max", None):
        assert np.array_equal(ours.emd(A, B, M, numThreads=number), ours.emd(A, B, M))
    for number in (0, -3, "many"):
        for module in (pot, ours):
            with pytest.raises(ValueError, match=r"numThreads.*max"):
                module.emd(A, B, M, numThreads=number)


def test_processes_are_ignored_with_a_warning() -> None:
    check_pair(lambda ot: ot.emd2(A, TARGETS, M, processes=2))


# ---------------------------------------------------------------------------------------------
# Bad input


@pytest.mark.parametrize("convert", [np.asarray, torch.as_tensor])
@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda ot, a, b, M: ot.emd(a, 2 * b, M), AssertionError),
        (lambda ot, a, b, M: ot.emd(a, b * (1 + 1e-5), M), AssertionError),
        (lambda ot, a, b, M: ot.emd2(a, 2 * b, M), AssertionError),
        (lambda ot, a, b, M: ot.emd(2 * a, [], M), AssertionError),
        (lambda ot, a, b, M: ot.emd2(a, b[:, None] + b, M), AssertionError),
        (lambda ot, a, b, M: ot.emd(float("nan") * a, b, M), AssertionError),
        (lambda ot, a, b, M: ot.emd(b, a, M), AssertionError),
        (lambda ot, a, b, M: ot.emd2(b, a, M), AssertionError),
        (lambda ot, a, b, M: ot.emd(a, b, M[0]), ValueError),
        (lambda ot, a, b, M: ot.emd(a[:, None], b, M), ValueError),
        (lambda ot, a, b, M: ot.emd2_lazy(M, M[:, 1:], a, a), ValueError),
        (lambda ot, a, b, M: ot.emd2_lazy(M, M, a, b), AssertionError),
        (lambda ot, a, b, M: ot.emd2_lazy(M, M, a, 2 * a), AssertionError),
        (lambda ot, a, b, M: ot.emd2_lazy(M, M, a, a, metric="cosine"), ValueError),
    ],
)
def test_errors_are_those_of_pot(convert: Convert, call: Any, error: type[Exception]) -> None:
    arguments = [convert(x) for x in (A, B, M)]
    for module in (pot, ours):
        with pytest.raises(error):
            call(module, *arguments)


def test_masses_that_are_let_through() -> None:
    check_pair(lambda ot: ot.emd(A, B * (1 + 5e-7), M))
    check_pair(lambda ot: ot.emd(A, B * (1 + 1.3e-6), M))
    for options in ({"a": A, "b": 3 * B}, {"a": 2 * A, "b": []}, {"a": [], "b": 5 * B}):
        check_pair(lambda ot, o=options: ot.emd(**o, M=M, log=True, check_marginals=False))
    check_pair(lambda ot: ot.emd2(A, 3 * TARGETS, M, check_marginals=False))
    check_pair(lambda ot: ot.emd2_lazy(X, Y, A, 3 * B, check_marginals=False))
    # POT refuses float32 sums that are wrong in the sixth decimal place, however large they are.
    large = (1000 * A).astype(np.float32), (1000 * B).astype(np.float32) * np.float32(1 + 1e-5)
    with pytest.raises(AssertionError):
        pot.emd(*large, M)
    assert ours.emd(*large, M).shape == M.shape


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ours.emd(A, B, M * np.nan), r"^M: M\[0, 0\] is nan"),
        (lambda: ours.emd(A, B, M + np.diag([np.inf] * K)[:N]), r"^M: M\[0, 0\] is inf"),
        (lambda: ours.emd(A - 0.1, B - 0.075, M), r"^a: a\["),
        (lambda: ours.emd2(0 * A, 0 * B, M), r"^a: .*sum"),
        (lambda: ours.emd2(A, 0 * B, M, check_marginals=False), r"^b: .*sum"),
        (lambda: ours.emd([], [], np.zeros((0, 4))), r"^M: shape \(0, 4\)"),
    ],
)
def test_what_pot_answers_with_zeros_is_an_error(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_mixed_libraries() -> None:
    with pytest.raises(TypeError, match=r"torch tensor"):
        ours.emd(torch.as_tensor(A), B, M)
    with pytest.raises(TypeError, match=r"complex"):
        ours.emd(A, B, M * 1j)


# ---------------------------------------------------------------------------------------------
# Warm starts and sparse costs


def test_potentials_to_start_from() -> None:
    _, log = pot.emd(A, B, M, log=True)
    start = log["u"], log["v"]
    check_pair(lambda ot: ot.emd(A, B, M, potentials_init=start))
    check_pair(lambda ot: ot.emd2(A, B, M, potentials_init=start))
    check_pair(lambda ot: ot.emd2_lazy(X, Y, A, B, potentials_init=start)[0])
    with pytest.raises(ValueError, match=r"^potentials_init: shape"):
        ours.emd(A, B, M, potentials_init=start[::-1])


def sparse_problem() -> tuple[Any, Any, Any]:
    """Costs of some pairs, all joined to each other, and the marginals of a plan on them."""
    rng = np.random.default_rng(11)
    plan = np.where(rng.random((14, 10)) < 0.5, rng.random((14, 10)), 0.0)
    costs = scipy.sparse.coo_array(np.where(plan > 0, rng.random((14, 10)), 0.0))
    plan /= plan.sum()
    return plan.sum(axis=1), plan.sum(axis=0), costs


@pytest.mark.parametrize("form", ["coo", "csr", "csc"])
def test_sparse_costs(form: str) -> None:
    a, b, costs = sparse_problem()
    costs = costs.asformat(form)
    plan = check_pair(lambda ot: np.asarray(ot.emd(a, b, costs).todense()))
    assert scipy.sparse.issparse(ours.emd(a, b, costs))
    assert ours.emd(a, b, costs).format == pot.emd(a, b, costs).format == "coo"
    check_pair(lambda ot: ot.emd(a, b, costs, log=True)[1])
    check_pair(lambda ot: ot.emd2(a, b, costs))
    value, log = ours.emd2(a, b, costs, return_matrix=True)
    assert np.array_equal(log["G"].toarray(), plan)
    assert ours.solve(costs, a, b).value == value


def test_sparse_tensors() -> None:
    a, b, costs = sparse_problem()
    weights = torch.as_tensor(a), torch.as_tensor(b)

    def gradient(ot: Any) -> Any:
        matrix = torch.sparse_coo_tensor(
            np.stack([costs.row, costs.col]), costs.data, costs.shape, check_invariants=True
        ).coalesce()
        matrix.requires_grad_()
        ot.emd2(*weights, matrix).backward()
        assert ot.emd(*weights, matrix.detach()).is_sparse
        return matrix.grad.to_dense()

    check_pair(gradient)


def test_sparse_costs_without_a_plan() -> None:
    costs = scipy.sparse.coo_array(([1.0, 1.0, 2.0], ([0, 1, 1], [0, 0, 1])), shape=(2, 2))
    a, b = np.array([0.75, 0.25]), np.array([0.5, 0.5])
    for ot in (pot, ours):
        with pytest.warns(UserWarning, match="Problem infeasible"):
            _, log = ot.emd(a, b, costs, log=True)
        assert log["result_code"] == 0
        assert log["warning"].startswith("Problem infeasible")
    with pytest.warns(UserWarning, match="1 row has mass 0.75"):
        assert ours.emd2(a, b, costs) == np.inf


# ---------------------------------------------------------------------------------------------
# Gradients


def gradients(call: Callable[..., Any], *arrays: np.ndarray) -> list[np.ndarray]:
    tensors = [torch.tensor(x, requires_grad=True) for x in arrays]
    call(*tensors).backward()
    return [to_numpy(tensor.grad) for tensor in tensors]


@pytest.mark.parametrize("dtype", ["f8", "f4"])
def test_gradients(dtype: str) -> None:
    arrays = [x.astype(dtype) for x in (A, B, M)]
    expected = gradients(lambda a, b, c: 3 * pot.emd2(a, b, c), *arrays)
    own = gradients(lambda a, b, c: 3 * ours.emd2(a, b, c), *arrays)
    for left, right in zip(own, expected, strict=True):
        assert left.dtype == right.dtype
        np.testing.assert_allclose(left, right, atol=1e-12 if dtype == "f8" else 1e-6)


def test_gradients_of_many_targets() -> None:
    """POT's backward pass fails for the targets, so it gets them one by one."""
    expected = gradients(
        lambda a, b, c: torch.stack([pot.emd2(a, b[:, k], c) for k in range(3)]).square().sum(),
        A,
        TARGETS,
        M,
    )
    own = gradients(lambda a, b, c: torch.stack(ours.emd2(a, b, c)).square().sum(), A, TARGETS, M)
    for left, right in zip(own, expected, strict=True):
        np.testing.assert_allclose(left, right, atol=1e-12)


def test_gradients_in_points() -> None:
    """POT's lazy value has none; those through the cost matrix are the same."""
    expected = gradients(lambda x, y: pot.emd2([], [], pot.dist(x, y)), X, Y)
    for own in (
        gradients(lambda x, y: ours.emd2([], [], ours.dist(x, y)), X, Y),
        gradients(lambda x, y: ours.emd2_lazy(x, y, return_matrix=False), X, Y),
    ):
        for left, right in zip(own, expected, strict=True):
            np.testing.assert_allclose(left, right, atol=1e-12)


def test_plans_and_potentials_of_tensors_are_constants() -> None:
    """As POT's: the gradient of <plan, M> in M is the plan."""
    costs = torch.tensor(M, requires_grad=True)
    weights = torch.tensor(A, requires_grad=True)
    plan, log = ours.emd(weights, torch.as_tensor(B), costs, log=True)
    assert not plan.requires_grad
    assert not log["u"].requires_grad
    assert type(log["cost"]) is float
    (plan * costs).sum().backward()
    assert torch.equal(costs.grad, plan)
    _, log = ours.emd2_lazy(costs, costs.detach())
    assert not log["G"].requires_grad

"""otcore.compat.pot beside POT: transport on the line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import ot as pot
import pytest
import torch

import otcore.compat.pot as ours
from checks import to_numpy
from pot_pairs import assert_alike, assert_close, check_pair, run

RNG = np.random.default_rng(6)
N, K, BATCH = 5, 7, 3
X, Y = RNG.normal(size=(N, BATCH)), RNG.normal(size=(K, BATCH))
A, B = RNG.dirichlet(np.ones(N), size=BATCH).T, RNG.dirichlet(np.ones(K), size=BATCH).T
FORMS: dict[str, Callable[[np.ndarray], Any]] = {
    "float64": lambda x: x,
    "float32": lambda x: x.astype(np.float32),
    "tensor64": torch.as_tensor,
    "tensor32": lambda x: torch.as_tensor(x.astype(np.float32)),
}
METRICS = ["sqeuclidean", "euclidean", "cityblock", "minkowski"]


# ---------------------------------------------------------------------------------------------
# emd_1d, emd2_1d


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dense", [True, False])
def test_emd_1d(form: str, metric: str, dense: bool) -> None:
    x, y, a, b = (FORMS[form](array[:, 0]) for array in (X, Y, A, B))
    options = {"metric": metric, "p": 3, "dense": dense}
    check_pair(lambda ot: ot.emd_1d(x, y, a, b, **options))
    (plan, log), _ = run(lambda ot: ot.emd_1d(x, y, a, b, log=True, **options), ours)
    (_, expected), _ = run(lambda ot: ot.emd_1d(x, y, a, b, log=True, **options), pot)
    assert set(log) == set(expected)
    assert_alike(log["cost"], expected["cost"], single="32" in form)
    entries = [to_numpy(log["perms_x_a"]), to_numpy(log["perms_x_b"])]
    if "64" in form:  # sums of float32 weights leave crumbs, in POT and here
        for own, name in zip(entries, ("perms_x_a", "perms_x_b"), strict=True):
            assert np.array_equal(own, to_numpy(expected[name]))
    assert (to_numpy(plan)[tuple(entries)] > 0).all()


@pytest.mark.parametrize("form", [*FORMS, "list"])
@pytest.mark.parametrize("metric", METRICS)
def test_emd2_1d(form: str, metric: str) -> None:
    convert = FORMS.get(form, np.ndarray.tolist)
    x, y, a, b = (convert(array[:, 1]) for array in (X, Y, A, B))
    for options in ({}, {"p": 2}):
        answer = ours.emd2_1d(x, y, a, b, metric, **options)
        expected = pot.emd2_1d(x, y, a, b, metric, **options)
        assert_alike(answer, expected, single="32" in form)
    cost, log = ours.emd2_1d(x, y, a, b, metric, log=True)
    assert cost == ours.emd2_1d(x, y, a, b, metric)
    assert_alike(log, pot.emd2_1d(x, y, a, b, metric, log=True)[1])


def test_columns_and_uniform_weights() -> None:
    check_pair(lambda ot: ot.emd_1d(X[:, :1], Y[:, 0]))
    check_pair(lambda ot: ot.emd_1d(X[:, 0], Y[:, 0], [], []))
    check_pair(lambda ot: ot.emd_1d(X[:, 0], Y[:, 0], A[:, 0] * 3, B[:, 0] * 3))
    check_pair(lambda ot: ot.emd_1d(X[:, 0], Y[:, 0], A[:, 0], 5 * B[:, 0], check_marginals=False))


@pytest.mark.parametrize("name", ["emd_1d", "emd2_1d"])
@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((X, Y), AssertionError),
        ((X[:, 0], Y[:, 0], A[:, 0], 2 * B[:, 0]), AssertionError),
        ((X[:, 0], Y[:, 0], None, None, "cosine"), ValueError),
    ],
)
def test_errors_are_those_of_pot(name: str, arguments: Any, error: type[Exception]) -> None:
    for module in (pot, ours):
        with pytest.raises(error):
            getattr(module, name)(*arguments)


def test_errors_of_our_own() -> None:
    x, y, a, b = X[:, 0], Y[:, 0], A[:, 0], B[:, 0]
    with pytest.raises(AssertionError, match=r"^a: shape \(7,\)"):
        ours.emd_1d(x, y, b, b)
    with pytest.raises(ValueError, match=r"^p: 0.5"):
        ours.emd2_1d(x, y, metric="minkowski", p=0.5)
    with pytest.raises(ValueError, match=r"^a: a\[0\]"):
        ours.emd_1d(x, y, np.array([-0.2, 0.3, 0.3, 0.3, 0.3]))
    with pytest.raises(ValueError, match="differ"):
        ours.wasserstein_1d(x, y, a, 2 * b)


def test_integers_are_points_like_others() -> None:
    assert ours.emd2_1d(np.arange(3), np.arange(4)) == ours.emd2_1d(np.arange(3.0), np.arange(4.0))
    assert ours.emd_1d(np.arange(3), np.arange(4)).dtype == np.float64
    assert ours.wasserstein_1d(np.arange(3), np.arange(2)) == 0.5


# ---------------------------------------------------------------------------------------------
# wasserstein_1d


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("p", [1, 2, 2.5])
@pytest.mark.filterwarnings("ignore:The use of `x.T`:UserWarning")  # POT's, of one column
def test_wasserstein_1d(form: str, p: float) -> None:
    x, y, a, b = (FORMS[form](array) for array in (X, Y, A, B))
    for call in (
        lambda ot: ot.wasserstein_1d(x, y, p=p),
        lambda ot: ot.wasserstein_1d(x, y, a, b, p=p),
        lambda ot: ot.wasserstein_1d(x, y, a[:, 0], b[:, 1], p),
        lambda ot: ot.wasserstein_1d(x[:, 0], y[:, 0], a[:, 0], b[:, 0], p),
    ):
        assert_alike(call(ours), call(pot))


def test_more_axes_and_any_order() -> None:
    x, y = RNG.normal(size=(4, 3, 2)), RNG.normal(size=(5, 3, 2))
    costs = ours.wasserstein_1d(x, y, p=2)
    columns = pot.wasserstein_1d(x.reshape(4, 6), y.reshape(5, 6), p=2)
    assert_close(costs, columns.reshape(3, 2))
    assert ours.wasserstein_1d(X[:, 0], Y[:, 0], require_sort=False) == ours.wasserstein_1d(
        X[:, 0], Y[:, 0]
    )
    wide = ours.wasserstein_1d(X.astype("f4"), Y.astype("f4"), A)
    assert wide.dtype == pot.wasserstein_1d(X.astype("f4"), Y.astype("f4"), A).dtype


@pytest.mark.parametrize("form", FORMS)
def test_plans_of_wasserstein_1d(form: str) -> None:
    x, y, a, b = (FORMS[form](array) for array in (X, Y, A, B))
    answer, _ = run(lambda ot: ot.wasserstein_1d(x, y, a, b, p=2, return_plans=True), ours)
    expected, _ = run(lambda ot: ot.wasserstein_1d(x, y, a, b, p=2, return_plans=True), pot)
    assert_alike(answer, expected)
    costs, entries = ours.wasserstein_1d(x, y, a, b, p=2, return_plans="coo_tuple")
    _, other = pot.wasserstein_1d(x, y, a, b, p=2, return_plans="coo_tuple")
    assert_close(costs, answer[0])
    for entry, plan, theirs in zip(entries, answer[1], other, strict=True):
        assert entry._fields == theirs._fields == ("data", "rows", "cols")
        assert type(entry.rows) is type(theirs.rows)
        data, rows, cols = map(to_numpy, entry)
        assert np.array_equal(to_numpy(plan)[rows, cols], data)
    cost, plans = ours.wasserstein_1d(x[:, 0], y[:, 0], return_plans=True)  # POT fails
    assert cost == ours.wasserstein_1d(x[:, 0], y[:, 0])
    assert len(plans) == 1


@pytest.mark.parametrize("p", [1, 2])
def test_gradients(p: int) -> None:
    """In the weights POT's differ from the centred ones by a constant."""
    grads = []
    for module in (pot, ours):
        tensors = [torch.tensor(array, requires_grad=True) for array in (X, Y, A, B)]
        module.wasserstein_1d(*tensors, p=p).square().sum().backward()
        grads.append([to_numpy(tensor.grad) for tensor in tensors])
    for own, expected in zip(grads[1][:2], grads[0][:2], strict=True):
        np.testing.assert_allclose(own, expected, atol=1e-12)
    for own, expected in zip(grads[1][2:], grads[0][2:], strict=True):
        np.testing.assert_allclose(own, expected - expected.mean(0), atol=1e-12)
        np.testing.assert_allclose(own.mean(0), 0, atol=1e-14)


def test_emd2_1d_has_gradients_too() -> None:
    x = torch.tensor(X[:, 0], requires_grad=True)
    ours.emd2_1d(x, torch.as_tensor(Y[:, 0])).backward()
    y = torch.tensor(X[:, 0], requires_grad=True)
    pot.wasserstein_1d(y[:, None], torch.as_tensor(Y[:, :1]), p=2).sum().backward()
    np.testing.assert_allclose(to_numpy(x.grad), to_numpy(y.grad), atol=1e-13)
    assert not ours.emd_1d(x, torch.as_tensor(Y[:, 0])).requires_grad


@pytest.mark.parametrize("form", ["tensor64", "tensor32"])
def test_duals(form: str) -> None:
    x, y, a, b = (FORMS[form](array) for array in (X, Y, A, B))
    answer = ours.lp.emd_1d_dual_backprop(x, y, a, b, p=2)
    expected = pot.lp.emd_1d_dual_backprop(x, y, a, b, p=2)
    for own, other in zip(answer, expected, strict=True):
        assert type(own) is type(other)
        assert own.shape == other.shape
        assert own.dtype == other.dtype
    f, g, cost = map(to_numpy, answer)
    np.testing.assert_allclose((f * A).sum(0) + (g * B).sum(0), cost, rtol=1e-5)
    np.testing.assert_allclose(cost, to_numpy(expected[2]), rtol=1e-5)
    for own, other in zip((f, g), map(to_numpy, expected[:2]), strict=True):
        np.testing.assert_allclose(own - own.mean(0), other - other.mean(0), atol=1e-5)
    one = ours.emd_1d_dual_backprop(to_numpy(x)[:, 0], to_numpy(y)[:, 0], p=2)
    assert [np.shape(part) for part in one] == [(N,), (K,), ()]


def test_one_problem_for_each_coordinate() -> None:
    for metric in ("sqeuclidean", "euclidean", "cityblock"):
        result = ours.solve_sample(X, Y, A[:, 0], B[:, 0], method="1d", metric=metric)
        expected = pot.solve_sample(X, Y, A[:, 0], B[:, 0], method="1d", metric=metric)
        assert_close(result.value, expected.value)
        assert result.plan.shape == (BATCH, N, K)
    with pytest.raises(ValueError, match=r"^metric: 'cosine'"):
        ours.solve_sample(X, Y, method="1d", metric="cosine")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((X, Y[:, :2]), r"^v_values: shape \(7, 2\), expected \(m, 3\)"),
        ((X, Y[:, 0]), r"^v_values: shape \(7,\), expected \(m, 3\)"),
        ((X[:0], Y), r"^u_values: shape \(0, 3\)"),
        ((X, Y, A[:, :2]), r"^a: shape \(5, 2\), expected \(5,\) or \(5, 3\)"),
        ((X, Y, None, A[:, 0]), r"^b: shape \(5,\), expected \(7,\)"),
    ],
)
def test_shapes(arguments: Any, message: str) -> None:
    for function in (ours.wasserstein_1d, ours.emd_1d_dual_backprop):
        with pytest.raises(ValueError, match=message):
            function(*arguments)
        with pytest.raises(AssertionError, match=r"^p: 0.5"):
            function(X, Y, p=0.5)

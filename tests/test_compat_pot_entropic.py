"""otcore.compat.pot beside POT: Sinkhorn's algorithm by all its names."""

from __future__ import annotations

from typing import Any

import numpy as np
import ot as pot
import pytest
import scipy.sparse
import torch

import otcore
import otcore.compat.pot as ours
from pot_entropic import EXACTLY, FORMS, assert_logs, assert_numbers, both

RNG = np.random.default_rng(6)
N, K, REG = 6, 9, 0.1
M = RNG.random((N, K))
A, B = RNG.dirichlet(np.full(N, 5.0)), RNG.dirichlet(np.full(K, 5.0))
TARGETS = RNG.dirichlet(np.ones(K), size=3).T

METHODS = [
    "sinkhorn",
    "sinkhorn_log",
    "greenkhorn",
    "sinkhorn_stabilized",
    "sinkhorn_epsilon_scaling",
]
FUNCTIONS = {
    "sinkhorn": "sinkhorn_knopp",
    **{name: name for name in METHODS[1:]},
}
MANY = ["sinkhorn", "sinkhorn_log", "sinkhorn_stabilized"]


# ---------------------------------------------------------------------------------------------
# Plans, costs, logs


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("method", METHODS)
def test_plans_and_logs(form: str, method: str) -> None:
    a, b, costs = map(FORMS[form], (A, B, M))
    options = {"method": method, **EXACTLY}
    exact, exact_log = pot.sinkhorn(A, B, M, REG, log=True, **options)
    expected, plan = both(lambda ot: ot.sinkhorn(a, b, costs, REG, **options))
    assert_numbers(plan, expected, exact)
    (_, theirs), (plan, log) = both(lambda ot: ot.sinkhorn(a, b, costs, REG, log=True, **options))
    assert_numbers(plan, expected, exact)
    assert_logs(log, theirs, exact_log, reg=REG, free=True)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("mass", [1e-3, 1.0, 20.0])
def test_functions_of_the_methods(method: str, mass: float) -> None:
    a, b = mass * A, mass * B
    options = {"log": True, "numItermax": 1000, "stopThr": 1e-13 * mass}
    function = FUNCTIONS[method]
    (expected, theirs), (plan, log) = both(
        lambda ot: getattr(ot.bregman, function)(a, b, M, REG, **options)
    )
    assert_numbers(plan, expected)
    assert_logs(log, theirs, reg=REG, free=True)
    del options["log"]
    assert np.array_equal(plan, getattr(ours.bregman, function)(a, b, M, REG, **options))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("method", MANY)
def test_costs(form: str, method: str) -> None:
    a, b, costs = map(FORMS[form], (A, B, M))
    options = {"method": method, **EXACTLY}
    exact, exact_log = pot.sinkhorn2(A, B, M, REG, log=True, **options)
    expected, cost = both(lambda ot: ot.sinkhorn2(a, b, costs, REG, **options))
    assert_numbers(cost, expected, exact)
    (_, theirs), (cost, log) = both(lambda ot: ot.sinkhorn2(a, b, costs, REG, log=True, **options))
    assert_numbers(cost, expected, exact)
    assert_logs(log, theirs, exact_log, reg=REG, free=True)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("method", MANY)
def test_many_targets(form: str, method: str) -> None:
    a, targets, costs = map(FORMS[form], (A, TARGETS, M))
    options = {"method": method, "log": True, **EXACTLY}
    exact, exact_log = pot.sinkhorn(A, TARGETS, M, REG, **options)
    for name in ("sinkhorn", "sinkhorn2"):
        (expected, theirs), (values, log) = both(
            lambda ot, name=name: getattr(ot, name)(a, targets, costs, REG, **options)
        )
        assert_numbers(values, expected, exact)
        assert_logs(log, theirs, exact_log, reg=REG, free=True)
    assert_numbers(ours.sinkhorn(a, targets[:, :1], costs, REG, **EXACTLY), values[:1], exact[:1])


def test_many_targets_are_not_for_all() -> None:
    for module in (pot, ours):
        for method in ("greenkhorn", "sinkhorn_epsilon_scaling"):
            with pytest.raises(ValueError, match=r".+"):
                module.sinkhorn(A, TARGETS, M, REG, method=method)
    with pytest.raises(ValueError, match=r"^b: shape \(9, 0\)"):
        ours.sinkhorn(A, TARGETS[:, :0], M, REG)


@pytest.mark.parametrize("convert", [np.asarray, torch.as_tensor])
def test_empty_weights_and_lists(convert: Any) -> None:
    costs = convert(M)
    for a, b in (([], []), (costs[0, :0], costs[0, :0]), (convert(A), [])):
        expected, plan = both(lambda ot, a=a, b=b: ot.sinkhorn(a, b, costs, REG, **EXACTLY))
        assert_numbers(plan, expected)
    expected, plan = both(lambda ot: ot.sinkhorn(A.tolist(), B.tolist(), M, REG, **EXACTLY))
    assert_numbers(plan, expected)
    assert np.array_equal(ours.sinkhorn(None, None, M, REG), ours.sinkhorn([], [], M, REG))


def test_integers_and_mixed_dtypes() -> None:
    costs = np.arange(12).reshape(3, 4) ** 2 % 7
    expected, plan = both(lambda ot: ot.sinkhorn([], [], costs.astype(float), 1.0, **EXACTLY))
    assert_numbers(ours.sinkhorn([], [], costs, 1.0, **EXACTLY), expected)
    expected, plan = both(lambda ot: ot.sinkhorn(A, B, M.astype("f4"), REG, **EXACTLY))
    assert plan.dtype == expected.dtype == np.float64
    assert ours.sinkhorn(A.astype("f4"), B.astype("f4"), M, REG).dtype == np.float64


@pytest.mark.parametrize("method", METHODS)
def test_zero_weights(method: str) -> None:
    a, b = A.copy(), B.copy()
    a[1] = b[0] = b[5] = 0.0
    a, b = a / a.sum(), b / b.sum()
    exact = np.zeros((N, K))
    exact[np.ix_(a > 0, b > 0)] = pot.sinkhorn(
        a[a > 0], b[b > 0], M[a > 0][:, b > 0], REG, **EXACTLY
    )
    plan, log = ours.sinkhorn(a, b, M, REG, method=method, log=True, **EXACTLY)
    np.testing.assert_allclose(plan, exact, rtol=0, atol=1e-10)
    again = ours.sinkhorn(
        a, b, M, REG, method=method, warmstart=log.get("warmstart", scalings(log)), **EXACTLY
    )
    np.testing.assert_allclose(again, exact, rtol=0, atol=1e-10)


def scalings(log: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """log u and log v."""
    if "log_u" in log:
        return log["log_u"], log["log_v"]
    with np.errstate(divide="ignore"):
        return (np.log(log["u"]), np.log(log["v"])) if "u" in log else (np.empty(0), np.empty(0))


@pytest.mark.parametrize("reg", [1e-3, 1e-2, 1.0, 100.0])
def test_small_and_large_regularisation(reg: float) -> None:
    expected, plan = both(
        lambda ot: ot.sinkhorn(
            A, B, M, reg, method="sinkhorn_log", stopThr=1e-12, numItermax=20_000
        )
    )
    assert_numbers(plan, expected)


def test_the_gauge_of_scalings() -> None:
    """The weighted sums of log(u / a) and log(v / b) are the same."""
    _, log = ours.sinkhorn(A, B, M, REG, method="sinkhorn_log", log=True)
    assert A @ (log["log_u"] - np.log(A)) == pytest.approx(B @ (log["log_v"] - np.log(B)))
    plan = np.exp(log["log_u"][:, None] + log["log_v"] - M / REG)
    np.testing.assert_allclose(plan, ours.sinkhorn(A, B, M, REG), atol=1e-12)


# ---------------------------------------------------------------------------------------------
# Warm starts, limits, warnings


@pytest.mark.parametrize("method", METHODS)
def test_warm_starts(method: str) -> None:
    _, log = ours.sinkhorn(A, B, M, REG, method=method, log=True, **EXACTLY)
    start = log.get("warmstart", scalings(log))
    again, warm = ours.sinkhorn(
        A, B, M, REG, method=method, warmstart=start, log=True, numItermax=35, stopThr=1e-12
    )
    assert warm.get("niter", warm.get("n_iter")) <= 2
    expected = pot.sinkhorn(A, B, M, REG, method=method, warmstart=start, **EXACTLY)
    assert_numbers(again, expected)


@pytest.mark.parametrize("method", MANY)
@pytest.mark.parametrize("convert", [np.asarray, torch.as_tensor])
def test_warm_starts_of_many_targets(method: str, convert: Any) -> None:
    a, targets, costs = map(convert, (A, TARGETS, M))
    values, log = ours.sinkhorn(a, targets, costs, REG, method=method, log=True, **EXACTLY)
    match method:
        case "sinkhorn_log":
            start: Any = [(log["log_u"][:, k], log["log_v"][:, k]) for k in range(3)]
        case "sinkhorn_stabilized":
            start = log["warmstart"]
        case _ if convert is np.asarray:
            start = np.log(log["u"]).tolist(), np.log(log["v"]).tolist()
        case _:
            start = log["u"].log(), log["v"].log()
    again, warm = ours.sinkhorn2(
        a, targets, costs, REG, method=method, warmstart=start, log=True, stopThr=1e-12
    )
    assert_numbers(again, values)
    assert warm.get("niter", warm.get("n_iter", 1)) <= 2


def test_bad_warm_starts() -> None:
    for bad in ((np.full(N, np.nan), np.full(K, np.nan)), (np.full(N, np.inf), np.zeros(K))):
        with pytest.raises(ValueError, match=r"^potentials_init: "):
            ours.sinkhorn(A, B, M, REG, warmstart=bad)
    with pytest.raises(ValueError, match=r"^warmstart: shape \(9,\), expected \(6,\)"):
        ours.sinkhorn(A, B, M, REG, warmstart=(np.zeros(K), np.zeros(N)))
    with pytest.raises(TypeError, match=r"^warmstart: expected a pair"):
        ours.sinkhorn(A, B, M, REG, warmstart=np.zeros(K))


def test_a_limit_is_told_unless_it_is_not_to_be() -> None:
    costs = np.random.default_rng(1).random((40, 40))
    limit = {"numItermax": 2, "stopThr": 1e-12}
    for function in (ours.sinkhorn, ours.bregman.sinkhorn_log):
        with pytest.warns(otcore.ConvergenceWarning, match="marginal error"):
            function([], [], costs, 1e-3, **limit)
        function([], [], costs, 1e-3, warn=False, **limit)
    _, log = ours.sinkhorn2([], [], costs, 1e-3, log=True, **limit)  # does not warn by default
    assert log["status"] == "max_iter"
    assert log["niter"] <= 2
    assert log["marginal_error"] > 1e-12
    with pytest.warns(otcore.ConvergenceWarning, match="marginal error"):
        ours.sinkhorn2([], [], costs, 1e-3, warn=True, **limit)
    for bad in (0, -3, "many"):
        with pytest.raises(ValueError, match=r"^numItermax: "):
            ours.sinkhorn(A, B, M, REG, numItermax=bad)
    for bad in (-1.0, "small", float("nan")):
        with pytest.raises(ValueError, match=r"^stopThr: "):
            ours.sinkhorn(A, B, M, REG, stopThr=bad)


def test_the_tolerance_bounds_what_pot_tests() -> None:
    costs = np.random.default_rng(1).random((30, 20))
    for threshold in (1e-2, 1e-4, 1e-8):
        for mass in (1.0, 50.0):
            a, b = np.full(30, mass / 30), np.full(20, mass / 20)
            plan, log = ours.sinkhorn(a, b, costs, 0.02, log=True, stopThr=threshold)
            assert np.linalg.norm(plan.sum(0) - b) <= threshold
            assert np.linalg.norm(plan.sum(1) - a) <= threshold
            np.testing.assert_allclose(
                log["err"], [np.linalg.norm(plan.sum(0) - b)], rtol=1e-3, atol=1e-14
            )


def test_what_makes_no_difference() -> None:
    plan = ours.sinkhorn(A, B, M, REG)
    others = {"tau": 10.0, "print_period": 3, "epsilon0": 1e2, "numInnerItermax": 50}
    for method in METHODS:
        assert np.array_equal(ours.sinkhorn(A, B, M, REG, method=method.upper(), **others), plan)


def test_verbose_prints(capsys: pytest.CaptureFixture[str]) -> None:
    ours.sinkhorn(A, B, M, REG, verbose=True)
    assert capsys.readouterr().out.startswith("converged: marginal error ")
    ours.sinkhorn(A, B, M, REG)
    assert capsys.readouterr().out == ""


# ---------------------------------------------------------------------------------------------
# Bad input


@pytest.mark.parametrize("convert", [np.asarray, torch.as_tensor])
def test_errors(convert: Any) -> None:
    a, b, costs = map(convert, (A, B, M))
    for module in (pot, ours):
        for name in ("sinkhorn", "sinkhorn2"):
            with pytest.raises(ValueError, match="Unknown method"):
                getattr(module, name)(a, b, costs, REG, method="sinkhorm")
        with pytest.raises(ValueError, match="Unknown method"):
            module.sinkhorn2(a, b, costs, REG, method="greenkhorn")
        with pytest.raises((ValueError, RuntimeError), match=r".+"):
            module.sinkhorn(b, a, costs, REG)
    for sparse in (scipy.sparse.csr_array(M), torch.as_tensor(M).to_sparse()):
        with pytest.raises(ValueError, match=r"^M: a sparse matrix"):
            ours.sinkhorn([], [], sparse, REG)
    assert ours.sinkhorn(a, b, costs, np.array([REG])).shape == M.shape
    for reg in (0.0, -1.0, float("nan"), float("inf"), [0.1, 0.2]):
        with pytest.raises(ValueError, match=r"^reg: "):
            ours.sinkhorn(a, b, costs, reg)
    with pytest.raises(ValueError, match=r"^a, b"):
        ours.sinkhorn(a, 2 * b, costs, REG)
    with pytest.raises(ValueError, match=r"^M: "):
        ours.sinkhorn(a, b, costs * np.nan, REG)
    with pytest.raises(ValueError, match=r"^a: "):
        ours.sinkhorn(a - 0.5, b, costs, REG)
    if convert is torch.as_tensor:
        with pytest.raises(TypeError, match="torch tensor"):
            ours.sinkhorn(A, b, costs, REG)

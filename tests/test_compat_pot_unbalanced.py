"""otcore.compat.pot beside POT: entropic problems whose marginals may differ from a and b."""

from __future__ import annotations

from typing import Any

import numpy as np
import ot as pot
import pytest
import torch
from scipy.special import rel_entr

import otcore
import otcore.compat.pot as ours
from checks import to_numpy
from pot_entropic import EXACTLY, FORMS, assert_logs, assert_numbers, both

RNG = np.random.default_rng(8)
N, K, REG = 6, 9, 0.1
M = RNG.random((N, K))
A, B = RNG.random(N), RNG.random(K)  # of different masses
C = RNG.random((N, K)) + 0.1
TARGETS = RNG.random((K, 3))
INFINITE = float("inf")
METHODS = ["sinkhorn", "sinkhorn_stabilized", "sinkhorn_translation_invariant"]
FUNCTIONS = {
    "sinkhorn": "sinkhorn_knopp_unbalanced",
    "sinkhorn_stabilized": "sinkhorn_stabilized_unbalanced",
    "sinkhorn_translation_invariant": "sinkhorn_unbalanced_translation_invariant",
}
RELAXATIONS = [1.0, [2.0], (0.5, 3.0), (INFINITE, 1.0), np.array([1.0, INFINITE]), 1e-3, 20.0]


def divergence(p: np.ndarray, q: np.ndarray | float) -> float:
    return float(rel_entr(p, q).sum() - p.sum() + np.sum(np.broadcast_to(q, p.shape)))


def objective(plan: np.ndarray, reg_m: tuple[float, float], c: np.ndarray | None) -> float:
    """What the plan minimises; without a reference by the entropy less the mass."""
    total = (plan * M).sum()
    total += REG * (rel_entr(plan, 1).sum() - plan.sum() if c is None else divergence(plan, c))
    for rho, marginal, weights in zip(reg_m, (plan.sum(1), plan.sum(0)), (A, B), strict=True):
        if np.isfinite(rho):
            total += rho * divergence(marginal, weights)
    return float(total)


def assert_log_alike(log: dict[str, Any], expected: dict[str, Any], exact: dict[str, Any]) -> None:
    """The total cost aside: POT's leaves the masses out, and so is 0 at the optimum."""
    assert_logs(log, expected, exact, reg=REG, free=False)
    if "cost" in expected:
        assert_numbers(log["cost"], expected["cost"], exact["cost"])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("reg_type", ["kl", "entropy"])
def test_plans_and_logs(form: str, method: str, reg_type: str) -> None:
    a, b, costs = map(FORMS[form], (A, B, M))
    options = {"method": method, "reg_type": reg_type, "log": True, **EXACTLY}
    (exact, exact_log), _ = both(lambda ot: ot.sinkhorn_unbalanced(A, B, M, REG, 1.0, **options))
    (expected, theirs), (plan, log) = both(
        lambda ot: ot.sinkhorn_unbalanced(a, b, costs, REG, 1.0, **options)
    )
    assert_numbers(plan, expected, exact)
    assert_log_alike(log, theirs, exact_log)
    c = A[:, None] * B if reg_type == "kl" else None
    total = objective(exact, (1.0, 1.0), c)
    assert float(log["total_cost"]) == pytest.approx(total, rel=1e-8 if "64" in form else 1e-5)
    plan = ours.sinkhorn_unbalanced(a, b, costs, REG, 1.0, **{**options, "log": False})
    assert_numbers(plan, expected, exact)


@pytest.mark.parametrize("reg_m", RELAXATIONS, ids=str)
@pytest.mark.parametrize("reg_type", ["kl", "entropy", "reference"])
def test_relaxations(reg_m: Any, reg_type: str) -> None:
    """Against POT's first method: its translation-invariant one needs both to be the same."""
    options: dict[str, Any] = {"log": True, "stopThr": 1e-12, "numItermax": 200_000}
    options |= {"reg_type": "entropy"} if reg_type == "entropy" else {}
    options |= {"c": C} if reg_type == "reference" else {}
    (expected, theirs), (plan, log) = both(
        lambda ot: ot.sinkhorn_unbalanced(A, B, M, REG, reg_m, **options)
    )
    assert_numbers(plan, expected)
    assert_log_alike(log, theirs, theirs)
    reference = {"kl": A[:, None] * B, "reference": C, "entropy": None}[reg_type]
    pair = tuple(np.broadcast_to(reg_m, 2).tolist())
    assert log["total_cost"] == pytest.approx(objective(expected, pair, reference), abs=1e-8)


@pytest.mark.parametrize("method", METHODS)
def test_functions_of_the_methods(method: str) -> None:
    function = FUNCTIONS[method]
    for options in ({}, {"reg_type": "entropy"}, {"c": C}):
        expected, plan = both(
            lambda ot, o=options: getattr(ot.unbalanced, function)(
                A, B, M, REG, 1.0, **o, **EXACTLY
            )
        )
        assert_numbers(plan, expected)
    reg_scaling = ours.sinkhorn_unbalanced(A, B, M, REG, 1.0, method="sinkhorn_reg_scaling")
    assert np.array_equal(reg_scaling, ours.sinkhorn_unbalanced(A, B, M, REG, 1.0))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("method", METHODS)
def test_costs(form: str, method: str) -> None:
    a, b, costs = map(FORMS[form], (A, B, M))
    options = {"method": method, "log": True, **EXACTLY}
    (exact, exact_log), _ = both(lambda ot: ot.sinkhorn_unbalanced2(A, B, M, REG, 1.0, **options))
    (expected, theirs), (cost, log) = both(
        lambda ot: ot.sinkhorn_unbalanced2(a, b, costs, REG, 1.0, **options)
    )
    assert_numbers(cost, expected, exact)
    assert_log_alike(log, theirs, exact_log)
    total = ours.sinkhorn_unbalanced2(a, b, costs, REG, 1.0, returnCost="total", **EXACTLY)
    assert float(total) == pytest.approx(float(log["total_cost"]), abs=1e-12)
    for module in (pot, ours):
        with pytest.raises(ValueError, match="returnCost"):
            module.sinkhorn_unbalanced2(a, b, costs, REG, 1.0, returnCost="all")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("method", METHODS[:2])  # POT's third mixes the targets
def test_many_targets(form: str, method: str) -> None:
    a, targets, costs = map(FORMS[form], (A, TARGETS, M))
    options = {"method": method, "log": True, "reg_type": "entropy", **EXACTLY}
    for name in ("sinkhorn_unbalanced", "sinkhorn_unbalanced2"):
        call = lambda ot, a, t, c, name=name: getattr(ot, name)(a, t, c, REG, 1.0, **options)  # noqa: E731
        (exact, exact_log), _ = both(lambda ot, call=call: call(ot, A, TARGETS, M))
        (expected, theirs), (values, log) = both(lambda ot, call=call: call(ot, a, targets, costs))
        assert_numbers(values, expected, exact)
        assert_log_alike(log, theirs, exact_log)
    with pytest.warns(UserWarning, match="many targets"):
        again = ours.sinkhorn_unbalanced2(a, targets, costs, REG, 1.0, **EXACTLY)
    assert np.array_equal(to_numpy(again), to_numpy(values))
    assert ours.sinkhorn_unbalanced(a, targets, costs, REG, 1.0)[0] == pytest.approx(values[0])


@pytest.mark.parametrize("reg_type", ["kl", "entropy"])
@pytest.mark.parametrize("convert", [np.asarray, torch.as_tensor])
def test_warm_starts(reg_type: str, convert: Any) -> None:
    a, b, costs = map(convert, (A, B, M))
    options = {"reg_type": reg_type, "log": True}
    plan, log = ours.sinkhorn_unbalanced(a, b, costs, REG, 1.0, **options, **EXACTLY)
    start = log["logu"], log["logv"]
    again, warm = ours.sinkhorn_unbalanced(a, b, costs, REG, 1.0, warmstart=start, **options)
    assert_numbers(again, plan)
    np.testing.assert_allclose(to_numpy(warm["logu"]), to_numpy(log["logu"]), atol=1e-6)
    many, log = ours.sinkhorn_unbalanced(a, convert(TARGETS), costs, REG, 1.0, log=True, **EXACTLY)
    start = log["logu"], log["logv"]
    again = ours.sinkhorn_unbalanced(a, convert(TARGETS), costs, REG, 1.0, warmstart=start)
    assert_numbers(again, many)


def test_zero_and_uniform_weights() -> None:
    a = A.copy()
    a[2] = 0
    rows = a > 0
    for reg_type in ("kl", "entropy"):
        options = {"reg_type": reg_type, **EXACTLY}
        expected, _ = both(
            lambda ot, o=options: ot.sinkhorn_unbalanced(a[rows], B, M[rows], REG, 1.0, **o)
        )
        plan = ours.sinkhorn_unbalanced(a, B, M, REG, 1.0, **options)
        np.testing.assert_allclose(plan[rows], expected, atol=1e-10)
        assert (plan[2] == 0).all()
        expected, plan = both(
            lambda ot, o=options: ot.sinkhorn_unbalanced([], [], M, REG, 1.0, **o)
        )
        assert_numbers(plan, expected)


def test_limits_and_bad_input() -> None:
    with pytest.warns(otcore.ConvergenceWarning, match="marginal error"):
        ours.sinkhorn_unbalanced(A, B, M, 1e-3, 100.0, numItermax=2, stopThr=1e-13)
    for module in (pot, ours):
        for name in ("sinkhorn_unbalanced", "sinkhorn_unbalanced2"):
            with pytest.raises(ValueError, match="Unknown method"):
                getattr(module, name)(A, B, M, REG, 1.0, method="sinkhorm")
        with pytest.raises(ValueError, match=r".+"):
            module.sinkhorn_unbalanced(A, B, M, REG, (1.0, 2.0, 3.0))
    for reg_m in (0.0, -1.0, (1.0, float("nan"))):
        with pytest.raises(ValueError, match=r"^reg_m: "):
            ours.sinkhorn_unbalanced(A, B, M, REG, reg_m)
    for reg_type in ("kl", "entropy"):
        with pytest.raises(ValueError, match=r"^a: a\[0\] is -"):
            ours.sinkhorn_unbalanced(-A, B, M, REG, 1.0, reg_type=reg_type)
    with pytest.raises(ValueError, match=r"^reg: "):
        ours.sinkhorn_unbalanced(A, B, M, 0.0, 1.0)
    with pytest.raises(ValueError, match=r"^reg_type: 'l2'"):
        ours.sinkhorn_unbalanced(A, B, M, REG, 1.0, reg_type="l2")
    with pytest.raises(ValueError, match=r"^c: shape \(9, 6\)"):
        ours.sinkhorn_unbalanced(A, B, M, REG, 1.0, c=C.T)
    with pytest.raises(ValueError, match=r"^c: an entry that is not positive"):
        ours.sinkhorn_unbalanced(A, B, M, REG, 1.0, c=C - 0.5)
    with pytest.warns(UserWarning, match=r"^c: not used"):
        ours.sinkhorn_unbalanced(A, B, M, REG, 1.0, c=C, reg_type="entropy")


def test_gradients_of_the_objective() -> None:
    """By differences: POT's total cost has none to compare with."""
    options = {"returnCost": "total", "numItermax": 100_000, "stopThr": 1e-13}
    for more in ({}, {"reg_type": "entropy"}, {"c": C}):
        for reg_m in (1.0, (0.5, 2.0), (INFINITE, 1.0)):
            extra = {"c": torch.as_tensor(C)} if "c" in more else more

            def value(a: Any, b: Any, M: Any, extra: Any = extra, reg_m: Any = reg_m) -> Any:
                return ours.sinkhorn_unbalanced2(a, b, M, REG, reg_m, **extra, **options)

            tensors = [torch.tensor(x, requires_grad=True) for x in (A, B, M)]
            assert torch.autograd.gradcheck(value, tensors, atol=1e-6, rtol=1e-4)

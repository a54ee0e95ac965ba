"""otcore.compat.pot beside POT: solve, solve_sample and batches with reg."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import ot as pot
import pytest
import torch
from scipy.special import kl_div, rel_entr

import otcore
import otcore.compat.pot as ours
from checks import to_numpy
from pot_entropic import FORMS, assert_numbers, assert_shifted, both, few

RNG = np.random.default_rng(9)
N, K, REG = 6, 9, 0.1
M = RNG.random((N, K))
A, B = RNG.dirichlet(np.full(N, 5.0)), RNG.dirichlet(np.full(K, 5.0))
X, Y = RNG.normal(size=(N, 2)), RNG.normal(size=(K, 2))
C = RNG.random((N, K)) + 0.1
EXACTLY = {"tol": 1e-13, "max_iter": 1000}


def assert_results_alike(result: Any, expected: Any, exact: Any, *, free: bool = True) -> None:
    """Types of `expected`, numbers of `exact`, which is POT's in float64."""
    for name in ("value", "value_linear", "plan", "marginal_a", "marginal_b"):
        if getattr(expected, name) is not None:
            assert_numbers(getattr(result, name), getattr(expected, name), getattr(exact, name))
    rows, columns = (
        (to_numpy(own).astype(np.float64), to_numpy(other))
        for own, other in zip(result.potentials, exact.potentials, strict=True)
    )
    assert_shifted(rows, columns, free=free, single=to_numpy(result.plan).dtype == np.float32)
    for own, other in zip(result.potentials, expected.potentials, strict=True):
        assert own.shape == other.shape
        assert own.dtype == other.dtype
    assert result.status == "Converged"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("reg_type", ["KL", "kl", "entropy"])
def test_solve(form: str, reg_type: str) -> None:
    costs, a, b = map(FORMS[form], (M, A, B))
    options = {"reg": REG, "reg_type": reg_type, **EXACTLY}
    exact = pot.solve(M, A, B, **options)
    expected, result = both(lambda ot: ot.solve(costs, a, b, **options))
    assert_results_alike(result, expected, exact)
    assert isinstance(result.result, otcore.OTResult)
    expected, result = both(lambda ot: ot.solve(costs, **options))
    assert_results_alike(result, expected, pot.solve(M, **options))
    for method in ("sinkhorn", "sinkhorn_log", "mm", "lbfgsb"):
        again = ours.solve(costs, a, b, **options, method=method)
        assert np.array_equal(
            to_numpy(again.plan), to_numpy(ours.solve(costs, a, b, **options).plan)
        )


@pytest.mark.parametrize("reg_type", ["KL", "entropy"])
def test_masses_other_than_one(reg_type: str) -> None:
    for mass in (0.1, 7.0):
        expected, result = both(
            lambda ot, m=mass: ot.solve(M, m * A, m * B, REG, reg_type=reg_type, **EXACTLY)
        )
        assert_results_alike(result, expected, expected)


def test_zero_weights() -> None:
    a = A.copy()
    a[1] = 0
    a /= a.sum()
    rows = a > 0
    for reg_type in ("KL", "entropy"):
        expected = pot.solve(M[rows], a[rows], B, REG, reg_type=reg_type, **EXACTLY)
        result = ours.solve(M, a, B, REG, reg_type=reg_type, **EXACTLY)
        assert result.value == pytest.approx(expected.value, abs=1e-10)
        assert np.isneginf(result.potential_a[1])


def objective(plan: np.ndarray, unbalanced: Any, reference: np.ndarray | None) -> float:
    """What an unbalanced plan minimises; without a reference by the entropy less the mass."""
    entropy = rel_entr(plan, 1).sum() if reference is None else kl_div(plan, reference).sum()
    total = (plan * M).sum() + REG * (entropy - plan.sum() * (reference is None))
    marginals = zip(
        np.broadcast_to(unbalanced, 2), (plan.sum(1), plan.sum(0)), (2 * A, B), strict=True
    )
    return float(total + sum(rho * kl_div(p, q).sum() for rho, p, q in marginals))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("unbalanced", [1.0, (0.5, 2.0)])
@pytest.mark.parametrize("reference", [None, C], ids=["ab", "c"])
def test_unbalanced(form: str, unbalanced: Any, reference: np.ndarray | None) -> None:
    """But for the value: POT's leaves the masses out of KL, and so is 0 at the optimum."""
    costs, a, b = map(FORMS[form], (M, 2 * A, B))
    c = None if reference is None else FORMS[form](reference)
    options = {"reg": REG, "unbalanced": unbalanced, **EXACTLY}
    exact = pot.solve(M, 2 * A, B, c=reference, **options)
    assert abs(exact.value) < 1e-10
    exact._value = objective(
        exact.plan, unbalanced, 2 * A[:, None] * B if reference is None else reference
    )
    expected, result = both(lambda ot: ot.solve(costs, a, b, c=c, **options))
    assert_results_alike(result, expected, exact, free=False)


@pytest.mark.parametrize("unbalanced", [1.0, (0.5, 2.0)])
def test_unbalanced_with_the_entropy(unbalanced: Any) -> None:
    """POT minimises it by quasi-Newton steps, to a few digits."""
    arguments = {"reg": REG, "unbalanced": unbalanced, "reg_type": "entropy"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of scipy, about POT's call
        expected = pot.solve(M, 2 * A, B, **arguments, max_iter=60)
    result = ours.solve(M, 2 * A, B, **arguments, tol=1e-12)
    assert result.value == pytest.approx(objective(result.plan, unbalanced, None), abs=1e-12)
    assert expected.value == pytest.approx(objective(expected.plan, unbalanced, None), abs=1e-10)
    assert expected.value - 1e-2 < result.value <= expected.value + 1e-12


def test_infinite_relaxations_are_balanced() -> None:
    infinite = float("inf")
    expected = pot.solve(M, A, B, REG, **EXACTLY)
    for unbalanced in (infinite, (infinite, infinite)):
        result = ours.solve(M, A, B, REG, unbalanced=unbalanced, **EXACTLY)
        np.testing.assert_allclose(result.plan, expected.plan, atol=1e-10)
        assert result.value == pytest.approx(expected.value, abs=1e-10)


def test_starts_and_limits() -> None:
    first = ours.solve(M, A, B, REG, tol=1e-12)
    again = ours.solve(M, A, B, REG, potentials_init=first.potentials)
    assert again.result.n_iter <= 2
    first = ours.solve(M, 2 * A, B, REG, unbalanced=1.0, tol=1e-12)
    again = ours.solve(M, 2 * A, B, REG, unbalanced=1.0, potentials_init=first.potentials)
    assert again.result.n_iter <= 3
    costs = np.random.default_rng(1).random((40, 40))
    with pytest.warns(otcore.ConvergenceWarning, match="marginal error"):
        late = ours.solve(costs, reg=1e-3, max_iter=2)
    assert late.status.startswith("Sinkhorn did not converge (max_iter): after ")
    for reg in (-1.0, float("nan")):
        with pytest.raises(ValueError, match=r"^reg: "):
            ours.solve(M, reg=reg)


# ---------------------------------------------------------------------------------------------
# Points


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean", "cityblock", "minkowski"])
def test_solve_sample(form: str, metric: str) -> None:
    x, y, a, b = map(FORMS[form], (X, Y, A, B))
    options = {"metric": metric, "reg": 1.0, **EXACTLY}
    exact = pot.solve_sample(X, Y, A, B, **options)
    expected, result = both(lambda ot: ot.solve_sample(x, y, a, b, **options))
    assert_results_alike(result, expected, exact)


def test_solve_sample_with_other_problems() -> None:
    for options in ({"metric": "chebyshev"}, {"reg_type": "entropy"}):
        expected, result = both(
            lambda ot, o=options: ot.solve_sample(X, Y, A, B, reg=1.0, **o, **EXACTLY)
        )
        assert_results_alike(result, expected, expected)
    for options in ({}, {"c": C}):
        expected, result = both(
            lambda ot, o=options: ot.solve_sample(
                X, Y, A, B, reg=1.0, unbalanced=1.0, **o, **EXACTLY
            )
        )
        expected._value = result.value
        assert_results_alike(result, expected, expected, free=False)
    expected = ours.solve(ours.dist(X, Y), A, B, 1.0, unbalanced=1.0, c=C, tol=1e-12).value
    assert result.value == pytest.approx(expected)


@pytest.mark.parametrize("form", FORMS)
def test_lazy_results(form: str) -> None:
    x, y = map(FORMS[form], (X, Y))
    exact = pot.solve_sample(X, Y, reg=1.0, lazy=True, **EXACTLY)
    for options in ({"lazy": True}, {"method": "sinkhorn"}):
        options = options | EXACTLY
        expected, result = both(lambda ot, o=options: ot.solve_sample(x, y, reg=1.0, **o))
        assert_numbers(result.value_linear, expected.value_linear, exact.value_linear)
        assert set(result.log) - {"status", "marginal_error"} == set(expected.log)
        assert_numbers(result.lazy_plan[:], expected.lazy_plan[:], exact.lazy_plan[:])
        assert_numbers(result.plan, result.lazy_plan[:])
    result = ours.solve_sample(x, y, reg=1.0)
    assert result.log is result.lazy_plan is None


@pytest.mark.parametrize("form", FORMS)
def test_debiased_values(form: str) -> None:
    x, y, a, b = map(FORMS[form], (X, Y, A, B))
    for reg_type in ("KL", "entropy"):
        options = {"reg": 1.0, "reg_type": reg_type, "debias": True, "tol": 1e-11}
        exact = pot.solve_sample(X, Y, A, B, **options, max_iter=20_000)
        expected, result = both(lambda ot, o=options: ot.solve_sample(x, y, a, b, **o, **few(ot)))
        assert_results_alike(result, expected, exact)
        assert set(result.log) == set(expected.log)
        for key, part in expected.log.items():
            assert_numbers(result.log[key].value, part.value, exact.log[key].value)
    assert ours.solve_sample(x, x, reg=1.0, debias=True).value == 0


# ---------------------------------------------------------------------------------------------
# Batches


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("method", ["auto", "log_sinkhorn", "sinkhorn", "proximal"])
@pytest.mark.parametrize("reg_type", ["entropy", "kl"])
def test_batches(form: str, method: str, reg_type: str) -> None:
    arrays = np.stack([M, M[::-1], 2 * M]), np.stack([A, A[::-1], A]), np.stack([B, B, B[::-1]])
    costs, a, b = map(FORMS[form], arrays)
    options = {"method": method, "reg_type": reg_type, "tol": 1e-13, "max_iter": 2000}
    if method == "sinkhorn" and "tensor" in form:
        pytest.skip("POT mixes its libraries here")
    iterated = "log_sinkhorn" if method == "proximal" else method  # POT's proximal points are slow
    exact = pot.solve_batch(arrays[0], REG, *arrays[1:], **{**options, "method": iterated})
    expected, result = both(lambda ot: ot.solve_batch(costs, REG, a, b, **options))
    for name in ("value", "value_linear", "plan"):
        assert_numbers(getattr(result, name), getattr(expected, name), getattr(exact, name))
    assert set(result.log) == set(expected.log)
    if method != "proximal":  # POT's are those of its last proximal problem
        for k in range(3):
            pairs = [
                (to_numpy(own)[k].astype(np.float64), to_numpy(other)[k])
                for own, other in zip(result.potentials, exact.potentials, strict=True)
            ]
            if method == "sinkhorn":
                pairs = [(np.log(own), np.log(other)) for own, other in pairs]
            assert_shifted(*pairs, free=True, single="32" in form)
    assert result.status == "Converged"
    assert isinstance(result.result, otcore.BatchResult)


@pytest.mark.parametrize("form", FORMS)
def test_batches_of_points(form: str) -> None:
    x, y = RNG.normal(size=(4, 6, 2)), RNG.normal(size=(4, 5, 2))
    points = FORMS[form](x), FORMS[form](y)
    for metric in ("sqeuclidean", "euclidean"):
        options = {"metric": metric, "tol": 1e-13, "max_iter": 2000}
        exact = pot.solve_sample_batch(x, y, 1.0, **options)
        expected, result = both(lambda ot, o=options: ot.solve_sample_batch(*points, 1.0, **o))
        for name in ("value", "value_linear", "plan"):
            assert_numbers(getattr(result, name), getattr(expected, name), getattr(exact, name))


def test_errors_of_batches() -> None:
    costs = np.stack([M, M])
    for module in (pot, ours):
        for method in ("sinkhorn", "log_sinkhorn"):
            with pytest.raises(ValueError, match=r"reg"):
                module.solve_batch(costs, method=method)
        with pytest.raises(ValueError, match="exactly"):
            module.solve_batch(costs, REG, method="exactly")
        with pytest.raises(ValueError, match="l2"):
            module.solve_batch(costs, REG, reg_type="l2")
    with pytest.warns(otcore.ConvergenceWarning, match="2 of 2"):
        late = ours.solve_batch(costs, 1e-3, max_iter=1, tol=1e-12)
    assert late.status == "2 of 2 problems did not converge"


# ---------------------------------------------------------------------------------------------
# Gradients


def gradients(call: Any, *arrays: np.ndarray) -> list[np.ndarray]:
    tensors = [torch.tensor(x, requires_grad=True) for x in arrays]
    call(*tensors).backward()
    return [to_numpy(tensor.grad) for tensor in tensors]


@pytest.mark.parametrize("reg_type", ["KL", "entropy"])
def test_gradients_are_those_of_the_iterations(reg_type: str) -> None:
    """POT's through all its iterations; those in weights up to a constant."""
    own, expected = (
        gradients(
            lambda M, a, b, ot=ot: ot.solve(M, a, b, REG, reg_type=reg_type, **EXACTLY).value,
            M,
            A,
            B,
        )
        for ot in (ours, pot)
    )
    np.testing.assert_allclose(own[0], expected[0], atol=1e-9)
    for left, right in zip(own[1:], expected[1:], strict=True):
        np.testing.assert_allclose(left - left.mean(), right - right.mean(), atol=1e-8)


def test_gradients_in_points_and_batches() -> None:
    own, expected = (
        gradients(lambda X, Y, ot=ot: ot.solve_sample(X, Y, reg=1.0, **EXACTLY).value, X, Y)
        for ot in (ours, pot)
    )
    for left, right in zip(own, expected, strict=True):
        np.testing.assert_allclose(left, right, atol=1e-9)
    costs = np.stack([M, 2 * M])
    own, expected = (
        gradients(lambda M, ot=ot: ot.solve_batch(M, REG, tol=1e-13).value.square().sum(), costs)
        for ot in (ours, pot)
    )
    np.testing.assert_allclose(own[0], expected[0], atol=1e-9)


def test_gradients_of_plans() -> None:
    own, expected = (
        gradients(lambda M, ot=ot: ot.solve(M, reg=REG, **EXACTLY).plan.square().sum(), M)
        for ot in (ours, pot)
    )
    np.testing.assert_allclose(own[0], expected[0], atol=1e-8)


def test_what_has_no_gradient() -> None:
    costs = torch.tensor(M, requires_grad=True)
    result = ours.solve(costs, reg=REG)
    for tensor in result.potentials:
        assert tensor.requires_grad
        with pytest.raises(RuntimeError, match="not differentiable"):
            tensor.sum().backward()
    result = ours.solve(costs, reg=REG, grad="envelope")
    assert result.value.requires_grad
    assert not result.plan.requires_grad
    assert not result.potential_a.requires_grad
    result = ours.solve(costs, reg=REG, grad="detach")
    assert not result.value.requires_grad

"""otcore.compat.pot beside POT: solve, solve_sample, batches, and what the modules hold."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import ot as pot
import pytest
import torch

import otcore
import otcore.compat.pot as ours
from checks import to_numpy
from pot_pairs import assert_alike, assert_close, run

RNG = np.random.default_rng(4)
N, K = 5, 7
M = RNG.random((N, K))
A, B = RNG.dirichlet(np.ones(N)), RNG.dirichlet(np.ones(K))
X, Y = RNG.normal(size=(N, 3)), RNG.normal(size=(K, 3))
FORMS: dict[str, Callable[[np.ndarray], Any]] = {
    "float64": lambda x: x,
    "float32": lambda x: x.astype(np.float32),
    "tensor64": torch.as_tensor,
    "tensor32": lambda x: torch.as_tensor(x.astype(np.float32)),
}
INFINITE = float("inf")


# ---------------------------------------------------------------------------------------------
# Results


def assert_results_alike(result: Any, expected: Any, *, single: bool = False) -> None:
    """`single`: POT computes in float32."""
    for name in ("value", "value_linear"):
        assert_alike(getattr(result, name), getattr(expected, name), name, single=single)
    for name in ("plan", "potential_a", "potential_b", "marginal_a", "marginal_b"):
        assert_close(getattr(result, name), getattr(expected, name), name)
    assert_alike(result.potentials, expected.potentials)
    assert_alike(result.marginals, expected.marginals)
    assert np.array_equal(to_numpy(result.sparse_plan), to_numpy(result.plan))
    for name in ("status", "value_quad", "lazy_plan", "log"):
        assert getattr(result, name) == getattr(expected, name), name


@pytest.mark.parametrize("form", FORMS)
def test_solve(form: str) -> None:
    costs, a, b = map(FORMS[form], (M, A, B))
    assert_results_alike(ours.solve(costs, a, b), pot.solve(costs, a, b))
    assert_results_alike(ours.solve(costs, a, b, 0.0), pot.solve(costs, a, b, 0.0))
    balanced = ours.solve(costs, a, b, unbalanced=(INFINITE, INFINITE))
    assert balanced.value == ours.solve(costs, a, b, unbalanced=INFINITE).value
    assert_results_alike(balanced, pot.solve(costs, a, b))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean", "minkowski", "cosine"])
def test_solve_sample(form: str, metric: str) -> None:
    x, y, a, b = map(FORMS[form], (X, Y, A, B))
    expected = pot.solve_sample(x, y, a, b, metric=metric)
    result = ours.solve_sample(x, y, a, b, metric=metric)
    assert_results_alike(result, expected, single="32" in form)


def test_solve_sample_with_other_metrics() -> None:
    for metric in ("chebyshev", "correlation", lambda x, y: abs(x - y).max() ** 1.5):
        expected = pot.solve_sample(X, Y, A, B, metric=metric)
        assert_results_alike(ours.solve_sample(X, Y, A, B, metric), expected)
    value = ours.solve_sample(X, Y, A, B, metric="cityblock").value
    assert value == pytest.approx(pot.solve_sample(X, Y, A, B, metric="cityblock").value)
    assert ours.solve_sample(X, Y, debias=True).value == ours.solve_sample(X, Y, lazy=True).value


def test_values_of_tensors_have_gradients() -> None:
    grads = []
    for module in (pot, ours):
        inputs = [torch.tensor(x, requires_grad=True) for x in (X, Y, A, B)]
        result = module.solve_sample(*inputs)
        result.value.backward()
        assert not result.plan.requires_grad
        assert not result.potential_a.requires_grad
        assert not result.marginal_b.requires_grad
        grads.append([to_numpy(tensor.grad) for tensor in inputs])
    for own, expected in zip(grads[1], grads[0], strict=True):
        np.testing.assert_allclose(own, expected, atol=1e-12)
    assert not result.sparse_plan.requires_grad


def test_limits_of_solve() -> None:
    costs = RNG.random((40, 30))
    result, warned = run(lambda ot: ot.solve(costs, max_iter=2), ours)
    expected, _ = run(lambda ot: ot.solve(costs, max_iter=2), pot)
    assert warned == [otcore.ConvergenceWarning]
    assert result.status.startswith("numItermax reached before optimality")
    assert expected.status.startswith("numItermax reached before optimality")
    assert result.result.status == "max_iter"
    assert result.result.gap > 0
    np.testing.assert_allclose(result.marginal_b, 1 / 30, atol=1e-15)


def test_the_result_of_otcore_is_at_hand() -> None:
    solution = ours.solve_sample(X, Y)
    assert isinstance(solution.result, otcore.OTResult)
    assert solution.result.barycentric_map().shape == X.shape
    assert repr(solution) == f"OTResult(value={solution.value}, status='Converged')"
    tensor = torch.tensor(M, requires_grad=True)
    assert repr(ours.solve(tensor).result).startswith("OTResult(value=0.")


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"unbalanced": 1.0}, "unbalanced: 1.0"),
        ({"unbalanced": (INFINITE, 2.0)}, "unbalanced: a tuple"),
        ({"method": "sinkhorn"}, "method: 'sinkhorn'"),
        ({"reg": 0.1, "reg_type": "l2"}, "reg_type: 'l2'"),
        ({"reg": 0.1, "reg_type": (abs, abs)}, "reg_type: a tuple"),
        ({"reg": 0.1, "unbalanced": 1.0, "unbalanced_type": "TV"}, "unbalanced_type: 'tv'"),
    ],
)
def test_other_problems_are_refused(arguments: dict[str, Any], name: str) -> None:
    for call in (lambda: ours.solve(M, **arguments), lambda: ours.solve_sample(X, Y, **arguments)):
        with pytest.raises(NotImplementedError, match=f"^{name}.*exact and entropic"):
            call()


def test_other_problems_of_points_are_refused() -> None:
    for method in ("sliced", "lowrank", "gaussian"):
        for reg in (None, 0.1):
            with pytest.raises(NotImplementedError, match=f"^method: '{method}'.*exact and"):
                ours.solve_sample(X, Y, reg=reg, method=method)
    with pytest.raises(NotImplementedError, match=r"^debias: 'split'"):
        ours.solve_sample(X, Y, debias="split")
    with pytest.raises(NotImplementedError, match=r"^scaler: a builtin"):
        ours.solve_sample(X, Y, scaler=abs)


def test_unknown_methods() -> None:
    for module in (pot, ours):
        with pytest.raises(ValueError, match="exactly"):
            module.solve(M, method="exactly")
        with pytest.raises(ValueError, match="exactly"):
            module.solve_sample(X, Y, method="exactly")


# ---------------------------------------------------------------------------------------------
# Batches


@pytest.mark.parametrize("form", FORMS)
def test_batches(form: str) -> None:
    """POT approaches these values, otcore reaches them."""
    costs = FORMS[form](np.stack([M, M[::-1], 2 * M]))
    a = FORMS[form](np.stack([A, A, A]))
    b = FORMS[form](np.stack([B, B[::-1], B]))
    result = ours.solve_batch(costs, None, a, b)
    for k in range(3):
        one = ours.solve(costs[k], a[k], b[k])
        assert float(result.value[k]) == pytest.approx(float(one.value), rel=1e-6)
        assert np.array_equal(to_numpy(result.plan[k]), to_numpy(one.plan))
        for own, alone in zip(result.potentials, one.potentials, strict=True):
            assert_close(own[k], alone)
    assert [plan.shape for plan in result.sparse_plan] == [(N, K)] * 3
    approached = pot.solve_batch(costs, None, a, b, max_iter=3000, inner_reg=0.01, tol=1e-8)
    for name in ("plan", "value", "potential_a"):
        assert getattr(result, name).shape == getattr(approached, name).shape
        assert getattr(result, name).dtype == getattr(approached, name).dtype
    if "64" in form:  # in float32 POT's iterations end 40% above the optimum
        np.testing.assert_allclose(to_numpy(result.value), to_numpy(approached.value), rtol=1e-2)
    assert result.status == "Converged"


def test_batches_of_points() -> None:
    x, y = RNG.normal(size=(4, 6, 2)), RNG.normal(size=(4, 5, 2))
    for metric in ("sqeuclidean", "euclidean"):
        result = ours.solve_sample_batch(x, y, metric=metric, method="proximal")
        for k in range(4):
            assert result.value[k] == pytest.approx(
                pot.solve_sample(x[k], y[k], metric=metric).value
            )
    tensor = torch.tensor(x, requires_grad=True)
    ours.solve_sample_batch(tensor, torch.as_tensor(y)).value.sum().backward()
    assert tensor.grad.abs().sum() > 0
    with pytest.raises(NotImplementedError, match=r"^metric: 'kl'"):
        ours.solve_sample_batch(x, y, metric="kl")
    with pytest.raises(ValueError, match=r"^method: 'exact'"):
        ours.solve_batch(x, method="exact")


# ---------------------------------------------------------------------------------------------
# Names


MODULES = [
    "",
    "batch",
    "bregman",
    "datasets",
    "lp",
    "plot",
    "sliced",
    "solvers",
    "unbalanced",
    "utils",
]


@pytest.mark.parametrize("name", MODULES)
def test_names_and_signatures_are_those_of_pot(name: str) -> None:
    suffix = f".{name}" if name else ""
    theirs = importlib.import_module(f"ot{suffix}")
    module = importlib.import_module(f"otcore.compat.pot{suffix}")
    for public in module.__all__:
        own, other = getattr(module, public), getattr(theirs, public)
        if public == "__version__":
            assert other.startswith(own)
            continue
        if not inspect.isfunction(own):
            assert inspect.ismodule(other) or public in ("OTResult", "LazyTensor")
            continue
        assert parameters(own) == parameters(other), public


def parameters(function: Callable[..., Any]) -> list[tuple[str, Any]]:
    found = inspect.signature(function).parameters.values()
    return [(p.name, str(p.default)) for p in found]


@pytest.mark.parametrize("name", MODULES)
def test_what_is_not_there_is_said(name: str) -> None:
    path = ".".join(filter(None, ["otcore.compat.pot", name]))
    module = importlib.import_module(path)
    with pytest.raises(
        AttributeError, match=f"^{path} has no 'barycenter': it covers .*import POT"
    ):
        module.barycenter  # noqa: B018
    assert not hasattr(module, "__wrapped__")


def test_missing_modules_and_names_are_import_errors() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"otcore\.compat\.pot\.partial"):
        importlib.import_module("otcore.compat.pot.partial")
    with pytest.raises(ImportError, match=r"barycenter.*otcore\.compat\.pot"):
        from otcore.compat.pot import barycenter  # noqa: F401
    with pytest.raises(AttributeError, match="'partial'"):
        ours.partial.partial_wasserstein  # noqa: B018


def test_neither_pot_nor_an_extra_is_imported() -> None:
    code = (
        "import sys, otcore.compat.pot as ot; import otcore.compat.pot.plot\n"
        "ot.emd2([0.5, 0.5], [], [[0.0, 1.0], [1.0, 0.0]], log=True)\n"
        "ot.sinkhorn2([0.5, 0.5], [], [[0.0, 1.0], [1.0, 0.0]], 1.0, log=True)\n"
        "extras = {'ot', 'torch', 'scipy', 'matplotlib'}\n"
        "print(sorted(extras & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"

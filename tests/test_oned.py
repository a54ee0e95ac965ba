"""Transport on the line: closed forms, oracles, certificates, batches, gradients, bad input."""

from __future__ import annotations

import itertools
import math
from typing import Any

import hypothesis.strategies as st
import numpy as np
import ot
import pytest
import torch
from hypothesis import given
from scipy.stats import wasserstein_distance
from torch import Tensor
from torch.autograd import gradcheck

import otcore
from checks import assert_same, check_result, to_numpy
from otcore.oned import solve, solve_batch, wasserstein
from problems import line
from strategies import WEIGHTS, make_weights

POWERS = [1, 1.5, 2, 2.7, 3, 9]
POINTS = ("normal", "few", "constant", "sorted", "reversed", "far", "clusters")


def make_points(rng: np.random.Generator, kind: str, shape: Any) -> np.ndarray:
    points = rng.normal(size=shape)
    if kind == "few":
        return rng.integers(-2, 3, size=shape) * 0.5
    if kind == "constant":
        return np.full(shape, 0.75)
    if kind in ("sorted", "reversed"):
        points.sort(axis=-1)
        return points if kind == "sorted" else points[..., ::-1]
    if kind == "far":
        return points + 1e3
    if kind == "clusters":
        return points * 1e-6 + rng.integers(0, 3, size=shape)
    return points


def check(result: Any, x: Any, y: Any, a: Any = None, b: Any = None, *, p: float) -> None:
    check_result(result, (x[:, None], y[:, None]), a, b, metric=("minkowski", p))
    assert result.n_iter == 0


# ---------------------------------------------------------------------------------------------
# Known answers


@pytest.mark.parametrize("p", POWERS)
def test_translation(p: float) -> None:
    x = np.random.default_rng(0).permutation(64) / 8
    for shift in (0.0, 0.25, -3.0):
        expected = abs(shift) ** p
        assert wasserstein(x, x[::-1] + shift, p=p) == pytest.approx(expected, rel=1e-14, abs=0)


def test_scaling_about_the_mean() -> None:
    """y = s x: for p = 2 the cost is (s - 1)^2 of the second moment."""
    x = np.arange(-16, 17) / 4
    assert wasserstein(x, 3 * x) == 4 * (x**2).mean()


@pytest.mark.parametrize("p", POWERS)
def test_diracs(p: float) -> None:
    rng = np.random.default_rng(0)
    y, b = rng.normal(size=9), rng.dirichlet(np.ones(9))
    expected = (b * abs(0.5 - y) ** p).sum()
    assert wasserstein([0.5], y, [1.0], b, p=p) == pytest.approx(expected, rel=1e-14)
    check(solve(y, np.array([0.5]), b, p=p), y, np.array([0.5]), b, p=p)


@pytest.mark.parametrize("p", [1, 2, 3])
@pytest.mark.parametrize("few", [False, True])
def test_exact_answers(p: float, few: bool) -> None:
    """Rational arithmetic says what the value and the monotone plan are."""
    problem = line(np.random.default_rng(p), 40, 31, metric=("minkowski", p), few=few)
    assert problem.X is not None
    assert problem.Y is not None
    x, y = problem.X[:, 0], problem.Y[:, 0]
    assert wasserstein(x, y, problem.a, problem.b, p=p) == pytest.approx(problem.value, rel=4e-16)
    result = solve(x, y, problem.a, problem.b, p=p)
    check(result, x, y, problem.a, problem.b, p=p)
    assert np.array_equal(result.plan, problem.plan)


@pytest.mark.parametrize("scale", [1e-150, 1e-30, 1e30, 1e150])
def test_scales(scale: float) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=50) * scale, rng.normal(size=40) * scale
    assert wasserstein(x, y) == pytest.approx(
        wasserstein(x / scale, y / scale) * scale**2, rel=1e-12
    )
    check(solve(x, y), x, y, p=2)


@pytest.mark.parametrize("total", [1e-300, 1e-6, 1e6, 1e300])
def test_any_total_mass(total: float) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 30))
    a, b = make_weights(rng, "random", 30, 30)
    expected = wasserstein(x, y, a, b) * total
    assert wasserstein(x, y, a * total, b * total) == pytest.approx(expected, rel=1e-14)


# ---------------------------------------------------------------------------------------------
# Oracles


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("p", [1, 2, 3, 1.5])
@pytest.mark.parametrize(("n", "m"), [(60, 60), (90, 35), (1, 20)])
def test_against_the_exact_solver(weights: str, p: float, n: int, m: int) -> None:
    rng = np.random.default_rng(n)
    x, y = rng.normal(size=n), rng.normal(size=m) + 0.5
    a, b = (None, None) if weights == "uniform" else make_weights(rng, weights, n, m)
    expected = otcore.solve_sample(x[:, None], y[:, None], a, b, metric=("minkowski", p))
    assert wasserstein(x, y, a, b, p=p) == pytest.approx(expected.value, rel=1e-12)
    result = solve(x, y, a, b, p=p)
    check(result, x, y, a, b, p=p)
    assert result.value == pytest.approx(expected.value, rel=1e-12)
    assert result.distance == pytest.approx(expected.distance, rel=1e-12)


@pytest.mark.parametrize("p", POWERS)
@pytest.mark.parametrize(("n", "m"), [(500, 500), (400, 700)])
def test_against_pot(p: float, n: int, m: int) -> None:
    rng = np.random.default_rng(n)
    x, y = rng.normal(size=(6, n)), rng.gamma(2.0, size=(6, m))
    a, b = rng.dirichlet(np.ones(n), 6), rng.dirichlet(np.ones(m), 6)
    expected = ot.wasserstein_1d(x.T, y.T, a.T, b.T, p=p)
    np.testing.assert_allclose(wasserstein(x, y, a, b, p=p), expected, rtol=1e-11)
    np.testing.assert_allclose(wasserstein(x, y, p=p), ot.wasserstein_1d(x.T, y.T, p=p), rtol=1e-11)
    plan = ot.emd_1d(x[0], y[0], a[0], b[0], metric="minkowski", p=p)
    np.testing.assert_allclose(solve(x[0], y[0], a[0], b[0], p=p).plan, plan, atol=1e-15)


@pytest.mark.parametrize("weights", ["random", "zeros", "wide"])
def test_against_scipy(weights: str) -> None:
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=3000), rng.normal(size=2000)
    a, b = make_weights(rng, weights, 3000, 2000)
    assert wasserstein(x, y, p=1) == pytest.approx(wasserstein_distance(x, y), rel=1e-11)
    assert wasserstein(x, y, a, b, p=1) == pytest.approx(
        wasserstein_distance(x, y, a, b), rel=1e-11
    )


def test_many_points() -> None:
    """The certificate of a million points, and sorted input, which is not sorted again."""
    rng = np.random.default_rng(0)
    x, y = np.sort(rng.normal(size=1_000_000)), rng.normal(size=700_000)
    result = solve(x, y, p=1)
    assert result.value == wasserstein(x, y, p=1)
    assert abs(result.gap) <= 1e-12 * result.value
    assert result.marginal_error <= 1e-12
    assert result.value == pytest.approx(wasserstein_distance(x, y), rel=1e-9)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Any, Any, Any, Any, float]:
    n, m = draw(st.integers(1, 80)), draw(st.integers(1, 80))
    if draw(st.booleans()):
        m = n
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    weights = draw(st.sampled_from(WEIGHTS))
    dtype = np.float64 if weights == "wide" else draw(st.sampled_from([np.float64, np.float32]))
    convert: Any = draw(st.sampled_from([np.asarray, torch.from_numpy]))
    x, y = (make_points(rng, draw(st.sampled_from(POINTS)), size) for size in (n, m))
    arrays = [x, y]
    if weights != "uniform":
        arrays += make_weights(rng, weights, n, m)
    out = [convert(np.ascontiguousarray(array.astype(dtype))) for array in arrays]
    out += [None] * (4 - len(out))
    return out[0], out[1], out[2], out[3], draw(st.sampled_from(POWERS))


@given(case=cases())
def test_every_result_is_certified(case: Any) -> None:
    x, y, a, b, p = case
    result = solve(x, y, a, b, p=p)
    check(result, x, y, a, b, p=p)
    assert float(wasserstein(x, y, a, b, p=p)) == float(result.value)


# ---------------------------------------------------------------------------------------------
# Arrays and batches


@pytest.mark.parametrize("weighted", [False, True])
def test_a_batch_is_its_problems(weighted: bool) -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(20, 33)), rng.normal(size=(20, 33 - weighted))
    a = rng.dirichlet(np.ones(33), 20) if weighted else None
    b = rng.dirichlet(np.ones(32)) if weighted else None
    batch = solve_batch(x, y, a, b, p=1.5)
    values = wasserstein(x, y, a, b, p=1.5)
    assert isinstance(values, np.ndarray)
    assert np.array_equal(values, batch.value)
    assert batch.status == ["optimal"] * 20
    for k in range(20):
        row = x[k], y[k], None if a is None else a[k], b
        check(batch[k], *row, p=1.5)
        assert_same(batch[k], solve(*row, p=1.5))
        assert wasserstein(*row, p=1.5) == values[k]
    assert np.array_equal(batch.barycentric_map()[3], batch[3].barycentric_map())


def test_rows_that_problems_share() -> None:
    rng = np.random.default_rng(3)
    full = [rng.normal(size=(4, 7)), rng.normal(size=(4, 5))]
    full += [rng.dirichlet(np.ones(7), 4), rng.dirichlet(np.ones(5), 4)]
    for shared in itertools.product([False, True], repeat=4):
        arguments = [array[0] if one else array for array, one in zip(full, shared, strict=True)]
        rows = [np.broadcast_to(array, (4, array.shape[-1])) for array in arguments]
        expected = wasserstein(*rows)
        values = wasserstein(*arguments)
        assert np.array_equal(values, expected[0] if all(shared) else expected)
    assert type(wasserstein(*(array[0] for array in full))) is float
    assert wasserstein(full[0][:1], full[1][0]).shape == (1,)


def test_libraries_and_dtypes() -> None:
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(3, 9)), rng.normal(size=(3, 9))
    expected = wasserstein(x, y)
    assert wasserstein(x[0].tolist(), y[0].tolist()) == expected[0]
    tensors = wasserstein(torch.as_tensor(x), torch.as_tensor(y))
    assert isinstance(tensors, Tensor)
    assert tensors.dtype == torch.float64
    assert np.array_equal(tensors.numpy(), expected)
    assert wasserstein(torch.as_tensor(x[0]), torch.as_tensor(y[0])).shape == ()
    single = x.astype(np.float32), y.astype(np.float32)
    assert np.array_equal(wasserstein(*single), wasserstein(*(s.astype(float) for s in single)))
    assert np.array_equal(wasserstein(single[0], y), wasserstein(single[0].astype(float), y))
    assert solve(single[0][0], single[1][0]).plan.dtype == np.float32
    assert wasserstein([1, 3], [True, False]) == 2.5
    half = torch.tensor([0.5, 1.5], dtype=torch.bfloat16)
    assert wasserstein(half, half + 1) == 1.0


def test_memory_layouts() -> None:
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(6, 8)), rng.normal(size=(6, 8))
    expected = wasserstein(x, y)
    wide = np.zeros((12, 16))
    wide[::2, ::2] = x
    swapped = x.astype(x.dtype.newbyteorder())
    for layout in (np.asfortranarray(x), wide[::2, ::2], swapped):
        assert np.array_equal(wasserstein(layout, y), expected)
    strided = torch.as_tensor(np.asfortranarray(x))
    assert np.array_equal(wasserstein(strided, torch.as_tensor(y)).numpy(), expected)
    assert wasserstein(x[0, ::-1], y[0, ::-1]) == pytest.approx(expected[0], rel=1e-15)


def test_float32_masses_of_many_points() -> None:
    """Sums of float32 masses are off by more than float64's tolerance."""
    x = np.random.default_rng(0).normal(size=5000).astype(np.float32)
    w = np.full(5000, 1 / 5000, dtype=np.float32)
    assert wasserstein(x, x + 1, w) == pytest.approx(1.0, rel=1e-5)


def test_threads() -> None:
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(300, 400)), rng.normal(size=(300, 300))
    one = wasserstein(x, y, n_threads=1)
    for n_threads in (2, 5, None):
        assert np.array_equal(wasserstein(x, y, n_threads=n_threads), one)


def test_results_offer_what_points_do() -> None:
    x, y = np.array([0.0, 4.0]), np.array([1.0, 2.0, 3.0])
    result = solve(x, y, [1.0, 0.0], [0.5, 0.5, 0.0])
    assert result.distance == math.sqrt(result.value)
    np.testing.assert_array_equal(result.barycentric_map(), [1.5, np.nan])
    assert result.sparse_plan.nnz == 2
    assert result.apply(y).tolist() == [1.5, 0.0]
    tensor = solve(torch.as_tensor(x), torch.as_tensor(y))
    assert tensor.barycentric_map().shape == (2,)
    assert to_numpy(tensor.sparse_plan).shape == (2, 3)


# ---------------------------------------------------------------------------------------------
# Gradients


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.as_tensor(np.random.default_rng(seed).normal(size=shape)).requires_grad_()


@pytest.mark.parametrize("p", POWERS)
@pytest.mark.parametrize("batch", [(), (3,)])
def test_gradients(p: float, batch: tuple[int, ...]) -> None:
    """Masses through softmax, which keeps their sums equal; n != m and n = m."""
    for m in (4, 6):
        s, t = normal(*batch, 6, seed=3), normal(*batch, m, seed=4)

        def value(x: Tensor, y: Tensor, s: Tensor, t: Tensor) -> Tensor:
            return wasserstein(x, y, s.softmax(-1), t.softmax(-1), p=p)

        assert gradcheck(value, (normal(*batch, 6, seed=1), normal(*batch, m, seed=2), s, t))
        assert gradcheck(
            lambda x, y: wasserstein(x, y, p=p), (normal(*batch, 6), normal(*batch, m, seed=5))
        )


def test_gradients_of_shared_rows() -> None:
    x, y, s, t = normal(6), normal(3, 4, seed=1), normal(3, 6, seed=2), normal(4, seed=3)
    assert gradcheck(
        lambda x, y, s, t: wasserstein(x, y, s.softmax(-1), t.softmax(-1)), (x, y, s, t)
    )


@pytest.mark.parametrize("p", [1, 2, 2.5])
def test_gradients_of_results(p: float) -> None:
    """The value of a result has the gradients of the value alone."""
    x, y, a = normal(2, 6), normal(2, 4, seed=1), torch.full((6,), 1 / 6, dtype=torch.float64)
    a.requires_grad_()
    assert gradcheck(lambda x, y: solve_batch(x, y, p=p).value, (x, y))
    assert gradcheck(lambda x, y: solve(x[0], y[1], p=p).distance, (x, y))
    one = torch.autograd.grad(solve_batch(x, y, a, p=p).value.sum(), (x, y, a))
    other = torch.autograd.grad(wasserstein(x, y, a, p=p).sum(), (x, y, a))
    for left, right in zip(one, other, strict=True):
        torch.testing.assert_close(left, right, rtol=1e-13, atol=1e-15)


def test_gradients_of_masses_are_centred_potentials() -> None:
    a, b = (torch.full((k,), 1 / k, dtype=torch.float64).requires_grad_() for k in (6, 4))
    x, y = normal(6).detach(), normal(4, seed=1).detach()
    (2 * wasserstein(x, y, a, b)).backward()
    result = solve(x, y, a.detach(), b.detach())
    for masses, potential in ((a, result.potential_a), (b, result.potential_b)):
        expected = 2 * (potential - potential.mean())
        torch.testing.assert_close(masses.grad, expected, rtol=1e-13, atol=1e-15)


def test_gradients_where_nothing_moves() -> None:
    x = normal(5)
    y, a = x.detach().flip(0).requires_grad_(), torch.full((5,), 0.2).double().requires_grad_()
    for p in (1, 2):
        for grad in torch.autograd.grad(wasserstein(x, y, a, p=p), (x, y, a)):
            assert not grad.any()


def test_gradients_arrive_in_the_inputs_dtype() -> None:
    x = normal(5).detach().float().requires_grad_()
    y = normal(5, seed=1)
    wasserstein(x, y).backward()
    assert (x.grad.dtype, y.grad.dtype) == (torch.float32, torch.float64)
    base = normal(4, 3)
    wasserstein(base.T, normal(3, 4, seed=1)).sum().backward()
    assert base.grad.shape == (4, 3)


def test_values_do_not_depend_on_gradients() -> None:
    x, y = normal(4, 50), normal(4, 50, seed=1)
    tracked = wasserstein(x, y)
    assert tracked.requires_grad
    with torch.no_grad():
        plain = wasserstein(x, y)
    assert not plain.requires_grad
    assert torch.equal(plain, tracked)
    assert torch.equal(wasserstein(x.detach(), y.detach()), plain)


def test_second_derivatives_refuse() -> None:
    x = normal(5)
    (grad,) = torch.autograd.grad(wasserstein(x, normal(5, seed=1)), x, create_graph=True)
    with pytest.raises(RuntimeError, match="not differentiable again"):
        grad.sum().backward()


def test_plans_refuse_gradients() -> None:
    result = solve(normal(5), normal(5, seed=1))
    for tensor in (result.plan, result.potential_a, result.barycentric_map()):
        with pytest.raises(RuntimeError, match="not differentiable"):
            tensor.sum().backward()


# ---------------------------------------------------------------------------------------------
# Bad input


@pytest.mark.parametrize("call", [wasserstein, solve])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0, np.nan], [0.0]), r"^x: x\[1\] is nan, expected finite numbers"),
        (([1.0], [0.0, -np.inf]), r"^y: y\[1\] is -inf, expected finite numbers"),
        (([], [0.0]), r"^x: shape \(0,\), expected .*\(n,\)"),
        (([0.0], np.zeros((1, 2, 3))), r"^y: shape \(1, 2, 3\), expected .*\(m,\)"),
        ((1.0, [0.0]), r"^x: shape \(\), expected .*\(n,\)"),
        (([0.0], [0.0], [0.5, 0.5]), r"^a: shape \(2,\), expected \(1,\)"),
        (([0.0], [0.0, 1.0], None, [-1.0, 2.0]), r"^b: b\[0\] is -1, expected finite weights"),
        (([0.0], [0.0], [0.0]), r"^a: weights sum to 0"),
        (([0.0], [0.0], [1.0], [2.0]), r"^a, b: sum\(a\) = 1 and sum\(b\) = 2 differ"),
        (([0.0], [1e155]), r"^x, y: the cost of the farthest points overflows"),
        (([-1.5e308], [1.5e308]), r"^x, y: the cost of the farthest points overflows"),
        (([0.0], [1e150], [1e20], [1e20]), r"^x, y, a, b: the transport cost overflows"),
    ],
)
def test_bad_values(call: Any, arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(*arguments)


def test_bad_values_in_batches() -> None:
    x, y, a = np.zeros((3, 4)), np.zeros((3, 5)), np.ones((3, 4))
    x[1, 2] = np.nan
    for call in (wasserstein, solve_batch):
        with pytest.raises(ValueError, match=r"^x: x\[1, 2\] is nan"):
            call(x, y)
        with pytest.raises(ValueError, match=r"^a, b: in problem 0 sum\(a\) = 4"):
            call(y[:, :4], y, a)
    with pytest.raises(ValueError, match=r"^y: y\[1\] is inf"):
        wasserstein(np.zeros((3, 4)), [0.0, np.inf])
    with pytest.raises(ValueError, match=r"^a, b: sum\(a\) = 4"):
        wasserstein(np.zeros((3, 4)), y, np.ones(4))


@pytest.mark.parametrize(
    ("call", "arguments", "message"),
    [
        (wasserstein, (np.zeros((3, 4)), np.zeros((2, 4))), r"^y: shape \(2, 4\), .*\(3, m\)"),
        (wasserstein, (np.zeros((3, 4)), np.zeros(4), np.ones((2, 4))), r"^a: shape \(2, 4\)"),
        (wasserstein, (np.zeros((0, 4)), np.zeros(4)), r"^x: shape \(0, 4\)"),
        (solve, (np.zeros((3, 4)), np.zeros(4)), r"^x: shape \(3, 4\), expected \(n,\)"),
        (solve, (np.zeros(4), np.zeros(4), np.ones((2, 4))), r"^a: shape \(2, 4\)"),
        (solve_batch, (np.zeros((3, 4)), np.zeros(4)), r"^y: shape \(4,\), expected \(B, m\)"),
    ],
)
def test_bad_shapes(call: Any, arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(*arguments)


@pytest.mark.parametrize("call", [wasserstein, solve])
def test_bad_options(call: Any) -> None:
    for p in (0.5, -1, np.inf, np.nan):
        with pytest.raises(ValueError, match=r"^p: .*expected a finite number >= 1"):
            call([0.0], [1.0], p=p)
    for p in ("2", None, True):
        with pytest.raises(TypeError, match=r"^p: .*expected a number"):
            call([0.0], [1.0], p=p)
    with pytest.raises(ValueError, match=r"^n_threads"):
        call([0.0], [1.0], n_threads=0)
    with pytest.raises(TypeError, match=r"x.*y|y.*x"):
        call(np.zeros(2), torch.zeros(2))
    with pytest.raises(TypeError, match=r"^x: dtype complex"):
        call(np.zeros(2, complex), np.zeros(2))

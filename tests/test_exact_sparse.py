"""Sparse costs: only stored pairs carry mass, and what has no plan is proved to have none."""

from __future__ import annotations

import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import ot
import pytest
import scipy.sparse
import torch
from scipy.optimize import linprog

import otcore
from checks import Array, assert_same, check_result, is_torch, stored_costs, to_numpy

FORMATS = ["coo", "csr", "csc", "lil", "dok", "bsr", "dia"]


def pattern(rng: np.random.Generator, n: int, m: int, share: float) -> Any:
    """A random pattern with at least one pair, and costs of three kinds: real, ties, large."""
    rows, cols = np.nonzero(rng.random((n, m)) < share)
    if not len(rows):
        rows, cols = np.array([0]), np.array([0])
    kind = rng.integers(3)
    if kind == 0:
        costs = rng.normal(size=len(rows))
    elif kind == 1:
        costs = rng.integers(-2, 3, size=len(rows)) * 1.0
    else:
        costs = rng.random(len(rows)) * 2.0 ** rng.integers(-200, 200)
    return scipy.sparse.coo_array((costs, (rows, cols)), shape=(n, m))


def nearest_pairs(rng: np.random.Generator, n: int, m: int, count: int) -> Any:
    """Points of the plane, each with its nearest of the other side."""
    squares = ((rng.random((n, 2))[:, None] - rng.random((m, 2))) ** 2).sum(-1)
    near = squares <= np.sort(squares, axis=1)[:, [count]]
    near |= squares <= np.sort(squares, axis=0)[[count]]
    return scipy.sparse.csr_array(np.where(near, squares, 0.0))


def feasible_weights(rng: np.random.Generator, M: Any) -> tuple[Array, Array]:
    """The marginals of a random plan on the pattern, small integers; some may be zero."""
    M = M.tocoo()
    mass = rng.integers(0, 5, size=len(M.data)).astype(float)
    mass[0] += 1
    plan = scipy.sparse.coo_array((mass, (M.row, M.col)), shape=M.shape)
    return np.asarray(plan.sum(axis=1)), np.asarray(plan.sum(axis=0))


def solve_by_linprog(M: Any, a: Array, b: Array) -> Any:
    M = M.tocoo()
    edges = np.arange(len(M.data))
    ones = np.ones(len(edges))
    constraints = scipy.sparse.vstack(
        [
            scipy.sparse.csr_array((ones, (M.row, edges)), shape=(M.shape[0], len(edges))),
            scipy.sparse.csr_array((ones, (M.col, edges)), shape=(M.shape[1], len(edges))),
        ]
    )
    scale = np.abs(M.data).max() or 1.0
    answer = linprog(M.data / scale, A_eq=constraints, b_eq=np.r_[a, b], method="highs")
    return None if answer.status == 2 else float(answer.fun) * scale


def check_shortage(error: otcore.InfeasibleError, M: Any, a: Array, b: Array) -> None:
    """The set proves it: all columns that its rows reach have less mass than they."""
    reached = np.flatnonzero(np.isfinite(stored_costs(M)[error.rows]).any(axis=0))
    assert len(error.rows) > 0
    assert np.array_equal(reached, error.cols)
    assert a[error.rows].sum() == pytest.approx(error.supply, rel=1e-12)
    assert b[error.cols].sum() == pytest.approx(error.capacity, rel=1e-12)
    assert error.supply > error.capacity
    assert error.result.status == "infeasible"
    assert error.result.value == np.inf
    assert error.result.gap == np.inf
    assert error.result.marginal_error > 0
    assert np.isfinite(stored_costs(M)[to_numpy(error.result.plan) > 0]).all()


# ---------------------------------------------------------------------------------------------
# Oracles


@pytest.mark.isa
@pytest.mark.parametrize("seed", range(60))
def test_feasible_problems_against_linprog(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, m = rng.integers(1, 15, size=2)
    M = pattern(rng, n, m, rng.uniform(0.1, 0.9))
    a, b = feasible_weights(rng, M)
    result = otcore.solve(M, a, b)
    check_result(result, M, a, b)
    size = np.abs(M.data).max() * a.sum()
    assert result.value == pytest.approx(solve_by_linprog(M, a, b), rel=1e-9, abs=1e-9 * size)


@pytest.mark.parametrize("seed", range(60))
def test_any_problem_against_linprog(seed: int) -> None:
    rng = np.random.default_rng(1000 + seed)
    n, m = rng.integers(1, 12, size=2)
    M = pattern(rng, n, m, rng.uniform(0.1, 0.6))
    a = rng.integers(0, 5, size=n) * 1.0
    a[0] += 1
    b = rng.multinomial(int(a.sum()), np.full(m, 1 / m)) * 1.0
    expected = solve_by_linprog(M, a, b)
    try:
        result = otcore.solve(M, a, b)
    except otcore.InfeasibleError as error:
        assert expected is None
        check_shortage(error, M, a, b)
    else:
        check_result(result, M, a, b)
        size = np.abs(M.data).max() * a.sum()
        assert result.value == pytest.approx(expected, rel=1e-9, abs=1e-9 * size)


@pytest.mark.parametrize(("n", "m"), [(40, 60), (300, 250)])
def test_against_dense_costs_that_are_large_elsewhere(n: int, m: int) -> None:
    rng = np.random.default_rng(n)
    M = pattern(rng, n, m, 0.2)
    a, b = feasible_weights(rng, M)
    stored = stored_costs(M)
    largest = np.abs(stored[np.isfinite(stored)]).max()
    dense = np.where(np.isfinite(stored), stored, largest * 1000)
    result = otcore.solve(M, a, b)
    check_result(result, M, a, b)
    expected = otcore.solve(dense, a, b).value
    assert result.value == pytest.approx(expected, rel=1e-9, abs=1e-9 * largest * a.sum())


@pytest.mark.parametrize("seed", range(5))
def test_against_pot(seed: int) -> None:
    rng = np.random.default_rng(seed)
    M = pattern(rng, 60, 50, 0.2)
    M.data = rng.random(len(M.data))
    a, b = (w / w.sum() for w in feasible_weights(rng, M))
    result = otcore.solve(M, a, b)
    check_result(result, M, a, b, expected_value=float(ot.emd2(a, b, M)))


def neighbours(side: int, diagonals: bool) -> Any:
    """A grid's pixels and their neighbours at their distances; each is its own neighbour at 0."""
    pixels = np.stack(np.meshgrid(np.arange(side), np.arange(side), indexing="ij"), -1)
    points = pixels.reshape(-1, 2)
    step = np.abs(points[:, None] - points)
    near = step.max(-1) <= 1 if diagonals else step.sum(-1) <= 1
    rows, cols = np.nonzero(near)
    costs = np.sqrt((step[rows, cols] ** 2).sum(-1))
    return scipy.sparse.csr_array((costs, (rows, cols)), shape=near.shape)


@pytest.mark.parametrize("diagonals", [False, True])
def test_grids(diagonals: bool) -> None:
    """Stored zeros are pairs; mass that moves one step has many cheapest ways."""
    rng = np.random.default_rng(1)
    M = neighbours(12, diagonals)
    assert (M.data == 0).sum() == 144
    a, b = feasible_weights(rng, M)
    result = otcore.solve(M, a, b)
    check_result(result, M, a, b, expected_value=solve_by_linprog(M, a, b))
    same = otcore.solve(M, a, a)
    check_result(same, M, a, a, expected_value=0.0)


def test_long_paths_of_tight_pairs() -> None:
    """A chain has one plan, and potentials that are sums along all of it."""
    n = 2000
    rng = np.random.default_rng(0)
    rows = np.r_[np.arange(n), np.arange(n - 1)]
    cols = np.r_[np.arange(n), np.arange(1, n)]
    M = scipy.sparse.coo_array((rng.random(2 * n - 1), (rows, cols)), shape=(n, n))
    mass = rng.integers(1, 5, size=2 * n - 1) * 1.0
    plan = scipy.sparse.coo_array((mass, (rows, cols)), shape=(n, n))
    a, b = plan.sum(axis=1), plan.sum(axis=0)
    result = otcore.solve(M, a, b)
    check_result(result, M, a, b, expected_value=float(mass @ M.data))
    assert np.allclose(to_numpy(result.plan), plan.toarray(), rtol=0, atol=1e-9 * mass.sum())


def test_blocks_that_nothing_joins() -> None:
    """Balanced blocks are a problem each: potentials of all, and values add up."""
    rng = np.random.default_rng(3)
    blocks = [pattern(rng, n, m, 0.7) for n, m in [(5, 7), (1, 1), (9, 4), (1, 1), (6, 6)]]
    for block in blocks:
        block.data = rng.random(len(block.data))
    weights = [feasible_weights(rng, block) for block in blocks]
    M = scipy.sparse.block_diag(blocks, format="coo")
    a, b = (np.concatenate(side) for side in zip(*weights, strict=True))
    result = otcore.solve(M, a, b)
    values = [otcore.solve(M, *w).value for M, w in zip(blocks, weights, strict=True)]
    check_result(result, M, a, b, expected_value=sum(values))


def test_a_diagonal_of_many_blocks() -> None:
    n = 3000
    costs = np.random.default_rng(0).normal(size=n)
    result = otcore.solve(scipy.sparse.diags_array(costs))
    assert result.value == pytest.approx(costs.mean(), abs=1e-12)
    assert result.status == "optimal"
    assert result.gap <= 1e-12


def test_weights_that_balance_up_to_rounding() -> None:
    """Blocks of equal mass in real numbers, not in floating-point ones."""
    M = scipy.sparse.coo_array(([1.0, 1, 1, 2], ([0, 1, 2, 3], [0, 0, 0, 1])), shape=(4, 2))
    result = otcore.solve(M, [0.1, 0.2, 0.3, 0.4], [0.6, 0.4])
    check_result(result, M, [0.1, 0.2, 0.3, 0.4], [0.6, 0.4], expected_value=1.4)
    single = otcore.solve(M.astype(np.float32), [0.1, 0.2, 0.3, 0.4], [0.6, 0.4])
    assert single.status == "optimal"
    assert single.marginal_error < 1e-6


# ---------------------------------------------------------------------------------------------
# No plan


def raised(M: Any, a: Array, b: Array) -> otcore.InfeasibleError:
    with pytest.raises(otcore.InfeasibleError) as caught:
        otcore.solve(M, a, b)
    check_shortage(caught.value, M, a, b)
    return caught.value


def test_a_row_without_pairs() -> None:
    M = scipy.sparse.coo_array(([1.0, 2.0], ([0, 0], [0, 1])), shape=(2, 2))
    error = raised(M, np.array([0.5, 0.5]), np.array([0.5, 0.5]))
    assert error.rows.tolist() == [1]
    assert error.cols.tolist() == []
    assert isinstance(error, ValueError)
    assert str(error).startswith("M: 1 row has mass 0.5 and stored pairs with 0 columns of mass 0")


def test_a_light_row_without_pairs_is_no_rounding() -> None:
    M = scipy.sparse.coo_array(([1.0], ([0], [0])), shape=(2, 1))
    error = raised(M, np.array([1.0, 1e-9]), np.array([1.0 + 1e-9]))
    assert error.rows.tolist() == [1]


def test_a_column_without_pairs() -> None:
    M = scipy.sparse.coo_array(([1.0, 2.0], ([0, 1], [0, 0])), shape=(2, 2))
    assert raised(M, np.array([0.5, 0.5]), np.array([0.5, 0.5])).rows.tolist() == [0, 1]


def test_several_rows_that_share_too_few_columns() -> None:
    """Rows 2, 5 and 6 all lead to columns 1 and 4; the others are free."""
    P = np.ones((8, 7), bool)
    P[[2, 5, 6]] = False
    P[[[2], [5], [6]], [1, 4]] = True
    M = scipy.sparse.csr_array(np.where(P, 1.0, 0.0))
    a, b = np.full(8, 7.0), np.full(7, 8.0)
    error = raised(M, a, b)
    assert error.rows.tolist() == [2, 5, 6]
    assert error.cols.tolist() == [1, 4]
    assert (error.supply, error.capacity) == (21.0, 16.0)


def test_blocks_that_do_not_balance() -> None:
    M = scipy.sparse.block_diag([np.ones((3, 3)), np.ones((4, 2))], format="csr")
    a, b = np.array([1.0, 1, 1, 1, 1, 1, 1]), np.array([1.0, 1, 0.5, 2, 2.5])
    error = raised(M, a, b)
    assert error.rows.tolist() == [0, 1, 2]
    assert error.cols.tolist() == [0, 1, 2]


@pytest.mark.parametrize("stored", [0, 1])
def test_a_pattern_that_is_empty(stored: int) -> None:
    M = scipy.sparse.coo_array((np.ones(stored), ([0] * stored, [0] * stored)), shape=(3, 4))
    raised(M, np.full(3, 4.0), np.full(4, 3.0))


# ---------------------------------------------------------------------------------------------
# Zero weights


def test_rows_and_columns_without_mass() -> None:
    """They have the largest potential that stored pairs allow, or 0 where there are none."""
    rows, cols = [0, 1, 1, 2, 0, 4], [0, 0, 1, 3, 2, 4]
    M = scipy.sparse.coo_array(([1.0, 5, 2, 7, 4, 3], (rows, cols)), shape=(5, 5))
    a, b = np.array([1.0, 2, 0, 0, 0]), np.array([1.0, 2, 0, 0, 0])
    result = otcore.solve(M, a, b)
    check_result(result, M, a, b, expected_value=5.0)
    f, g = result.potentials
    assert f[3] == 0.0
    assert g[2] == pytest.approx(4.0 - f[0], abs=1e-14)
    assert g[3] == 0.0
    assert f[2] == 7.0
    assert (f[4], g[4]) == (3.0, 0.0)


# ---------------------------------------------------------------------------------------------
# Arrays in, arrays out


def example() -> tuple[Any, Array, Array]:
    rng = np.random.default_rng(5)
    M = pattern(rng, 12, 9, 0.4)
    M.data = rng.integers(0, 4, size=len(M.data)) * 1.0
    return M, *feasible_weights(rng, M)


@pytest.mark.filterwarnings("ignore::scipy.sparse.SparseEfficiencyWarning")
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("matrix", [False, True])
def test_scipy_formats(form: str, matrix: bool) -> None:
    M, a, b = example()
    M.data[:] = np.maximum(M.data, 1.0)  # dia, bsr and dok do not keep zeros apart
    M = (scipy.sparse.coo_matrix(M) if matrix else M).asformat(form)
    if form in ("bsr", "dia"):
        M = M.tocoo()
        M.eliminate_zeros()
        M = M.asformat("csr")
    result = otcore.solve(M, a, b)
    check_result(result, M, a, b)
    assert isinstance(result.sparse_plan, scipy.sparse.csr_array)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int8, np.int64, np.uint16, np.bool_])
def test_dtypes(dtype: Any) -> None:
    M, a, b = example()
    M = M.astype(dtype)
    result = otcore.solve(M, a, b)
    wide = M if dtype is np.float32 else M.astype(np.float64)
    check_result(result, wide, a, b)
    assert result.plan.dtype == (np.float32 if dtype is np.float32 else np.float64)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.int32])
@pytest.mark.parametrize("layout", ["coo", "csr"])
def test_tensors(dtype: torch.dtype, layout: str) -> None:
    M, a, b = example()
    tensor = torch.sparse_coo_tensor(
        np.stack([M.row, M.col]), M.data, M.shape, dtype=dtype, check_invariants=True
    )
    if layout == "csr":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch: beta
            tensor = tensor.to_sparse_csr()
    weights = torch.as_tensor(a), torch.as_tensor(b)
    result = otcore.solve(tensor, *weights)
    check_result(result, tensor.double() if dtype == torch.int32 else tensor, *weights)
    assert is_torch(result.value)
    if dtype != torch.float32:
        assert_same(result, otcore.solve(M, a, b))


def test_repeated_entries_add_up_and_the_input_stays() -> None:
    M = scipy.sparse.coo_array(([1, 2, 100, 5], ([0, 0, 1, 1], [0, 0, 1, 0])), shape=(2, 2))
    M = M.astype(np.int8)
    M.data[2:3] = 120
    M = scipy.sparse.coo_array(
        (np.r_[M.data, np.int8(120)], (np.r_[M.row, 1], np.r_[M.col, 1])), shape=(2, 2)
    )
    copy = M.copy()
    result = otcore.solve(M)
    assert result.value == (3 + 240) / 2  # not added up in eight bits
    assert np.array_equal(M.data, copy.data)
    unsorted = scipy.sparse.csr_array(
        (np.array([2.0, 1.0, 4.0]), np.array([1, 0, 1]), np.array([0, 2, 3])), shape=(2, 2)
    )
    before = unsorted.indices.copy()
    check_result(otcore.solve(unsorted), unsorted, expected_value=2.5)
    assert np.array_equal(unsorted.indices, before)
    twice = torch.sparse_coo_tensor(
        [[0, 0, 1], [0, 0, 1]], [1.0, 2.0, 4.0], (2, 2), check_invariants=True
    )
    assert float(otcore.solve(twice).value) == 3.5


def test_scipy_is_imported_by_nobody_but_the_caller() -> None:
    code = "import sys, otcore; otcore.solve([[0.0, 1.0]]); print('scipy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_results_offer_what_dense_ones_do() -> None:
    M, a, b = example()
    result = otcore.solve(M, a, b)
    V = np.arange(9.0)
    assert np.allclose(result.apply(V), result.plan @ V)
    assert np.allclose(result.marginal_a, a)
    assert "optimal" in repr(result)
    with pytest.raises(AttributeError, match="distance"):
        _ = result.distance


# ---------------------------------------------------------------------------------------------
# Limits


def test_a_limit_leaves_a_plan_that_may_miss_mass() -> None:
    rng = np.random.default_rng(8)
    M = nearest_pairs(rng, 300, 280, 20)
    a, b = feasible_weights(rng, M)
    full = otcore.solve(M, a, b)
    check_result(full, M, a, b)
    assert full.n_iter > 8
    missing = []
    for limit in (1, 4, full.n_iter // 2, full.n_iter - 1):
        with pytest.warns(otcore.ConvergenceWarning, match="max_iter"):
            result = otcore.solve(M, a, b, max_iter=limit)
        assert result.n_iter == limit
        check_result(result, M, a, b, status="max_iter")
        missing.append(bool(np.isinf(result.gap)))
    assert missing[0]
    assert not missing[-1]
    assert_same(otcore.solve(M, a, b, max_iter=full.n_iter + 1), full)


def test_time_limit() -> None:
    rng = np.random.default_rng(0)
    M = pattern(rng, 600, 600, 0.5)
    a, b = feasible_weights(rng, M)
    with pytest.warns(otcore.ConvergenceWarning, match="time_limit"):
        result = otcore.solve(M, a, b, time_limit=1e-9)
    check_result(result, M, a, b, status="time_limit")


def test_ctrl_c() -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    M, a, b = example()
    with pytest.raises(otcore.SolveInterrupted) as caught:
        otcore.solve(M, a, b, progress=interrupt)
    assert caught.value.result.status in ("optimal", "interrupted")


def test_progress() -> None:
    seen = []
    M, a, b = example()
    otcore.solve(M, a, b, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (1, 1)


# ---------------------------------------------------------------------------------------------
# Gradients


@pytest.mark.parametrize("layout", ["coo", "csr"])
def test_gradient_in_the_stored_costs_is_the_plan(layout: str) -> None:
    M, a, b = example()
    M.data = np.random.default_rng(2).random(len(M.data))
    M = M.tocsr().tocoo()
    entries = torch.tensor(M.data, requires_grad=True)
    matrix = torch.sparse_coo_tensor(
        np.stack([M.row, M.col]), entries, M.shape, check_invariants=True
    )
    if layout == "csr":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            matrix = matrix.coalesce().to_sparse_csr()
    weights = torch.tensor(a, requires_grad=True), torch.tensor(b, requires_grad=True)
    result = otcore.solve(matrix, *weights)
    (3.0 * result.value).backward()
    plan = result.plan.detach().numpy()
    assert np.array_equal(entries.grad.numpy(), 3.0 * plan[M.row, M.col])
    for w, potential in zip(weights, result.potentials, strict=True):
        centred = potential.detach() - potential.detach().mean()
        assert torch.allclose(w.grad, 3.0 * centred)
    with pytest.raises(RuntimeError, match="not differentiable"):
        otcore.solve(matrix.detach().requires_grad_()).plan.sum().backward()


def test_gradient_of_a_leaf_has_its_pattern() -> None:
    leaf = torch.sparse_coo_tensor(
        [[0, 0, 1], [0, 1, 1]], [1.0, 5.0, 2.0], (2, 2), check_invariants=True
    ).requires_grad_()
    otcore.solve(leaf).value.backward()
    assert leaf.grad.is_sparse
    assert leaf.grad.to_dense().tolist() == [[0.5, 0.0], [0.0, 0.5]]


def test_the_value_without_a_plan_has_no_gradient() -> None:
    entries = torch.tensor([1.0], requires_grad=True)
    M = torch.sparse_coo_tensor([[0], [0]], entries, (2, 1), check_invariants=True)
    with pytest.raises(otcore.InfeasibleError) as caught:
        otcore.solve(M)
    with pytest.raises(RuntimeError, match="not differentiable"):
        caught.value.result.value.backward()


# ---------------------------------------------------------------------------------------------
# Bad input


def test_bad_input() -> None:
    M, a, b = example()
    bad = M.tocsr()
    bad.data[0] = np.nan
    first = f"M\\[0, {bad.indices[0]}\\] is nan"
    with pytest.raises(ValueError, match=first):
        otcore.solve(bad, a, b)
    with pytest.raises(ValueError, match=r"^a: shape \(9,\), expected \(12,\)"):
        otcore.solve(M, b, a)
    with pytest.raises(ValueError, match=r"^a: a\[0\] is -1"):
        otcore.solve(M, np.r_[-1.0, a[1:]], b)
    with pytest.raises(ValueError, match="differ"):
        otcore.solve(M, a, 2 * b)
    with pytest.raises(ValueError, match=r"^M: shape \(0, 3\)"):
        otcore.solve(scipy.sparse.csr_array((0, 3)))
    with pytest.raises(ValueError, match=r"^M: shape \(3,\)"):
        otcore.solve(scipy.sparse.coo_array([1.0, 2.0, 3.0]))
    with pytest.raises(TypeError, match=r"^M: dtype complex128"):
        otcore.solve(M.astype(np.complex128), a, b)
    with pytest.raises(TypeError, match=r"^M: a sparse matrix, expected a dense array"):
        otcore.solve_batch(M)
    with pytest.raises(TypeError, match=r"^a: a sparse matrix, expected a dense array"):
        otcore.solve(M, scipy.sparse.csr_array(a[None]), b)
    with pytest.raises(TypeError, match="pass arrays of one library"):
        otcore.solve(M, torch.as_tensor(a), b)
    with pytest.raises(ValueError, match="overflows"):
        otcore.solve(scipy.sparse.csr_array([[1e308]]), [1e10], [1e10])


def test_bad_tensors() -> None:
    hybrid = torch.sparse_coo_tensor([[0]], [[1.0, 2.0]], (1, 2), check_invariants=True)
    with pytest.raises(ValueError, match=r"^M: shape \(1, 2\)"):
        otcore.solve(hybrid)
    imaginary = torch.sparse_coo_tensor([[0], [0]], [1j], (1, 1), check_invariants=True)
    with pytest.raises(TypeError, match=r"^M: dtype torch.complex64"):
        otcore.solve(imaginary)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = torch.eye(2).to_sparse_csc()
    with pytest.raises(TypeError, match=r"^M: layout torch.sparse_csc"):
        otcore.solve(other)

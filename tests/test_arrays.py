"""The door between the caller's arrays and the core, and what the solvers share behind it."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import otcore
from checks import assert_same
from otcore._arrays import NUMPY, sum_by_index
from otcore._extras import import_extra
from otcore._problem import matrix_problem, points_problem
from otcore._random import core_seed

RNG = np.random.default_rng(3)
M = RNG.integers(0, 200, (5, 4)).astype(np.float64)
X, Y = RNG.normal(size=(5, 3)), RNG.normal(size=(4, 3))
A = np.array([0.125, 0.25, 0.125, 0.375, 0.125])


# ---------------------------------------------------------------------------------------------
# dtypes


@pytest.mark.parametrize(
    ("dtype", "core"),
    [
        ("f8", "f8"),
        ("f4", "f4"),
        ("f2", "f4"),
        (">f8", "f8"),
        (">f4", "f4"),
        ("i1", "f8"),
        ("u1", "f8"),
        (">i2", "f8"),
        ("i4", "f8"),
        ("u8", "f8"),
        ("?", "f8"),
    ],
)
def test_promotion(dtype: str, core: str) -> None:
    matrix = (M % 100).astype(dtype)
    assert_same(otcore.solve(matrix), otcore.solve(matrix.astype(core)))
    assert otcore.solve(matrix).plan.dtype == np.dtype(core)


@pytest.mark.parametrize(
    ("dtype", "core"),
    [
        (torch.float16, torch.float32),
        (torch.bfloat16, torch.float32),
        (torch.int8, torch.float64),
        (torch.int64, torch.float64),
        (torch.bool, torch.float64),
    ],
)
def test_promotion_of_tensors(dtype: torch.dtype, core: torch.dtype) -> None:
    matrix = torch.as_tensor(M % 100).to(dtype)
    result = otcore.solve(matrix)
    assert result.plan.dtype == core
    assert_same(result, otcore.solve(matrix.to(core)))


def test_long_doubles_are_not_rounded_behind_the_callers_back() -> None:
    with pytest.raises(TypeError, match=r"^M: dtype .*expected"):
        otcore.solve(M.astype(np.longdouble))


@pytest.mark.parametrize(("x", "y"), [("f4", "f8"), ("f8", "f4"), ("i4", "f4"), ("f2", "f8")])
def test_the_wider_side_sets_the_dtype(x: str, y: str) -> None:
    result = otcore.solve_sample(X.astype(x), Y.astype(y))
    assert result.plan.dtype == np.float64
    assert_same(result, otcore.solve_sample(X.astype(x).astype("f8"), Y.astype(y).astype("f8")))
    assert otcore.cost.cost_matrix(X.astype(x), Y.astype(y)).dtype == np.float64


def test_weights_are_rounded_to_the_data() -> None:
    weights = np.full(5, 0.2) * (1 + 1e-9 * np.arange(5))
    problem = matrix_problem(M.astype("f4"), weights, None, batched=False)
    assert problem.a is not None
    assert problem.a.dtype == np.float64
    assert np.array_equal(problem.a, weights.astype("f4").astype("f8"))


@pytest.mark.parametrize(
    ("data", "weights", "tolerance"),
    [
        ("f8", "f8", 1e-6),
        ("f8", "i8", 1e-6),
        ("f8", "f4", 1e-4),
        ("f8", "f2", 1e-4),
        ("f4", "f8", 1e-4),
        ("f4", "i8", 1e-4),
    ],
)
def test_mass_tolerance(data: str, weights: str, tolerance: float) -> None:
    problem = matrix_problem(M.astype(data), np.ones(5, weights), None, batched=False)
    assert problem.mass_tolerance == tolerance


def test_weights_that_overflow_the_datas_dtype_are_reported() -> None:
    with pytest.raises(ValueError, match=r"^a.*1.*inf"):
        otcore.solve(M.astype("f4"), [1.0, 1e300, 1.0, 1.0, 1.0], None)


# ---------------------------------------------------------------------------------------------
# Memory


def read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


def test_arrays_that_fit_are_not_copied() -> None:
    for dtype in (np.float64, np.float32):
        matrix, x, y = (array.astype(dtype) for array in (M, X, Y))
        assert np.shares_memory(matrix_problem(matrix, None, None, batched=False).data[0], matrix)
        problem = points_problem(x, y, None, None, metric="euclidean", batched=False)
        assert np.shares_memory(problem.data[0], x)
        assert np.shares_memory(problem.data[1], y)
    problem = matrix_problem(M, A, None, batched=False)
    assert problem.a is A
    tensor = torch.as_tensor(M.copy()).requires_grad_()
    shared = matrix_problem(tensor, None, None, batched=False).data[0]
    assert shared.ctypes.data == tensor.data_ptr()


def unaligned(array: np.ndarray) -> np.ndarray:
    buffer = np.zeros(array.nbytes + 1, np.uint8)
    copy = buffer[1:].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


LAYOUTS = {
    "fortran": np.asfortranarray,
    "reversed": lambda array: array[::-1, ::-1].copy()[::-1, ::-1],
    "strided": lambda array: np.repeat(array, 2, axis=1)[:, ::2],
    "unaligned": unaligned,
    "read-only": lambda array: read_only(array.copy()),
    "subclass": lambda array: array.view(np.matrix),
}


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(layout: str) -> None:
    arrays = [LAYOUTS[layout](array) for array in (M, X, Y)]
    before = [array.copy() for array in arrays]
    assert_same(otcore.solve(arrays[0]), otcore.solve(M))
    assert_same(otcore.solve_sample(*arrays[1:]), otcore.solve_sample(X, Y))
    for array, copy in zip(arrays, before, strict=True):
        assert np.array_equal(array, copy)


def test_layouts_of_tensors() -> None:
    expected = otcore.solve(torch.as_tensor(M))
    assert_same(otcore.solve(torch.as_tensor(M.T.copy()).T), expected)
    assert_same(otcore.solve(torch.as_tensor(np.repeat(M, 2, axis=1))[:, ::2]), expected)
    negated = torch.complex(torch.zeros(5, 4, dtype=torch.float64), torch.as_tensor(-M)).conj().imag
    assert negated.is_neg()
    assert_same(otcore.solve(negated), expected)


# ---------------------------------------------------------------------------------------------
# Lists


def test_lists_and_tuples() -> None:
    expected = otcore.solve(M, A)
    assert_same(otcore.solve(M.tolist(), tuple(A)), expected)
    assert_same(otcore.solve(tuple(map(tuple, M)), A), expected)
    assert_same(otcore.solve([*M], A), expected)  # rows are arrays
    assert otcore.solve([[1, 2], [3, 5]]).value == 2.5


def test_lists_go_with_any_library() -> None:
    assert_same(otcore.solve_sample(torch.as_tensor(X), Y.tolist()), otcore.solve_sample(X, Y))
    result = otcore.solve(torch.as_tensor(M), A.tolist())
    assert isinstance(result.plan, torch.Tensor)
    assert_same(result, otcore.solve(M, A))
    assert np.array_equal(
        otcore.solve(M, A).apply([1, 2, 3, 4]), otcore.solve(M, A).apply(np.r_[1.0:5])
    )


@pytest.mark.parametrize("values", [torch.ones(2, 2), [torch.ones(2), torch.ones(2)]])
def test_lists_of_tensors_are_refused(values: Any) -> None:
    """Their gradients would be lost."""
    with pytest.raises(TypeError, match=r"^M: a list of tensors.*torch.stack"):
        otcore.solve([*values])
    with pytest.raises(TypeError, match=r"^Y: a list of tensors"):
        otcore.solve_sample(torch.ones(2, 2), [*values])


def test_tensor_subclasses() -> None:
    parameter = torch.nn.Parameter(torch.as_tensor(M))
    otcore.solve(parameter).value.backward()
    assert parameter.grad is not None


def test_mixed_results_are_refused() -> None:
    with pytest.raises(TypeError, match=r"data.*V|V.*data"):
        otcore.solve(M).apply(torch.ones(4))
    with pytest.raises(TypeError, match=r"data.*V|V.*data"):
        otcore.solve(torch.as_tensor(M)).apply(np.ones(4))
    with pytest.raises(ValueError, match=r"^V.*nan.*\[2\]"):
        otcore.solve(M).apply([0.0, 1.0, np.nan, 2.0])


def test_numpy_users_do_not_import_torch() -> None:
    script = (
        "import sys, otcore\n"
        "result = otcore.solve_sample([[0.0], [2.0]], [[1.0], [3.0]])\n"
        "result.plan, result.barycentric_map(), result.distance\n"
        "extras = {'torch', 'scipy', 'matplotlib', 'tqdm', 'sklearn', 'PIL'}\n"
        "print(sorted(extras & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


# ---------------------------------------------------------------------------------------------
# Extras


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImportError, match=r"drawing needs nothing_such.*otcore\[plot\]"):
        import_extra("nothing_such.inside", extra="plot", purpose="drawing")
    monkeypatch.setitem(sys.modules, "scipy.sparse", None)
    with pytest.raises(ImportError, match=r"sparse_plan needs scipy.*otcore\[sparse\]"):
        _ = otcore.solve(M).sparse_plan
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with pytest.raises(ImportError, match=r"progress=True needs tqdm.*otcore\[cli\]"):
        otcore.solve(M, progress=True)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"plot needs matplotlib.*otcore\[plot\]"):
        otcore.solve(M).plot()


# ---------------------------------------------------------------------------------------------
# Batches


def test_batch_apply_and_maps() -> None:
    x, y = RNG.normal(size=(3, 5, 2)), RNG.normal(size=(3, 4, 2))
    batch = otcore.solve_sample_batch(x, y, A)
    V, W = RNG.normal(size=(3, 4, 2)), RNG.normal(size=(3, 5))
    for b, one in enumerate(batch):
        assert np.array_equal(batch.plan[b], one.plan)
        assert np.array_equal(batch.apply(V)[b], one.apply(V[b]))
        assert np.array_equal(batch.apply_t(W)[b], one.apply_t(W[b]))
        assert np.array_equal(batch.barycentric_map()[b], one.barycentric_map())
        assert np.array_equal(batch.marginal_b[b], one.marginal_b)
        assert batch.marginal_error[b] == one.marginal_error
    with pytest.raises(ValueError, match=r"^V: shape \(4, 2\), expected \(3, 4\) or \(3, 4, c\)"):
        batch.apply(V[0])


def test_batch_is_a_sequence() -> None:
    batch = otcore.solve_batch(np.stack([M, M + 1, M + 2]))
    assert len(batch) == 3
    assert [one.value for one in batch] == batch.value.tolist()
    assert batch[-1].value == batch.value[2]
    for index in (3, -4):
        with pytest.raises(IndexError, match="3 problems"):
            batch[index]
    with pytest.raises(TypeError):
        batch["0"]  # type: ignore[index]


# ---------------------------------------------------------------------------------------------
# Sums by index


@given(st.data())
def test_sum_by_index(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 20))
    index = np.array(data.draw(st.lists(st.integers(0, size - 1), max_size=40)), np.int64)
    values = np.random.default_rng(0).integers(-9, 9, (len(index), 3)).astype(np.float64)
    expected = np.zeros((size, 3))
    np.add.at(expected, index, values)
    assert np.array_equal(sum_by_index(index, values, size), expected)
    assert np.array_equal(sum_by_index(index, values[:, 0], size), expected[:, 0])


# ---------------------------------------------------------------------------------------------
# Seeds


def test_seeds_are_reproducible() -> None:
    assert core_seed(7, NUMPY) == 7
    assert core_seed(np.int64(7), NUMPY) == 7
    assert core_seed(2**64 - 1, NUMPY) == 2**64 - 1
    generators = [np.random.default_rng(1) for _ in "ab"]
    assert core_seed(generators[0], NUMPY) == core_seed(generators[1], NUMPY)
    assert core_seed(generators[0], NUMPY) != core_seed(np.random.default_rng(1), NUMPY)
    tensors = [torch.Generator().manual_seed(1) for _ in "ab"]
    assert core_seed(tensors[0], NUMPY) == core_seed(tensors[1], NUMPY)
    assert core_seed(tensors[0], NUMPY) != core_seed(torch.Generator().manual_seed(1), NUMPY)


def test_no_seed_draws_from_the_librarys_global_generator() -> None:
    from otcore.torch._library import TORCH

    state = np.random.get_state()  # noqa: NPY002
    try:
        np.random.seed(5)  # noqa: NPY002
        first = core_seed(None, NUMPY)
        assert core_seed(None, NUMPY) != first
        np.random.seed(5)  # noqa: NPY002
        assert core_seed(None, NUMPY) == first
    finally:
        np.random.set_state(state)  # noqa: NPY002
    with torch.random.fork_rng():
        torch.manual_seed(5)
        first = core_seed(None, TORCH)
        assert core_seed(None, TORCH) != first
        torch.manual_seed(5)
        assert core_seed(None, TORCH) == first


def test_seeds_use_all_64_bits() -> None:
    from otcore.torch._library import TORCH

    draws = [core_seed(np.random.default_rng(s), NUMPY) for s in range(64)]
    draws += [TORCH.draw_seed(torch.Generator().manual_seed(s)) for s in range(64)]
    assert np.bitwise_or.reduce(np.array(draws, np.uint64)) == 2**64 - 1
    assert np.bitwise_and.reduce(np.array(draws, np.uint64)) == 0


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_seeds_out_of_range(seed: int) -> None:
    with pytest.raises(ValueError, match=rf"^seed: {seed}, expected"):
        core_seed(seed, NUMPY)


@pytest.mark.parametrize("seed", [1.0, "1", [1], np.random.RandomState(0)])
def test_seeds_of_another_kind(seed: Any) -> None:
    with pytest.raises(TypeError, match=r"^seed: .*expected None, an int"):
        core_seed(seed, NUMPY)

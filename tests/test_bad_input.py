"""Bad input to the exact solvers and to the ground costs: a clear error, never a crash or a guess.

Messages name the argument, what was wrong with it (with the index of the first offender), and what
was expected.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import otcore

M = np.arange(12.0).reshape(3, 4)
X, Y = np.arange(6.0).reshape(3, 2), np.arange(8.0).reshape(4, 2) + 0.5
MB, XB, YB = (np.stack([array] * 2) for array in (M, X, Y))
cost_matrix = otcore.cost.cost_matrix

Call = Callable[..., Any]
POINTS: list[tuple[Call, np.ndarray, np.ndarray]] = [
    (otcore.solve_sample, X, Y),
    (otcore.solve_sample_batch, XB, YB),
    (cost_matrix, X, Y),
]
MATRICES: list[tuple[Call, np.ndarray]] = [(otcore.solve, M), (otcore.solve_batch, MB)]


def named(value: Any) -> str | None:
    return getattr(value, "__name__", None)


def changed(array: np.ndarray, index: tuple[int, ...], value: float) -> np.ndarray:
    copy = array.copy()
    copy[index] = value
    return copy


# ---------------------------------------------------------------------------------------------
# Numbers


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    ("call", "matrix", "index"),
    [(otcore.solve, M, (2, 1)), (otcore.solve_batch, MB, (1, 0, 3))],
    ids=named,
)
def test_costs_that_are_not_finite(
    call: Call, matrix: np.ndarray, index: tuple[int, ...], dtype: Any, bad: float
) -> None:
    data = changed(changed(matrix.astype(dtype), index, bad), (-1,) * matrix.ndim, bad)
    where = re.escape(", ".join(map(str, index)))
    with pytest.raises(ValueError, match=rf"(?s)^M.*\b{where}\b"):
        call(data)
    with pytest.raises(ValueError, match=rf"(?s)^M.*\b{where}\b"):
        call(torch.as_tensor(data))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("metric", ["sqeuclidean", "cosine", "cityblock", ("minkowski", 3)])
@pytest.mark.parametrize(("call", "x", "y"), POINTS, ids=named)
def test_points_that_are_not_finite(
    call: Call, x: np.ndarray, y: np.ndarray, metric: Any, bad: float
) -> None:
    index = (1, 2, 1) if x.ndim == 3 else (2, 1)
    where = re.escape(", ".join(map(str, index)))
    with pytest.raises(ValueError, match=rf"(?s)^X.*\b{where}\b"):
        call(changed(x, index, bad), y, metric=metric)
    with pytest.raises(ValueError, match=rf"(?s)^Y.*\b{where}\b"):
        call(x, changed(y, index, bad), metric=metric)


@pytest.mark.parametrize(("call", "data"), MATRICES, ids=named)
@pytest.mark.parametrize(
    ("weight", "text"), [(-0.25, "-0.25"), (np.nan, "nan"), (np.inf, "inf"), (-1e-300, "-1e-300")]
)
def test_weights_out_of_range(call: Call, data: np.ndarray, weight: float, text: str) -> None:
    a, b = np.full(3, 1 / 3), np.full(4, 0.25)
    with pytest.raises(ValueError, match=rf"(?s)^a.*1.*{text}|^a.*{text}.*1"):
        call(data, changed(a, (1,), weight), b)
    with pytest.raises(ValueError, match=rf"(?s)^b.*2.*{text}|^b.*{text}.*2"):
        call(data, a, changed(b, (2,), weight))


def test_weights_of_one_problem_of_a_batch() -> None:
    a = np.full((2, 3), 1 / 3)
    a[1, 2] = -1
    with pytest.raises(ValueError, match=r"^a.*\[1, 2\]"):
        otcore.solve_batch(MB, a, None)


@pytest.mark.parametrize(("call", "data"), MATRICES, ids=named)
def test_weights_without_mass(call: Call, data: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"^a.*sum"):
        call(data, np.zeros(3), np.full(4, 0.25))
    with pytest.raises(ValueError, match=r"^b.*sum"):
        call(data, None, np.zeros(4))


@pytest.mark.parametrize(("call", "data"), MATRICES, ids=named)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_masses_that_differ_show_both_sums(call: Call, data: np.ndarray, dtype: Any) -> None:
    a, b = np.full(3, 0.5, dtype), np.full(4, 0.5, dtype)
    with pytest.raises(ValueError, match=r"1\.5.*\b2\b"):
        call(data.astype(dtype), a, b)
    with pytest.raises(ValueError, match=r"\b1\b.*\b2\b"):
        call(data.astype(dtype), None, b)  # uniform weights have mass 1


@pytest.mark.parametrize(("dtype", "difference"), [(np.float64, 2e-6), (np.float32, 2e-4)])
def test_masses_that_differ_just_too_much(dtype: Any, difference: float) -> None:
    b = np.full(4, 0.25 * (1 + difference), dtype)
    with pytest.raises(ValueError, match="sum"):
        otcore.solve(M.astype(dtype), None, b)


@pytest.mark.parametrize(("call", "x", "y"), POINTS, ids=named)
def test_cosine_of_a_zero_vector(call: Call, x: np.ndarray, y: np.ndarray) -> None:
    zero = x.copy()
    zero[..., 2, :] = 0
    with pytest.raises(ValueError, match=r"^X.*\b2\b.*zero"):
        call(zero + 0, y, metric="cosine")
    with pytest.raises(ValueError, match=r"^Y.*zero"):
        call(y, zero, metric="cosine")


@pytest.mark.parametrize(("call", "x", "y"), POINTS[:2], ids=named)
def test_costs_that_overflow(call: Call, x: np.ndarray, y: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"X.*overflow"):
        call(x * 1e200, -y * 1e200)


# ---------------------------------------------------------------------------------------------
# Shapes


@pytest.mark.parametrize("call", [otcore.solve, otcore.solve_batch], ids=named)
@pytest.mark.parametrize("shape", [(), (3,), (3, 0), (0, 3), (2, 0, 3), (1, 2, 3, 4)])
def test_matrix_shapes(call: Call, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"^M: shape .*expected"):
        call(np.zeros(shape))


def test_matrix_and_batch_are_told_apart() -> None:
    with pytest.raises(ValueError, match=r"^M: shape \(2, 3, 4\)"):
        otcore.solve(MB)
    with pytest.raises(ValueError, match=r"^M: shape \(3, 4\)"):
        otcore.solve_batch(M)


@pytest.mark.parametrize(("call", "x", "y"), POINTS, ids=named)
def test_point_shapes(call: Call, x: np.ndarray, y: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"^X: shape"):
        call(np.zeros(3), y)
    with pytest.raises(ValueError, match=r"^Y: shape"):
        call(x, np.zeros(3))
    with pytest.raises(ValueError, match=r"^X: shape"):
        call(x[..., :0, :], y)
    with pytest.raises(ValueError, match=r"^Y: shape"):
        call(x, y[..., :0])
    with pytest.raises(ValueError, match=r"^Y: shape"):
        call(x, np.concatenate([y, y], axis=-1))


def test_batches_of_different_lengths() -> None:
    with pytest.raises(ValueError, match=r"^Y: shape"):
        otcore.solve_sample_batch(XB, np.concatenate([YB, YB]))


@pytest.mark.parametrize(("call", "data"), MATRICES, ids=named)
@pytest.mark.parametrize("shape", [(), (0,), (2,), (5,), (3, 1), (1, 3), (2, 2, 3)])
def test_weight_shapes(call: Call, data: np.ndarray, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"^a: shape .*expected \(3,\)"):
        call(data, np.ones(shape), None)
    with pytest.raises(ValueError, match=r"^b: shape .*expected \(4,\)"):
        call(data, None, np.ones(shape))


def test_ragged_lists() -> None:
    with pytest.raises(ValueError, match=r"^M"):
        otcore.solve([[1.0, 2.0], [3.0]])


# ---------------------------------------------------------------------------------------------
# Kinds of arrays


@pytest.mark.parametrize("dtype", [np.complex128, "U4", object, "datetime64[s]"])
def test_dtypes_that_are_not_real_numbers(dtype: Any) -> None:
    with pytest.raises(TypeError, match=r"^M: dtype .*expected"):
        otcore.solve(np.zeros((2, 2)).astype(dtype))
    with pytest.raises(TypeError, match=r"^X: dtype .*expected"):
        otcore.solve_sample(np.zeros((2, 2)).astype(dtype), Y)
    with pytest.raises(TypeError, match=r"^a: dtype .*expected"):
        otcore.solve(M, np.ones(3).astype(dtype), None)
    with pytest.raises(TypeError, match=r"^Y: dtype .*expected"):
        cost_matrix(X, np.ones((3, 2)).astype(dtype))


def test_complex_tensors() -> None:
    with pytest.raises(TypeError, match=r"^M"):
        otcore.solve(torch.zeros((2, 2), dtype=torch.complex64))


@pytest.mark.parametrize("value", [None, "text", {"a": 1}, object()])
def test_things_that_are_no_arrays(value: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=r"^M"):
        otcore.solve(value)
    with pytest.raises((TypeError, ValueError), match=r"^Y"):
        otcore.solve_sample(X, value)


def test_libraries_do_not_mix() -> None:
    both = r"X.*Y|Y.*X"
    for call in (otcore.solve_sample, cost_matrix):
        with pytest.raises(TypeError, match=both):
            call(X, torch.as_tensor(Y))
        with pytest.raises(TypeError, match=both):
            call(torch.as_tensor(X), Y)
    with pytest.raises(TypeError, match=r"M.*a|a.*M"):
        otcore.solve(torch.as_tensor(M), np.full(3, 1 / 3), None)
    with pytest.raises(TypeError, match=r"M.*b|b.*M"):
        otcore.solve(M, None, torch.full((4,), 0.25))


def test_tensors_of_other_devices_and_layouts() -> None:
    with pytest.raises(RuntimeError, match=r"^M.*meta"):
        otcore.solve(torch.zeros((2, 2), device="meta"))
    with pytest.raises(RuntimeError, match=r"^X.*meta"):
        cost_matrix(*(torch.zeros((2, 2), device="meta") for _ in "XY"))
    with pytest.raises(TypeError, match=r"M.*a|a.*M"):
        otcore.solve(torch.as_tensor(M), torch.zeros(3, device="meta"), None)
    with pytest.raises(TypeError, match=r"^X: layout torch.sparse_coo, expected a dense tensor"):
        otcore.solve_sample(torch.eye(3).to_sparse(), torch.eye(3))
    with pytest.raises(TypeError, match=r"^M: layout torch.sparse_coo, expected a dense tensor"):
        otcore.solve_batch(torch.eye(3).to_sparse())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_tensors() -> None:
    with pytest.raises(RuntimeError, match=r"^M.*cuda"):
        otcore.solve(torch.zeros((2, 2), device="cuda"))
    with pytest.raises(TypeError, match=r"X.*Y"):
        otcore.solve_sample(torch.zeros((2, 2), device="cuda"), torch.zeros((2, 2)))


def test_masked_arrays_are_refused() -> None:
    """Their data under the mask would be used without a word."""
    with pytest.raises(TypeError, match=r"^M.*mask"):
        otcore.solve(np.ma.masked_greater(M, 5))


# ---------------------------------------------------------------------------------------------
# Options

SOLVERS: list[tuple[Call, tuple[Any, ...]]] = [
    (otcore.solve, (M,)),
    (otcore.solve_batch, (MB,)),
    (otcore.solve_sample, (X, Y)),
    (otcore.solve_sample_batch, (XB, YB)),
]


@pytest.mark.parametrize(("call", "data"), SOLVERS, ids=named)
@pytest.mark.parametrize(
    ("option", "value", "error"),
    [
        ("method", "magic", ValueError),
        ("method", None, ValueError),
        ("max_iter", 0, ValueError),
        ("max_iter", -1, ValueError),
        ("max_iter", 1.5, TypeError),
        ("max_iter", True, TypeError),
        ("n_threads", 0, ValueError),
        ("n_threads", -2, ValueError),
        ("n_threads", "2", TypeError),
        ("n_threads", 2**40, ValueError),
        ("time_limit", 0.0, ValueError),
        ("time_limit", -1.0, ValueError),
        ("time_limit", float("nan"), ValueError),
        ("time_limit", "1", TypeError),
        ("progress", "yes", TypeError),
    ],
)
def test_options(call: Call, data: Any, option: str, value: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=rf"^{option}: .*expected"):
        call(*data, **{option: value})


@pytest.mark.parametrize(("call", "data"), SOLVERS, ids=named)
def test_unknown_options(call: Call, data: Any) -> None:
    with pytest.raises(TypeError, match="epsilon"):
        call(*data, epsilon=0.1)


def test_unknown_method_names_the_choices() -> None:
    with pytest.raises(ValueError, match=r"'magic'.*'auto'.*'exact'"):
        otcore.solve(M, method="magic")


@pytest.mark.parametrize(("call", "x", "y"), POINTS, ids=named)
@pytest.mark.parametrize(
    "metric",
    [
        "manhattan",
        "",
        None,
        3,
        "minkowski",
        ("minkowski",),
        ("minkowski", 0.5),
        ("minkowski", np.inf),
        ("minkowski", np.nan),
        ("minkowski", "3"),
        ("euclidean", 2),
        ["minkowski", [3]],
    ],
)
def test_unknown_metrics(call: Call, x: np.ndarray, y: np.ndarray, metric: Any) -> None:
    with pytest.raises(ValueError, match=r"^metric: .*expected"):
        call(x, y, metric=metric)


@pytest.mark.parametrize("count", [0, -1])
def test_set_num_threads_range(count: int) -> None:
    with pytest.raises(ValueError, match="expected"):
        otcore.set_num_threads(count)


@pytest.mark.parametrize("count", [1.5, "2", None])
def test_set_num_threads_kind(count: Any) -> None:
    with pytest.raises(TypeError):
        otcore.set_num_threads(count)


def test_an_error_leaves_the_library_usable() -> None:
    for _ in range(3):
        with pytest.raises(ValueError, match="M"):
            otcore.solve_batch(changed(np.zeros((200, 9, 9)), (77, 1, 1), np.nan))
    assert otcore.solve_batch(np.zeros((200, 9, 9))).value.tolist() == [0.0] * 200


def test_the_first_bad_problem_of_a_batch_is_named_whatever_the_threads() -> None:
    data = np.zeros((300, 8, 8))
    data[[41, 170, 299], 3, 5] = np.nan
    for n_threads in (1, 2, 5):
        with pytest.raises(ValueError, match=r"41, 3, 5"):
            otcore.solve_batch(data, n_threads=n_threads)

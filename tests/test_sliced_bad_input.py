"""What sliced transport takes and gives: libraries, pickles, bad input."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from otcore.sliced import (
    SlicedResult,
    expected_sliced,
    max_sliced_wasserstein,
    min_pivot_sliced,
    sliced_wasserstein,
    sliced_wasserstein_sphere,
)
from sliced_cases import clouds, sphere, tensors


def test_libraries() -> None:
    x, y = clouds(20, 20, 3)
    expected = sliced_wasserstein(x, y, seed=0)
    tensor = sliced_wasserstein(torch.as_tensor(x), torch.as_tensor(y), seed=0)
    assert isinstance(tensor.value, Tensor)
    assert tensor.value.shape == ()
    assert float(tensor.value) == expected.value
    assert isinstance(tensor.costs, Tensor)
    assert isinstance(tensor.projections, Tensor)
    assert tensor.standard_error == expected.standard_error
    strided = np.zeros((40, 6))
    strided[::2, ::2] = x
    assert sliced_wasserstein(strided[::2, ::2], y.tolist(), seed=0).value == expected.value
    assert sliced_wasserstein(np.asfortranarray(x), y, seed=0).value == expected.value


def test_results_pickle_and_show_themselves() -> None:
    x, y = tensors(9, 9, 3)
    for result in (
        sliced_wasserstein(x, y, seed=0),
        max_sliced_wasserstein(x, y, seed=0),
        min_pivot_sliced(x, y, seed=0),
    ):
        for other in (pickle.loads(pickle.dumps(result)), copy.deepcopy(result)):
            assert other.value.item() == result.value.item()
            assert not other.value.requires_grad
        assert repr(result).startswith(f"{type(result).__name__}(value=")
    batch = sliced_wasserstein(x[None], y[None], seed=0)
    assert repr(batch) == "SlicedResult(1 problems, n_projections=50)"
    assert isinstance(batch, SlicedResult)


X, Y = clouds(5, 4, 3)
BAD: list[tuple[tuple[Any, ...], dict[str, Any], type[Exception], str]] = [
    ((X[0], Y), {}, ValueError, r"^X: shape \(3,\)"),
    ((X, Y[:, :2]), {}, ValueError, r"^Y: shape \(4, 2\)"),
    ((X[:0], Y), {}, ValueError, r"^X: shape \(0, 3\)"),
    ((X[None], Y[None].repeat(2, 0)), {}, ValueError, r"^Y: shape \(2, 4, 3\)"),
    ((X, Y, [1.0, 2.0]), {}, ValueError, r"^a: shape \(2,\)"),
    ((X, Y, None, -np.ones(4)), {}, ValueError, r"^b: b\[0\] is -1"),
    ((X, Y, np.ones(5), np.ones(4)), {}, ValueError, r"^a, b: sum"),
    ((np.where(X[1, 2] == X, np.nan, X), Y), {}, ValueError, r"^X: X\[1, 2\] is nan"),
    ((X, np.where(Y[3, 0] == Y, np.inf, Y)), {}, ValueError, r"^Y: Y\[3, 0\] is inf"),
    ((X * 1e200, Y), {}, ValueError, r"^X, Y, projections: the projections"),
    ((X, Y), {"projections": X}, ValueError, r"^projections: shape \(5, 3\)"),
    ((X, Y), {"projections": X.T * np.nan}, ValueError, r"^projections: projections\[0, 0\]"),
    ((X, Y), {"n_projections": 0}, ValueError, "^n_projections: 0"),
    ((X, Y), {"n_projections": 2.5}, TypeError, "^n_projections: float"),
    ((X, Y), {"p": 0.5}, ValueError, r"^p: 0\.5"),
    ((X, Y), {"p": "2"}, TypeError, "^p: str"),
    ((X, Y), {"directions": "sobol"}, ValueError, "^directions: 'sobol'"),
    ((X, Y), {"seed": -1}, ValueError, "^seed: -1"),
    ((X, torch.as_tensor(Y)), {}, TypeError, "Y is a torch tensor and X is not"),
    ((X * 1j, Y), {}, TypeError, "^X: dtype complex128"),
]


@pytest.mark.parametrize(("arguments", "options", "error", "message"), BAD)
def test_bad_input(
    arguments: tuple[Any, ...], options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        sliced_wasserstein(*arguments, **options)


def test_bad_input_of_the_others() -> None:
    u = sphere(4, 3)
    with pytest.raises(ValueError, match=r"^Y: row 2 has squared length 4"):
        sliced_wasserstein_sphere(u, u * [[1], [1], [2], [1]])
    with pytest.raises(ValueError, match=r"^projections: shape \(3, 2\)"):
        sliced_wasserstein_sphere(u, u, projections=np.eye(3)[:, :2])
    with pytest.raises(ValueError, match=r"^X: points of 1 coordinate"):
        sliced_wasserstein_sphere([[1.0]], [[1.0]])
    with pytest.raises(ValueError, match=r"^X: shape \(1, 5, 3\)"):
        max_sliced_wasserstein(X[None], Y[None])
    with pytest.raises(ValueError, match=r"^metric: 'mahalanobis'"):
        min_pivot_sliced(X, Y, metric="mahalanobis")
    with pytest.raises(ValueError, match=r"^X: row 0 is a zero vector"):
        expected_sliced(X * 0, Y, metric="cosine")
    for beta, error in ((-1, ValueError), ("1", TypeError)):
        with pytest.raises(error, match=r"^beta: "):
            expected_sliced(X, Y, beta=beta)  # type: ignore[arg-type]
    batch = np.stack([X, np.where(X[1, 2] == X, np.nan, X)])
    with pytest.raises(ValueError, match=r"^X: X\[1, 1, 2\] is nan"):
        sliced_wasserstein(batch, batch[:1].repeat(2, 0))

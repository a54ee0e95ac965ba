"""Runs one call on POT and on otcore.compat.pot, and compares all that comes back."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import ot as pot
import torch

import otcore.compat.pot as ours
from checks import is_torch, to_numpy

Call = Callable[[Any], Any]

# What the log of otcore holds beyond POT's keys.
EXTRA_KEYS = {"status", "gap", "marginal_error"}
# Relative to the largest entry, by bytes: answers in float64, and answers in float32 from costs and
# weights that POT may have rounded to float32 where otcore had not.
TOLERANCE = {8: 1e-11, 4: 1e-6}


def run(call: Call, module: Any) -> tuple[Any, list[type[Warning]]]:
    """The call's result and the categories of its warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        answer = call(module)
    # torch tells about its sparse tensors once; that is not part of the call.
    return answer, [w.category for w in caught if "Sparse invariant" not in str(w.message)]


def check_pair(call: Call) -> Any:
    """Asserts that both modules answer alike; returns otcore's answer."""
    expected, expected_warnings = run(call, pot)
    answer, own_warnings = run(call, ours)
    assert_alike(answer, expected)
    for category in own_warnings:
        assert any(issubclass(category, other) for other in expected_warnings)
    for category in expected_warnings:
        assert any(issubclass(own, category) for own in own_warnings)
    return answer


def assert_alike(
    answer: Any, expected: Any, where: str = "answer", *, single: bool = False
) -> None:
    """The same types all the way down, the same dtypes and shapes, and the same numbers.

    `single`: floats, too, are from computations in float32.
    """
    if isinstance(expected, dict):
        assert set(answer) - EXTRA_KEYS == set(expected), where
        for key, value in expected.items():
            assert_alike(answer[key], value, f"{where}[{key!r}]", single=single)
    elif isinstance(expected, (list, tuple)):
        assert type(answer) is type(expected), where
        assert len(answer) == len(expected), where
        for i, pair in enumerate(zip(answer, expected, strict=True)):
            assert_alike(*pair, where=f"{where}[{i}]", single=single)
    elif expected is None or isinstance(expected, (str, int)):
        assert type(answer) is type(expected), where
        assert answer == expected, where
    else:
        assert type(answer) is type(expected), where
        assert is_torch(answer) == is_torch(expected), where
        assert_close(answer, expected, where, single=single)


def assert_close(
    answer: Any, expected: Any, where: str = "answer", *, single: bool = False
) -> None:
    """The same dtype and shape, and the same numbers up to rounding."""
    if isinstance(expected, torch.Tensor):
        assert answer.requires_grad == expected.requires_grad, where
        assert answer.layout == expected.layout, where
    left, right = to_numpy(answer), to_numpy(expected)
    assert left.dtype == right.dtype, where
    assert left.shape == right.shape, where
    tolerance = TOLERANCE[4 if single or right.dtype == np.float32 else 8]
    left, right = left.astype(np.float64), right.astype(np.float64)
    scale = max(1.0, float(np.abs(right).max(initial=0.0)))
    np.testing.assert_allclose(left, right, rtol=0, atol=tolerance * scale, err_msg=where)

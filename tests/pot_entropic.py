"""Compares entropic answers of otcore.compat.pot with those that POT iterated to the end."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import ot as pot
import torch

import otcore.compat.pot as ours
from checks import is_torch, to_numpy
from pot_pairs import EXTRA_KEYS

# How far both iterate where plans are compared to TOLERANCE in float64.
EXACTLY = {"stopThr": 1e-13, "numItermax": 1000}
TOLERANCE = {"f8": 1e-9, "f4": 3e-6}

FORMS: dict[str, Callable[[np.ndarray], Any]] = {
    "float64": lambda x: x,
    "float32": lambda x: x.astype(np.float32),
    "tensor64": torch.as_tensor,
    "tensor32": lambda x: torch.as_tensor(x.astype(np.float32)),
}

# Scalings of the rows and of the columns, and whether they are logarithms, or reg times these.
_SCALINGS = {
    "u": ("v", "plain"),
    "log_u": ("log_v", "log"),
    "logu": ("logv", "log"),
    "alpha": ("beta", "dual"),
}


def both(call: Callable[[Any], Any]) -> tuple[Any, Any]:
    """POT's answer and ours; POT may warn, as float32 does not let it converge."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = call(pot)
    return expected, call(ours)


def few(ot: Any, name: str = "max_iter") -> dict[str, int]:
    """Few iterations for POT where only the types of its answer matter."""
    return {name: 20} if ot is pot else {}


def assert_numbers(answer: Any, expected: Any, reference: Any = None) -> None:
    """The same type, dtype and shape; numbers as of the reference (if None, of `expected`).

    With a reference POT's dtype may be wider: numpy's scalars widen float32 in some of its methods.
    """
    if np.ndim(to_numpy(answer)) or is_torch(answer):
        assert type(answer) is type(expected)
    left, right = to_numpy(answer), to_numpy(expected)
    assert left.dtype == right.dtype or reference is not None
    assert np.result_type(left, right) == right.dtype
    assert left.shape == right.shape
    exact = right if reference is None else to_numpy(reference)
    scale = max(1.0, float(np.abs(exact).max(initial=0.0)))
    atol = TOLERANCE[left.dtype.str[1:]] * scale
    np.testing.assert_allclose(left, exact, rtol=0, atol=atol)


def assert_logs(
    log: dict[str, Any],
    expected: dict[str, Any],
    exact: dict[str, Any] | None = None,
    *,
    reg: float,
    free: bool,
) -> None:
    """POT's keys and types, and the scalings of the exact log (if None, of `expected`).

    `free`: up to the factor that balanced problems leave.
    """
    exact = expected if exact is None else exact
    assert set(log) - EXTRA_KEYS == set(expected)
    assert log["status"] in ("converged", ["converged"] * len(log["status"]))
    for key, value in expected.items():
        if key in _SCALINGS:
            other, kind = _SCALINGS[key]
            rows, columns = (
                (logarithm(log[name], kind, reg), logarithm(exact[name], kind, reg))
                for name in (key, other)
            )
            assert_shifted(rows, columns, free=free, single=to_numpy(log[key]).dtype == np.float32)
        if key not in ("err", "warmstart"):
            assert type(log[key]) is type(value), key
        if hasattr(value, "dtype"):
            assert np.result_type(to_numpy(log[key]), to_numpy(value)) == to_numpy(value).dtype
            assert log[key].shape == value.shape, key
    if "err" in expected:
        assert isinstance(log["err"], list)
        assert is_torch(log["err"][-1]) == is_torch(expected["err"][-1])
        assert 0 <= float(log["err"][-1]) < 1e-5
    if "warmstart" in expected:
        for side, name in zip(log["warmstart"], ("alpha", "beta"), strict=True):
            assert np.array_equal(to_numpy(side), to_numpy(log[name]))


def logarithm(array: Any, kind: str, reg: float) -> np.ndarray:
    values = to_numpy(array).astype(np.float64)
    with np.errstate(divide="ignore"):
        return np.log(values) if kind == "plain" else values / (reg if kind == "dual" else 1.0)


def assert_shifted(
    rows: tuple[np.ndarray, np.ndarray],
    columns: tuple[np.ndarray, np.ndarray],
    *,
    free: bool,
    single: bool = False,
) -> None:
    """Logarithms (ours, POT's) that are the same up to one constant, with either sign."""
    (log_u, expected_u), (log_v, expected_v) = rows, columns
    assert np.array_equal(np.isneginf(log_u), np.isneginf(expected_u))
    assert np.array_equal(np.isneginf(log_v), np.isneginf(expected_v))
    with np.errstate(invalid="ignore"):
        shift_u, shift_v = log_u - expected_u, log_v - expected_v
    constant = np.nanmean(shift_u, axis=0) if free else np.zeros(log_u.shape[1:])
    tolerance = 3e-4 if single else 1e-7
    for shift, sign in ((shift_u, 1), (shift_v, -1)):
        gap = np.abs(shift - sign * constant)
        assert np.nanmax(gap) < tolerance

"""Checks of the arguments that every solver takes."""

from __future__ import annotations

import operator
from numbers import Real
from typing import NamedTuple

from ._progress import Progress

_METHODS = ("auto", "exact")


class Options(NamedTuple):
    """How to solve; None is no limit, or the default."""

    max_iter: int | None = None
    n_threads: int | None = None
    time_limit: float | None = None
    progress: Progress = False


def check_method(method: str) -> None:
    if method not in _METHODS:
        choices = ", ".join(map(repr, _METHODS))
        raise ValueError(f"method: {method!r}, expected one of {choices}")


def solver_options(
    max_iter: int | None, n_threads: int | None, time_limit: float | None, progress: Progress
) -> Options:
    """The options, checked."""
    return Options(
        max_iter=None if max_iter is None else positive_int(max_iter, "max_iter"),
        n_threads=check_threads(n_threads),
        time_limit=None if time_limit is None else _seconds(time_limit),
        progress=progress,
    )


def check_threads(n_threads: int | None) -> int | None:
    """`n_threads`, checked; None is the default number."""
    return None if n_threads is None else positive_int(n_threads, "n_threads", most=2**31 - 1)


def positive_int(value: object, name: str, *, most: int = 2**63 - 1) -> int:
    """`value` as an int in [1, most]; TypeError or ValueError naming the argument."""
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = None
    if number is None or isinstance(value, bool):
        raise TypeError(f"{name}: {type(value).__name__}, expected an integer")
    if not 1 <= number <= most:
        raise ValueError(f"{name}: {number}, expected an integer from 1 to {most}")
    return number


def _seconds(time_limit: object) -> float:
    if not isinstance(time_limit, Real) or isinstance(time_limit, bool):
        raise TypeError(f"time_limit: {type(time_limit).__name__}, expected a number of seconds")
    seconds = float(time_limit)
    if not seconds > 0:
        raise ValueError(f"time_limit: {seconds}, expected a positive number of seconds")
    return seconds

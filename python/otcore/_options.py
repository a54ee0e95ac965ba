"""Checks of the arguments that every solver takes."""

from __future__ import annotations

import math
import operator
from numbers import Real
from typing import Any, NamedTuple, TypeAlias

from ._progress import Progress

# One strength for both sides, or one for each.
Unbalanced: TypeAlias = float | tuple[float, float]

_METHODS = ("auto", "exact", "sinkhorn", "ipot")
_SCHEMES = ("auto", "plain")
_UNBALANCED_TYPES = ("kl",)


class Options(NamedTuple):
    """How to solve; None is no limit, or the default."""

    max_iter: int | None = None
    n_threads: int | None = None
    time_limit: float | None = None
    progress: Progress = False
    max_memory: int | None = None  # bytes


class Entropic(NamedTuple):
    """How a problem is regularised, and by which of the core's methods it is solved."""

    method: str  # "sinkhorn", "plain", "ipot" or "symmetric"
    reg: float  # 0: IPOT's own choice
    rho: tuple[float, float] = (math.inf, math.inf)  # infinite: the marginal is a constraint
    tol: float | None = None
    inner_iter: int = 1

    @property
    def balanced(self) -> bool:
        return self.rho == (math.inf, math.inf)


def entropic_options(
    method: str,
    reg: float | None,
    *,
    unbalanced: Unbalanced | None = None,
    unbalanced_type: str = "kl",
    tol: float | None = None,
    inner_iter: int = 1,
    scheme: str = "auto",
) -> Entropic | None:
    """What the arguments ask for, checked together; None: the exact solver."""
    check_choice("method", method, _METHODS)
    check_choice("scheme", scheme, _SCHEMES)
    check_choice("unbalanced_type", unbalanced_type, _UNBALANCED_TYPES)
    rho = _strengths(unbalanced)
    strength = None if reg is None else positive(reg, "reg")
    tolerance = None if tol is None else _tolerance(tol)
    inner = positive_int(inner_iter, "inner_iter")
    balanced = rho == (math.inf, math.inf)
    if method == "auto":
        method = "sinkhorn" if reg is not None or not balanced else "exact"
    if method != "sinkhorn":
        if not balanced:
            raise ValueError(f"unbalanced: {unbalanced!r}, expected None with method={method!r}")
        if scheme != "auto":
            raise ValueError(f"scheme: {scheme!r}, expected 'auto' with method={method!r}")
    if method != "ipot" and inner != 1:
        raise ValueError(f"inner_iter: {inner}, expected 1 with method={method!r}")
    if method == "exact":
        for name, value in (("reg", reg), ("tol", tol)):
            if value is not None:
                raise ValueError(f"{name}: {value!r}, expected None with method='exact'")
        return None
    if method == "ipot":
        return Entropic("ipot", strength or 0.0, rho, tolerance, inner)
    if strength is None:
        asker = "unbalanced" if not balanced else "method='sinkhorn'"
        raise ValueError(f"reg: None, expected a positive number with {asker}")
    return Entropic("plain" if scheme == "plain" else "sinkhorn", strength, rho, tolerance)


def solver_options(
    max_iter: int | None,
    n_threads: int | None,
    time_limit: float | None,
    progress: Progress,
    max_memory: int | None = None,
) -> Options:
    """The options, checked."""
    return Options(
        max_iter=None if max_iter is None else positive_int(max_iter, "max_iter"),
        n_threads=check_threads(n_threads),
        time_limit=None if time_limit is None else _seconds(time_limit),
        progress=progress,
        max_memory=None if max_memory is None else positive_int(max_memory, "max_memory"),
    )


def check_threads(n_threads: int | None) -> int | None:
    """`n_threads`, checked; None is the default number."""
    return None if n_threads is None else positive_int(n_threads, "n_threads", most=2**31 - 1)


def positive_int(value: object, name: str, *, least: int = 1, most: int = 2**63 - 1) -> int:
    """`value` as an int in [least, most]; TypeError or ValueError naming the argument."""
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = None
    if number is None or isinstance(value, bool):
        raise TypeError(f"{name}: {type(value).__name__}, expected an integer")
    if not least <= number <= most:
        raise ValueError(f"{name}: {number}, expected an integer from {least} to {most}")
    return number


def positive(value: object, name: str, *, infinite: bool = False) -> float:
    """`value` as a positive float, finite unless `infinite`; names the argument in errors."""
    number = _number(value, name, "a number")
    # Not math.isinf: torch.compile cannot follow a number that changes through it.
    if not number > 0 or (number == math.inf and not infinite):
        expected = "a positive number or infinity" if infinite else "a positive, finite number"
        raise ValueError(f"{name}: {number}, expected {expected}")
    return number


def check_power(p: object, name: str = "p") -> float:
    """`p` as a finite float >= 1; names the argument in errors."""
    power = _number(p, name, "a number")
    if not (power >= 1 and math.isfinite(power)):
        raise ValueError(f"{name}: {power}, expected a finite number >= 1")
    return power


def _strengths(unbalanced: Any) -> tuple[float, float]:
    if unbalanced is None:
        return math.inf, math.inf
    pair = tuple(unbalanced) if hasattr(unbalanced, "__len__") else (unbalanced, unbalanced)
    if len(pair) != 2:
        raise ValueError(f"unbalanced: {len(pair)} numbers, expected one, or one for each side")
    rho_a, rho_b = (positive(rho, "unbalanced", infinite=True) for rho in pair)
    return rho_a, rho_b


def _tolerance(tol: object) -> float:
    number = _number(tol, "tol", "a number")
    if not (number >= 0 and math.isfinite(number)):
        raise ValueError(f"tol: {number}, expected a finite number >= 0")
    return number


def _seconds(time_limit: object) -> float:
    seconds = _number(time_limit, "time_limit", "a number of seconds")
    if not seconds > 0:
        raise ValueError(f"time_limit: {seconds}, expected a positive number of seconds")
    return seconds


def _number(value: object, name: str, expected: str) -> float:
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"{name}: {type(value).__name__}, expected {expected}")
    return float(value)


def check_choice(name: str, value: object, choices: tuple[str, ...]) -> None:
    """ValueError naming the argument unless `value` is one of the choices."""
    if value not in choices:
        raise ValueError(f"{name}: {value!r}, expected one of {', '.join(map(repr, choices))}")

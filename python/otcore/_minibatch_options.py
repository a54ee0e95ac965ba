"""What the functions of mini-batch transport are told about their inner and outer problems."""

from __future__ import annotations

import math
import warnings
from typing import Any, NamedTuple, TypeAlias

from . import _core
from ._minibatch_pass import PassAnswer
from ._minibatch_split import SplitTransport
from ._options import check_choice, check_power, positive, positive_int
from ._problem import Problem
from .cost import MetricLike
from .errors import ConvergenceWarning

Strengths: TypeAlias = float | tuple[float, float]  # the same for both sides, or one for each

_INNER = ("exact", "sinkhorn", "ipot", "unbalanced", "sliced")
_PROJECTIONS = 50
_INNER_VALUES = ("objective", "linear")
_FINISHED = ("optimal", "converged")


class Slicing(NamedTuple):
    """Sliced inner problems: the directions, or how many to draw, and the power of the cost."""

    projections: Any
    p: float

    @property
    def drawn(self) -> bool:
        return isinstance(self.projections, int)


def inner_options(
    inner: str,
    inner_reg: float | None,
    inner_rho: Strengths | None,
    inner_value: str,
    inner_tol: float | None,
    inner_max_iter: int | None,
    inner_iter: int,
    inner_projections: Any = None,
    inner_p: float | None = None,
    metric: MetricLike = "sqeuclidean",
) -> _core.InnerOptions | Slicing:
    """The inner problem, checked: an option that the method does not have is a ValueError."""
    check_choice("inner", inner, _INNER)
    check_choice("inner_value", inner_value, _INNER_VALUES)
    regularised = inner in ("sinkhorn", "unbalanced")
    steps = positive_int(inner_iter, "inner_iter")
    iterative = inner not in ("exact", "sliced")
    for name, value, default, allowed in (
        ("inner_reg", inner_reg, None, iterative),
        ("inner_rho", inner_rho, None, inner == "unbalanced"),
        ("inner_value", inner_value, "objective", regularised),
        ("inner_tol", inner_tol, None, iterative),
        ("inner_max_iter", inner_max_iter, None, iterative),
        ("inner_iter", inner_iter, 1, inner == "ipot"),
        ("inner_p", inner_p, None, inner == "sliced"),
        ("metric", metric, "sqeuclidean", inner != "sliced"),
    ):
        if not allowed and value != default:
            raise ValueError(f"{name}: {value!r}, expected {default!r} with inner={inner!r}")
    if inner_projections is not None and inner != "sliced":
        raise ValueError(f"inner_projections: given, expected None with inner={inner!r}")
    for name, strength, required in (
        ("inner_reg", inner_reg, regularised),
        ("inner_rho", inner_rho, inner == "unbalanced"),
    ):
        if required and strength is None:
            raise ValueError(f"{name}: None, expected a positive number with inner={inner!r}")
    if inner == "sliced":
        return Slicing(
            _projections(inner_projections),
            2.0 if inner_p is None else check_power(inner_p, "inner_p"),
        )
    return _core.InnerOptions(
        method="sinkhorn" if regularised else inner,
        reg=0.0 if inner_reg is None else positive(inner_reg, "inner_reg"),
        rho=_strengths(inner_rho),
        linear=inner_value == "linear",
        tol=None if inner_tol is None else positive(inner_tol, "inner_tol"),
        max_iter=None if inner_max_iter is None else positive_int(inner_max_iter, "inner_max_iter"),
        inner_iter=steps,
    )


def outer_strength(outer_reg: float | None) -> float:
    """`outer_reg` as the core takes it, which reads it for the entropic coupling only."""
    return 0.0 if outer_reg is None else positive(outer_reg, "outer_reg")


def weigh_by_mass(batch_weights: str) -> bool:
    """Whether batches weigh as much as their points."""
    check_choice("batch_weights", batch_weights, ("uniform", "mass"))
    return batch_weights == "mass"


def refuse_gradients(problem: Problem) -> None:
    """ValueError where values of several ranks would have to be differentiable."""
    if problem.library.needs_gradient(problem.sources):
        raise ValueError(
            "X, Y, a, b: require a gradient, expected data that do not where ranks share the "
            "work: cut them off with .detach(), or use otcore.torch.training.bomb_backward"
        )


def warn_unfinished(
    solution: _core.MiniBatchAnswer | _core.MiniBatchMap | SplitTransport,
    iterations: str,
    stack_level: int,
) -> None:
    """A ConvergenceWarning for inner problems, and one for the coupling, that did not converge.

    `iterations` says when the coupling stopped; `stack_level` is warnings.warn's for the caller.
    """
    for what, status, when, error in (
        ("inner problems", solution.inner_status, "", solution.inner_error),
        (
            "the coupling of the mini-batches",
            solution.outer_status,
            iterations,
            solution.outer_error,
        ),
    ):
        _warn(what, f"{status}{when}", status, error, stack_level + 1)


def warn_unfinished_pass(solution: PassAnswer, stack_level: int) -> None:
    """The same for the batches of a pyramid, which are not coupled."""
    status = solution.status
    _warn("inner problems", status, status, solution.inner_error, stack_level + 1)


def _warn(what: str, how: str, status: str, error: float, stack_level: int) -> None:
    if status not in _FINISHED:
        text = f"{what} stopped ({how}) with a marginal error of {error:.3g}"
        warnings.warn(text, ConvergenceWarning, stacklevel=stack_level + 1)


def _projections(value: Any) -> Any:
    """A count, as an int, or what should be an array of directions."""
    if value is None:
        return _PROJECTIONS
    if hasattr(value, "__index__") and not getattr(value, "shape", ()):
        return positive_int(value, "inner_projections", most=2**31 - 1)
    return value


def _strengths(inner_rho: Any) -> tuple[float, float]:
    if inner_rho is None:
        return math.inf, math.inf
    pair = inner_rho if isinstance(inner_rho, (tuple, list)) else (inner_rho, inner_rho)
    if len(pair) != 2:
        raise ValueError(f"inner_rho: {inner_rho!r}, expected one number, or a pair of them")
    rho_a, rho_b = (positive(rho, "inner_rho", infinite=True) for rho in pair)
    return rho_a, rho_b

"""Entropic problems in POT's conventions, answered by `otcore.solve` and its kin.

POT's plans are P_ij = u_i K_ij v_j with K = exp(-M / reg), those that minimise <P, M> + reg sum
P log P; otcore's are P_ij = a_i b_j exp((f_i + g_j - M_ij) / reg) for KL(P | a x b) in place of
the sum. Between fixed marginals the two regularisers differ by a constant, so the plans are the
same and log u = log a + f / reg. `_relaxed` has the problems without fixed marginals.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import numpy as np

from ... import ConvergenceWarning, solve, solve_batch, solve_sample, solve_sample_batch
from ..._arrays import real_dtype
from ..._sparse import is_sparse
from ...cost import MetricLike
from ._arguments import Arguments, is_single, thread_limit, total, widened
from ._entropic_result import EntropicResult
from ._scalings import Conventions, log_weights, start_potentials, x_log_x

# What float32 costs and weights do not allow: below it otcore's own tolerance counts.
_SINGLE_TOLERANCE = 1e-6
# A tolerance below it asks for as much as rounding allows.
_LEAST_TOLERANCE = 2.0**-52


@dataclass(frozen=True, slots=True)
class Settings:
    """How to iterate, in POT's terms."""

    iterations: Any = None  # numItermax; None: otcore's default
    threshold: Any = 1e-9  # stopThr
    warn: bool = True
    verbose: bool = False
    threads: int | str | None = 1  # numThreads
    grad: str = "autodiff"  # "envelope": plans are constants; "detach": values, too


def promoted(arguments: Arguments) -> Arguments:
    """The arguments, their answers in the widest dtype among them: float32 if all are that."""
    if is_sparse(arguments.data[0]):
        raise ValueError("M: a sparse matrix, expected a dense one in an entropic problem")
    arguments = widened(arguments)
    library = arguments.library
    dtypes = [real_dtype(library.to_numpy(x[:0]), "M") for x in arguments.data]
    data = tuple(library.cast(x, np.result_type(*dtypes)) for x in arguments.data)
    return replace(arguments, data=data, like=data[0])


def balanced_entropic(
    arguments: Arguments,
    reg: Any,
    settings: Settings,
    *,
    metric: MetricLike | None = None,
    reg_type: str = "entropy",
    start: Any = None,
    start_is_dual: bool = False,
) -> EntropicResult:
    """The solution with the marginals a and b; of a batch where the data have three axes.

    `start`: log u and log v to start from, or reg times them if `start_is_dual`. `reg_type`: the
    value has reg sum P log P ("entropy") or reg sum P log(P / ab) ("kl"); the plan is the same.
    """
    epsilon = regularisation(reg)
    logs = log_weights(arguments)
    result = call_solver(
        arguments,
        metric,
        settings,
        reg=epsilon,
        tol=tolerance(settings, arguments, relative=False),
        potentials_init=start_potentials(start, logs, epsilon, duals=start_is_dual),
    )
    mass = total(arguments.library, arguments.a)
    # otcore's KL has the terms a b - P, whose sum this is.
    value = result.value + arguments.library.wrap(np.asarray(epsilon * (mass - mass * mass)))
    if reg_type == "entropy":
        for weights, length in zip(
            (arguments.a, arguments.b), arguments.sides_of_each, strict=True
        ):
            value = value + epsilon * x_log_x(arguments, weights, length)
    conventions = Conventions(epsilon, logs, centred=True, grad=settings.grad)
    return EntropicResult(result, arguments, value, result.value_linear, conventions)


def call_solver(
    arguments: Arguments, metric: MetricLike | None, settings: Settings, **options: Any
) -> Any:
    """The result of the one of otcore's four solvers that the data are for."""
    options["max_iter"] = _iterations(settings.iterations)
    options["n_threads"] = thread_limit(settings.threads)
    batched = arguments.data[0].ndim == 3
    if metric is not None:
        options["metric"] = metric
    solver: Any
    if batched:
        del options["potentials_init"]
        solver = solve_batch if metric is None else solve_sample_batch
    else:
        solver = solve if metric is None else solve_sample
    with warnings.catch_warnings():
        if not settings.warn:
            warnings.simplefilter("ignore", ConvergenceWarning)
        result = solver(*arguments.data, arguments.a, arguments.b, **options)
    if settings.verbose:
        error = np.max(arguments.library.to_numpy(np.asarray(result.marginal_error)))
        print(f"{result.status}: marginal error {error:.3e}, iterations {result.n_iter}")
    return result


def regularisation(reg: Any) -> float:
    """reg as a float: a number or an array of one."""
    values = np.asarray(reg, dtype=np.float64)
    if values.size != 1:
        raise ValueError(f"reg: shape {values.shape}, expected one number")
    number = float(values.item())
    if not 0 < number < math.inf:
        raise ValueError(f"reg: {number}, expected a positive number")
    return number


def _iterations(numItermax: Any) -> int | None:
    if numItermax is None:
        return None
    if not isinstance(numItermax, Real) or not float(numItermax) >= 1:
        raise ValueError(f"numItermax: {numItermax!r}, expected a number from 1 on")
    return int(min(float(numItermax), 2.0**53))


def tolerance(settings: Settings, arguments: Arguments, *, relative: bool) -> float | None:
    """stopThr as `tol`, which bounds the L1 error of the marginals relative to their mass.

    POT bounds the L2 error, which is no larger, or in unbalanced problems the relative change of
    u and v.
    """
    threshold = settings.threshold
    if not isinstance(threshold, Real) or not float(threshold) >= 0:
        raise ValueError(f"stopThr: {threshold!r}, expected a number that is not negative")
    library = arguments.library
    mass = 1.0 if relative else float(np.max(total(library, arguments.a)))
    bound = float(threshold) / (mass or 1.0)
    if is_single(library, arguments.data[0]) and bound < _SINGLE_TOLERANCE:
        return None
    return max(bound, _LEAST_TOLERANCE)

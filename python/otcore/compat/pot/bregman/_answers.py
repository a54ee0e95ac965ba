"""One solver behind the names of POT's algorithms: what each takes to start from, and logs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...._arrays import Named
from .._arguments import Arguments, read_arguments
from .._entropic import Settings, balanced_entropic, promoted
from .._entropic_result import EntropicResult
from .._targets import costs_to_targets, has_targets, start_of_target

METHODS = (
    "sinkhorn",
    "sinkhorn_log",
    "greenkhorn",
    "sinkhorn_stabilized",
    "sinkhorn_epsilon_scaling",
)
# The methods of functions that return costs, and of many targets.
COST_METHODS = ("sinkhorn", "sinkhorn_log", "sinkhorn_stabilized")

_LOG_KEYS = {
    "sinkhorn": ("err", "niter", "u", "v"),
    "sinkhorn_log": ("err", "niter", "log_u", "log_v", "u", "v"),
    "greenkhorn": ("n_iter", "u", "v"),
    "sinkhorn_stabilized": ("err", "n_iter", "logu", "logv", "alpha", "beta", "warmstart"),
    "sinkhorn_epsilon_scaling": ("err", "niter", "alpha", "beta", "warmstart"),
}
_JOINT_LOG_KEYS = {**_LOG_KEYS, "sinkhorn_log": ("log_u", "log_v", "u", "v")}
# Those that start from alpha = reg log u and beta; the others do from log u and log v.
_STARTED_BY_DUALS = ("sinkhorn_stabilized", "sinkhorn_epsilon_scaling")
# POT's least number of values of reg, each with its own iterations.
_LEAST_SCALES = 35


@dataclass(frozen=True, slots=True)
class Call:
    """What POT's functions take beside the data, the weights and reg."""

    method: str
    settings: Settings
    log: bool = False
    warmstart: Any = None
    metric: str | None = None  # of points


def known_method(method: str, methods: Sequence[str]) -> str:
    """The method in lower case; ValueError for one that the function does not have."""
    name = method.lower()
    if name not in methods:
        expected = ", ".join(map(repr, methods))
        raise ValueError(f"method: Unknown method {method!r}, expected one of {expected}")
    return name


def scaling_iterations(numItermax: Any, numInnerItermax: Any) -> Any:
    """The iterations of POT's epsilon scaling, of all values of reg."""
    return max(numItermax, _LEAST_SCALES) * numInnerItermax


def plan_or_costs(data: Named, a: Any, b: Any, reg: Any, call: Call) -> Any:
    """The plan, or the costs to many targets; with the log if asked for."""
    arguments = promoted(read_arguments(data, a, b))
    if has_targets(arguments):
        return _many(arguments, reg, call)
    result = one(arguments, reg, call, call.warmstart)
    return (result.plan, log_of_one(result, call)) if call.log else result.plan


def cost_or_costs(data: Named, a: Any, b: Any, reg: Any, call: Call) -> Any:
    """The cost, or those to many targets; with the log if asked for."""
    arguments = promoted(read_arguments(data, a, b))
    if has_targets(arguments):
        return _many(arguments, reg, call)
    result = one(arguments, reg, call, call.warmstart)
    return (result.value_linear, log_of_one(result, call)) if call.log else result.value_linear


def one(arguments: Arguments, reg: Any, call: Call, warmstart: Any) -> EntropicResult:
    """The solution for one target."""
    return balanced_entropic(
        arguments,
        reg,
        call.settings,
        metric=call.metric,
        start=warmstart,
        start_is_dual=call.method in _STARTED_BY_DUALS,
    )


def log_of_one(result: EntropicResult, call: Call) -> dict[str, Any]:
    """The log of the method for one target."""
    return result.log_entries(_LOG_KEYS[call.method])


def _many(arguments: Arguments, reg: Any, call: Call) -> Any:
    """The costs to the targets in the columns of b, (k,)."""
    if call.method not in COST_METHODS:
        raise ValueError(f"b: two axes, expected one for method {call.method!r}")

    def solve(target: Arguments, k: int) -> EntropicResult:
        return one(target, reg, call, _start_of(call, k))

    keys = _JOINT_LOG_KEYS[call.method] if call.log else None
    return costs_to_targets(arguments, solve, keys)


def _start_of(call: Call, k: int) -> Any:
    """Target k's part of a warm start: the log-domain method has a pair for each target."""
    if call.warmstart is not None and call.method == "sinkhorn_log":
        return call.warmstart[k]
    return start_of_target(call.warmstart, k)

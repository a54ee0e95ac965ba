"""What POT's unbalanced functions share: one problem, or one for each of many targets."""

from __future__ import annotations

import warnings
from typing import Any

from ._arguments import Arguments, read_arguments
from ._entropic import Settings, promoted
from ._entropic_result import EntropicResult
from ._relaxed import check_regulariser, unbalanced_entropic
from ._targets import costs_to_targets, has_targets, start_of_target

LOG_KEYS = ("err", "logu", "logv", "cost", "total_cost")
_JOINT_LOG_KEYS = ("err", "logu", "logv")


class UnbalancedProblem:
    """An unbalanced problem, or one for each of many targets, as it was passed."""

    def __init__(
        self,
        a: Any,
        b: Any,
        M: Any,
        reg: Any,
        reg_m: Any,
        reg_type: str,
        c: Any,
        warmstart: Any,
    ) -> None:
        self.arguments = promoted(read_arguments((("M", M),), a, b))
        self.many = has_targets(self.arguments)
        kind = check_regulariser(reg_type)
        if (self.many or kind == "entropy") and c is not None:
            text = "c: not used with the entropy as the regulariser"
            warnings.warn(text, UserWarning, stacklevel=3)
            c = None
        self._reg, self._reg_m = reg, reg_m
        self._kind, self._c = "entropy" if self.many else kind, c
        self._warmstart = warmstart

    def plan_or_costs(self, settings: Settings, log: bool) -> Any:
        """The plan, or the costs to many targets; with the log if asked for."""
        if not self.many:
            result = self.solve(settings)
            return (result.plan, result.log_entries(LOG_KEYS)) if log else result.plan

        def solve(target: Arguments, k: int) -> EntropicResult:
            return self._solve(target, settings, start_of_target(self._warmstart, k))

        return costs_to_targets(self.arguments, solve, _JOINT_LOG_KEYS if log else None)

    def solve(self, settings: Settings) -> EntropicResult:
        """The solution for one target."""
        return self._solve(self.arguments, settings, self._warmstart)

    def _solve(self, arguments: Arguments, settings: Settings, start: Any) -> EntropicResult:
        return unbalanced_entropic(
            arguments,
            self._reg,
            self._reg_m,
            settings,
            reg_type=self._kind,
            c=self._c,
            start=start,
        )

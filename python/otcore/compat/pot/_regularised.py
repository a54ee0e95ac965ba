"""Regularised problems as POT's ``solve`` and ``solve_sample`` describe them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ..._arrays import Named
from ._arguments import read_arguments
from ._costs import Metric, costs_of_points, dist
from ._coverage import check_choice, refuse
from ._entropic import Settings, balanced_entropic, promoted
from ._entropic_result import EntropicResult
from ._lazy import lazy_log
from ._relaxed import unbalanced_entropic

_TOLERANCE = 1e-9


def iteration_settings(
    max_iter: int | None, tol: float | None, verbose: bool, n_threads: int | str | None, grad: str
) -> Settings:
    """The settings of ``solve``, with POT's default of tol."""
    threshold = _TOLERANCE if tol is None else tol
    return Settings(max_iter, threshold, True, verbose, n_threads, grad)


@dataclass(frozen=True, slots=True)
class Regularised:
    """The arguments of ``solve`` that say what a regularised problem is and how to solve it."""

    reg: Any
    reg_type: Any
    unbalanced: Any
    unbalanced_type: str
    c: Any
    settings: Settings
    start: Any = None

    def solve(self, data: Named, a: Any, b: Any, metric: str | None = None) -> EntropicResult:
        """The solution for costs, or for points and a ground cost."""
        if not isinstance(self.reg_type, str):
            refuse("'KL' or 'entropy'", reg_type=self.reg_type)
        kind = self.reg_type.lower()
        check_choice("reg_type", kind, ("kl", "entropy"), ("l2",))
        arguments = promoted(read_arguments(data, a, b))
        if self.unbalanced is None:
            return balanced_entropic(
                arguments,
                self.reg,
                self.settings,
                metric=metric,
                reg_type=kind,
                start=self.start,
            )
        check_choice("unbalanced_type", self.unbalanced_type.lower(), ("kl",), ("l2", "tv"))
        return unbalanced_entropic(
            arguments,
            self.reg,
            self.unbalanced,
            self.settings,
            reg_type=kind,
            c=self.c if kind == "kl" else None,
            metric=metric,
            start=self.start,
        )

    def solve_points(
        self, points: Named, a: Any, b: Any, metric: Metric, *, lazy: bool
    ) -> EntropicResult:
        """The solution for points; if `lazy`, and balanced as POT's, with a lazy plan and a log."""
        first, second = points
        names = first[0], second[0]
        values: tuple[Any, Any] = first[1], second[1]
        if self.c is not None and self.unbalanced is not None:
            data: Named = (("M", dist(values[0], values[1], metric)),)
            name = None
        else:
            data, name = costs_of_points(names, values, metric)
        result = self.solve(data, a, b, name)
        if lazy and self.unbalanced is None:
            result.log = lazy_log(result, read_arguments(points, None, None).data, metric)
            result.lazy_plan = result.log["lazy_plan"]
        return result

    def solve_debiased(
        self, points: Named, a: Any, b: Any, metric: Metric, *, lazy: bool
    ) -> EntropicResult:
        """The solution with the values of the debiased problem."""
        first, second = points
        alone = replace(self, start=None)
        left = alone.solve_points((first, (second[0], first[1])), a, a, metric, lazy=lazy)
        right = alone.solve_points(((first[0], second[1]), second), b, b, metric, lazy=lazy)
        return self.solve_points(points, a, b, metric, lazy=lazy).debiased(left, right)

"""What the solvers raise and warn with, beyond the built-in exceptions."""

from __future__ import annotations

from typing import Any

__all__ = ["ConvergenceWarning", "SolveInterrupted"]


class ConvergenceWarning(UserWarning):
    """A result is not optimal: the iteration or time limit came first. States the gap reached."""


class SolveInterrupted(KeyboardInterrupt):
    """Ctrl-C stopped a solver; what it had by then is in `result`.

    Attributes
    ----------
    result
        What the call would have returned. Its `status` says how far each problem came, and its
        `gap` and `marginal_error` how good the answer is.
    """

    def __init__(self, result: Any) -> None:
        super().__init__("interrupted; .result holds the answer so far")
        self.result = result

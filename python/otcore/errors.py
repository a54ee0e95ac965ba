"""What the solvers raise and warn with, beyond the built-in exceptions."""

from __future__ import annotations

from typing import Any

__all__ = ["ConvergenceWarning", "InfeasibleError", "SolveInterrupted"]


class ConvergenceWarning(UserWarning):
    """A result is not optimal, or has not converged: the iteration or time limit came first, or
    rounding before the tolerance. States the gap or the error reached."""


class InfeasibleError(ValueError):
    """No plan on the stored pairs of a sparse cost matrix has the marginals a and b.

    The proof is a set of rows that hold more mass than all columns that they may send it to: by
    Gale's theorem there is one whenever there is no plan.

    Attributes
    ----------
    rows : numpy array of int64
        The rows of the set.
    cols : numpy array of int64
        All columns that these rows have stored pairs with; none where they have no pairs.
    supply : float
        The mass of the rows.
    capacity : float
        The mass of the columns, which is less.
    result : OTResult
        What the solver came to: a plan that misses some mass, its status ``"infeasible"``, its
        ``value`` and ``gap`` infinite.

    Examples
    --------
    >>> import otcore
    >>> import scipy.sparse
    >>> M = scipy.sparse.coo_array(([1.0, 1.0, 1.0], ([0, 1, 1], [0, 0, 1])), shape=(2, 2))
    >>> try:
    ...     otcore.solve(M, [0.75, 0.25], [0.5, 0.5])
    ... except otcore.InfeasibleError as error:
    ...     print(error.rows, error.cols, error.supply, error.capacity)
    [0] [0] 0.75 0.5
    """

    def __init__(self, rows: Any, cols: Any, supply: float, capacity: float, result: Any) -> None:
        row_word = "1 row has" if len(rows) == 1 else f"{len(rows)} rows have"
        col_word = "1 column" if len(cols) == 1 else f"{len(cols)} columns"
        super().__init__(
            f"M: {row_word} mass {supply:.6g} and stored pairs with {col_word} of mass "
            f"{capacity:.6g} only (see .rows and .cols), expected pairs that a plan with the "
            "marginals a and b exists on"
        )
        self.rows = rows
        self.cols = cols
        self.supply = supply
        self.capacity = capacity
        self.result = result


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

"""POT's result object and its log, over a result of otcore."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ... import BatchResult
from ... import OTResult as CoreResult
from ..._arrays import Array, Library
from ..._sparse import is_sparse
from ._arguments import Arguments

Floats: TypeAlias = npt.NDArray[np.float64]

# POT's result codes by our status; what stopped early has 3.
_RESULT_CODES = {"optimal": 1, "infeasible": 0}


class OTResult:
    """The solution of a transport problem, or of a batch, with POT's attributes.

    Made by the solvers of `otcore.compat.pot`, not by hand. Arrays are of the library and, as in
    POT, of the dtype of the first weights (without weights: of the costs or points). Those of
    tensors carry no gradient; `value` does.

    Attributes
    ----------
    result : otcore.OTResult or otcore.BatchResult
        otcore's own result, with all that POT has no name for: ``gap``, ``status``, ``n_iter``,
        ``marginal_error``, ``apply``, ``barycentric_map``, ``plot``.
    lazy_plan, log
        What POT's solver has there, or None.
    value_quad
        None: it belongs to other problems.

    Examples
    --------
    >>> import numpy as np
    >>> import otcore.compat.pot as ot
    >>> solution = ot.solve(np.array([[0.0, 1.0], [1.0, 0.0]]))
    >>> solution.value, solution.status, solution.result.gap
    (0.0, 'Converged', 0.0)
    """

    value_quad = None
    lazy_plan: Any = None
    log: dict[str, Any] | None = None

    def __init__(self, result: CoreResult | BatchResult, arguments: Arguments) -> None:
        self.result: Any = result
        self._arguments = arguments

    @property
    def library(self) -> Library:
        """The library of the arrays."""
        return self._arguments.library

    @property
    def value(self) -> Any:
        """The transport cost: a float, a 0-d tensor, or for a batch an array (B,)."""
        value = self.result.value
        return value if isinstance(value, float) else self._like(value)

    @property
    def cost(self) -> float:
        """The value of one problem as a float, also of tensors."""
        return float(self.library.detach(self.result.value))

    @property
    def value_linear(self) -> Any:
        """As `value`."""
        return self.value

    @property
    def plan(self) -> Array:
        """The transport plan, dense: (n, m), or (B, n, m)."""
        return self._cut(self.result.plan)

    @property
    def coupling(self) -> Any:
        """The plan in the form of the costs: for sparse ones `sparse_plan` in coordinates."""
        sparse = is_sparse(self._arguments.data[0])
        return coordinates(self.sparse_plan) if sparse else self.plan

    @property
    def sparse_plan(self) -> Any:
        """The plan as a scipy CSR array or a torch sparse tensor; of a batch, a list of them."""
        plan = self.result.sparse_plan
        return [self._cut(one) for one in plan] if isinstance(plan, list) else self._cut(plan)

    @property
    def potentials(self) -> tuple[Array, Array]:
        """(`potential_a`, `potential_b`): a-weighted and b-weighted sums are the same."""
        return self.duals(centred=True)

    @property
    def potential_a(self) -> Array:
        """Dual potential of the rows: (n,), or (B, n)."""
        return self.potentials[0]

    @property
    def potential_b(self) -> Array:
        """Dual potential of the columns: (m,), or (B, m)."""
        return self.potentials[1]

    @property
    def marginals(self) -> tuple[Array, Array]:
        """(`marginal_a`, `marginal_b`)."""
        return self.marginal_a, self.marginal_b

    @property
    def marginal_a(self) -> Array:
        """Row sums of the plan: (n,), or (B, n)."""
        return self._cut(self.result.marginal_a)

    @property
    def marginal_b(self) -> Array:
        """Column sums of the plan: (m,), or (B, m)."""
        return self._cut(self.result.marginal_b)

    @property
    def status(self) -> str:
        """``"Converged"``, or what `warning` says."""
        return self.warning or "Converged"

    @property
    def warning(self) -> str | None:
        """None for an optimal solution."""
        result = self.result
        if isinstance(result, BatchResult):
            late = sum(status != "optimal" for status in result.status)
            return f"{late} of {len(result)} problems stopped before optimality" if late else None
        if result.status == "optimal":
            return None
        if result.status == "infeasible":
            return "Problem infeasible. No plan on the stored entries has the marginals a and b"
        return (
            f"numItermax reached before optimality: after {result.n_iter} iterations the cost is "
            f"at most {result.gap:.3g} above the optimum"
        )

    def duals(self, *, centred: bool) -> tuple[Array, Array]:
        """The potentials, in POT's centred gauge or in otcore's (b-weighted mean 0)."""
        library = self.library
        f, g = self._core_duals(centred=centred)
        return self._like(library.wrap(f)), self._like(library.wrap(g))

    def emd_log(self, cost: Any, *, center_dual: bool) -> dict[str, Any]:
        """The log of POT's emd functions, and behind POT's keys our ``status`` and ``gap``."""
        u, v = self.duals(centred=center_dual)
        return {
            "cost": cost,
            "u": u,
            "v": v,
            "warning": self.warning,
            "result_code": _RESULT_CODES.get(self.result.status, 3),
            "status": self.result.status,
            "gap": self.result.gap,
        }

    def _core_duals(self, *, centred: bool) -> tuple[Floats, Floats]:
        f, g = (self.library.to_numpy(potential) for potential in self.result.potentials)
        if not centred:
            return f, g
        a, b = (
            self._weights(weights, potential.shape[-1])
            for weights, potential in ((self._arguments.a, f), (self._arguments.b, g))
        )
        shift = ((b * g).sum(-1) - (a * f).sum(-1)) / (a.sum(-1) + b.sum(-1))
        return f + shift[..., None], g - shift[..., None]

    def _like(self, array: Any) -> Any:
        return self.library.like(array, self._arguments.like)

    def _cut(self, array: Any) -> Any:
        return self._like(self.library.detach(array))

    def _weights(self, weights: Array | None, length: int) -> npt.NDArray[np.float64]:
        if weights is None:
            return np.full(length, 1.0 / length)
        return self.library.to_numpy(weights).astype(np.float64, copy=False)

    def __repr__(self) -> str:
        return f"OTResult(value={self.value}, status={self.status!r})"


def coordinates(plan: Any) -> Any:
    """A sparse plan of either library in the form of coordinates."""
    return plan.tocoo() if hasattr(plan, "tocoo") else plan


def entries(plan: Any) -> tuple[Array, Array, Array]:
    """The masses of a plan of either library, dense or sparse, and their rows and columns."""
    if isinstance(plan, np.ndarray):
        rows, cols = plan.nonzero()
        return plan[rows, cols], rows, cols
    if hasattr(plan, "tocoo"):
        plan = plan.tocoo()
        return plan.data, plan.row, plan.col
    plan = plan.coalesce() if plan.is_sparse else plan.to_sparse()
    return plan.values(), *plan.indices()

"""What results ask of an answer, whichever room found it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ._arrays import Array
from ._plan import Plan


@dataclass(frozen=True, eq=False)
class RoundedPlan:
    """A plan whose marginals are a and b, made of one that nearly has them.

    Attributes
    ----------
    plan : array, shape (n, m)
        In the data's dtype and library. Not differentiable.
    value : float
        Its transport cost, sum_ij plan_ij M_ij.
    """

    plan: Array
    value: float

    def __repr__(self) -> str:
        n, m = self.plan.shape
        return f"RoundedPlan(value={self.value:.6g}, shape=({n}, {m}))"


class Answer(Protocol):
    """The answer of a problem, or of a batch, whose arrays lead with B."""

    @property
    def finished(self) -> str:
        """The status of a problem that is done."""

    @property
    def certificate(self) -> str:
        """The attribute that says how good the answer is: "gap" or "marginal_error"."""

    @property
    def plan(self) -> Plan:
        """The plan, formed as far as it is asked for."""

    def dense(self) -> Array:
        """The plan, (n, m) or (B, n, m), in the data's dtype."""

    def potentials(self) -> tuple[Array, Array]:
        """f and g, float64: (n,) and (m,), of a batch (B, n) and (B, m)."""

    def marginals(self) -> tuple[Array, Array]:
        """Row and column sums of the plan, of these shapes, float64."""

    @property
    def marginal_errors(self) -> npt.NDArray[np.float64]:
        """() or (B,): the L1 distance of both marginals from what they should be."""

    def linear(self, values: Array) -> Array:
        """(B,): the transport costs, `values` being the problem's values."""

    def rounded(self) -> RoundedPlan:
        """A plan on the exact marginals; not for batches."""

"""Solutions of entropic problems, with the scalings and logs of POT's algorithms."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np

from ... import BatchResult
from ... import OTResult as CoreResult
from ..._arrays import Array
from ._arguments import Arguments
from ._result import OTResult
from ._scalings import Conventions, Floats

_OWN_KEYS = ("status", "marginal_error")
# POT's grad under which plans are constants.
_CONSTANT_PLANS = ("envelope", "detach")


class EntropicResult(OTResult):
    """The solution of a regularised problem, or of a batch, with POT's attributes.

    ``potentials`` are the logarithms of POT's scalings u and v. In balanced problems, which leave
    a constant free, those of u and v less the logarithms of the weights have the same weighted
    sums. On tensors all but the values refuse gradients.
    """

    def __init__(
        self,
        result: CoreResult | BatchResult,
        arguments: Arguments,
        value: Any,
        cost: Any,
        conventions: Conventions,
    ) -> None:
        super().__init__(result, arguments)
        self._value = value
        self._cost = cost
        self._conventions = conventions

    @property
    def reg(self) -> float:
        """The weight of the regulariser."""
        return self._conventions.reg

    @property
    def value(self) -> Any:
        """The objective, as a float, a 0-d tensor, or for a batch an array (B,)."""
        return self._scalar(self._value)

    @property
    def value_linear(self) -> Any:
        """The transport cost of the plan, as `value`."""
        return self._scalar(self._cost)

    @property
    def plan(self) -> Array:
        """The transport plan, dense: (n, m), or (B, n, m)."""
        return self._tied(self.result.plan)

    @property
    def potentials(self) -> tuple[Array, Array]:
        """(`potential_a`, `potential_b`): log u and log v."""
        names = ("u", "v") if self._conventions.exponentials else ("log_u", "log_v")
        return self.entry(names[0]), self.entry(names[1])

    @property
    def marginal_a(self) -> Array:
        """Row sums of the plan: (n,), or (B, n)."""
        return self._tied(self.result.marginal_a)

    @property
    def marginal_b(self) -> Array:
        """Column sums of the plan: (m,), or (B, m)."""
        return self._tied(self.result.marginal_b)

    @property
    def warning(self) -> str | None:
        """None for a solution that converged."""
        result = self.result
        if isinstance(result, BatchResult):
            late = sum(status != "converged" for status in result.status)
            return f"{late} of {len(result)} problems did not converge" if late else None
        if result.status == "converged":
            return None
        return (
            f"Sinkhorn did not converge ({result.status}): after {result.n_iter} iterations the "
            f"marginal error is {result.marginal_error:.3g}"
        )

    def with_exponentials(self) -> EntropicResult:
        """The same with u and v as the potentials."""
        twin = copy(self)
        twin._conventions = replace(self._conventions, exponentials=True)
        return twin

    def debiased(self, left: EntropicResult, right: EntropicResult) -> EntropicResult:
        """The same with the values less half of those of each side against itself."""
        twin = copy(self)
        twin._value = self._value - 0.5 * (left._value + right._value)
        twin._cost = self._cost - 0.5 * (left._cost + right._cost)
        twin.log = {"res_aa": left, "res_bb": right, "res_ab": self}
        return twin

    def log_scalings(self) -> tuple[Floats, Floats]:
        """log u and log v in float64; -inf where there is no mass."""
        conventions = self._conventions
        f, g = self._core_duals(centred=conventions.centred)
        base_a, base_b = conventions.bases
        return base_a + f / conventions.reg, base_b + g / conventions.reg

    def entry(self, key: str) -> Any:
        """What POT's logs have under a key."""
        reg = self._conventions.reg
        match key:
            case "err":
                return [self.error()]
            case "niter" | "n_iter":
                return self.result.n_iter
            case "u" | "v":
                with np.errstate(over="ignore"):
                    return self._array(np.exp(self.log_scalings()[key == "v"]))
            case "log_u" | "logu":
                return self._array(self.log_scalings()[0])
            case "log_v" | "logv":
                return self._array(self.log_scalings()[1])
            case "alpha":
                return self._array(reg * self.log_scalings()[0])
            case "beta":
                return self._array(reg * self.log_scalings()[1])
            case "warmstart":
                return self.entry("alpha"), self.entry("beta")
            case "cost":
                return self.value_linear
            case "total_cost":
                return self.value
            case _:
                return getattr(self.result, key)

    def error(self) -> Any:
        """The L2 error of the columns' marginal, which POT's iterations stop on; in unbalanced
        problems, where POT's is of u and v, the L1 error of the optimality conditions."""
        if not self._conventions.centred:
            return self._array(np.asarray(self.result.marginal_error))[()]
        marginal = self.library.to_numpy(self.result.marginal_b).astype(np.float64)
        b = self._weights(self._arguments.b, marginal.shape[-1])
        return self._array(np.asarray(np.linalg.norm(marginal - b)))[()]

    def log_entries(self, keys: Iterable[str]) -> dict[str, Any]:
        """POT's log with these keys, and behind them our ``status`` and ``marginal_error``."""
        return {key: self.entry(key) for key in (*keys, *_OWN_KEYS)}

    def _array(self, array: Floats) -> Array:
        """An array of the caller's library that refuses gradients where POT's would have some."""
        arguments = self._arguments
        sources = (*arguments.data, arguments.a, arguments.b)
        return self._tied(arguments.library.wrap(array, sources))

    def _tied(self, array: Array) -> Array:
        constant = self._conventions.grad in _CONSTANT_PLANS
        return self._cut(array) if constant else self._like(array)

    def _scalar(self, value: Any) -> Any:
        if isinstance(value, float):
            value = np.float64(value)
        return self._cut(value) if self._conventions.grad == "detach" else self._like(value)

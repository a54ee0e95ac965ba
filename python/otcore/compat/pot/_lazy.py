"""Arrays that are computed as they are read: plans between points that do not fit in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..._arrays import Array
from ._costs import Metric, dist
from ._entropic_result import EntropicResult

Part = int | slice


class LazyTensor:
    """An array known by a function that computes parts of it.

    Parameters
    ----------
    shape
        The shape of the whole.
    getitem
        Called with an integer or a slice for each axis, and `kwargs`; returns that part.
    **kwargs
        What the function needs; also attributes of the tensor.

    Examples
    --------
    >>> import numpy as np
    >>> import otcore.compat.pot as ot
    >>> squares = ot.utils.LazyTensor((5,), lambda i, x: x[i] ** 2, x=np.arange(5))
    >>> squares[1:3]
    array([1, 4])
    """

    def __init__(self, shape: tuple[int, ...], getitem: Callable[..., Any], **kwargs: Any) -> None:
        self._getitem = getitem
        self.shape = shape
        self.ndim = len(shape)
        self.kwargs = kwargs
        for name, value in kwargs.items():
            setattr(self, name, value)

    def __getitem__(self, key: Part | tuple[Part, ...]) -> Any:
        parts = key if isinstance(key, tuple) else (key,)
        if not all(isinstance(part, (int, np.integer, slice)) for part in parts):
            raise NotImplementedError(f"key: {key!r}, expected integers and slices")
        rest = (slice(None),) * (self.ndim - len(parts))
        return self._getitem(*parts, *rest, **self.kwargs)

    def __repr__(self) -> str:
        return f"LazyTensor(shape={self.shape}, attributes=({', '.join(self.kwargs)}))"


def lazy_log(result: EntropicResult, points: Sequence[Array], metric: Metric) -> dict[str, Any]:
    """The log of POT's lazy solver: ``u`` and ``v`` are logarithms, the plan is lazy."""
    u, v = result.potentials
    X_a, X_b = points
    plan = LazyTensor(
        (X_a.shape[0], X_b.shape[0]),
        _plan_part,
        X_a=X_a,
        X_b=X_b,
        f=result.library.detach(u),
        g=result.library.detach(v),
        metric=metric,
        reg=result.reg,
    )
    return {"u": u, "v": v, "lazy_plan": plan, **result.log_entries(("err", "niter"))}


def _plan_part(
    i: Part, j: Part, X_a: Array, X_b: Array, f: Array, g: Array, metric: Metric, reg: float
) -> Array:
    rows, cols = (
        part if isinstance(part, slice) else slice(part, part + 1 or None) for part in (i, j)
    )
    exponent = f[rows, None] + g[None, cols] - dist(X_a[rows], X_b[cols], metric) / reg
    return exponent.exp() if hasattr(exponent, "exp") else np.exp(exponent)

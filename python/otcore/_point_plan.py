"""What all results have that hold a sparse plan between two sets of points."""

from __future__ import annotations

from functools import cached_property
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from ._arrays import Array
from ._plan import SparsePlan
from ._problem import Problem


def refuse_part() -> NoReturn:
    """AttributeError for a plan of which only a part is here."""
    raise AttributeError(
        "the plan lies in parts on several ranks: take ranks.gather_plan(result), on all of them"
    )


class PointPlan:
    """A result that says its problem and how to make the plan."""

    _problem: Problem

    @cached_property
    def _plan(self) -> SparsePlan:
        raise NotImplementedError

    @cached_property
    def _dense(self) -> npt.NDArray[Any]:
        return self._plan.dense()

    def _wrap(self, array: npt.NDArray[Any]) -> Array:
        return self._problem.library.wrap(array, self._problem.sources)

    @property
    def sparse_plan(self) -> Any:
        """The plan between all points: scipy CSR, or torch sparse COO.

        Shape (n, n'), in the data's dtype. Made at the first use. For numpy this needs scipy (the
        extra ``otcore[sparse]``).
        """
        return self._plan.sparse()

    @property
    def plan(self) -> Array:
        """`sparse_plan` as a dense array, (n, n')."""
        return self._wrap(self._dense)

    @property
    def marginal_a(self) -> Array:
        """Row sums of the plan in the data's dtype, (n,): 0 for points in no batch."""
        return self._wrap(self._plan.row_sums().astype(self._problem.dtype, copy=False))

    @property
    def marginal_b(self) -> Array:
        """Column sums of the plan in the data's dtype, (n',)."""
        return self._wrap(self._plan.col_sums().astype(self._problem.dtype, copy=False))

    @property
    def marginals(self) -> tuple[Array, Array]:
        """(`marginal_a`, `marginal_b`)."""
        return self.marginal_a, self.marginal_b

    @property
    def drawn_x(self) -> Array:
        """Which x have mass in the plan, bool (n,): those that `barycentric_map` maps."""
        return self._problem.library.wrap(self._plan.row_sums() > 0)

    def apply(self, V: npt.ArrayLike) -> Array:
        """The plan times V of shape (n',) or (n', c), without forming it: as `OTResult.apply`."""
        return self._plan.apply(V)

    def apply_t(self, V: npt.ArrayLike) -> Array:
        """The transposed plan times V of shape (n,) or (n, c): as `OTResult.apply_t`."""
        return self._plan.apply_t(V)

    def barycentric_map(self) -> Array:
        """Where each x is sent on average: the mean of the y it is coupled with.

        Returns
        -------
        array, shape (n, d)
            In the data's dtype. Points in no batch have no image: their rows are NaN, and `drawn_x`
            says which they are. `otcore.minibatch.barycentric_map` draws until all have one.

        Examples
        --------
        >>> import otcore
        >>> x, y = [[0.0], [1.0], [2.0]], [[10.0], [11.0]]
        >>> result = otcore.minibatch.bomb_ot(x, y, batches=([[0, 2]], [[0, 1]]))
        >>> result.barycentric_map()
        array([[10.],
               [nan],
               [11.]])
        """
        image = self._plan.apply(self._problem.sources[1])
        mass = self._wrap(self._plan.row_sums())
        with np.errstate(invalid="ignore"):
            mean = image / mass[:, None]
        return self._problem.library.cast(mean, self._problem.dtype)

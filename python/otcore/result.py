"""Results: immutable, with the certificate of every answer beside it."""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ._answer import Answer, RoundedPlan
from ._arrays import FLOAT64, Array
from ._core import EntropicSolution, ExactSolution
from ._entropic_answer import EntropicAnswer
from ._exact_answer import ExactAnswer
from ._problem import Problem

__all__ = ["BatchResult", "OTResult"]


@dataclass(frozen=True, eq=False, repr=False)
class _Result(ABC):
    """What one problem's result and a batch's have in common; arrays of a batch lead with B."""

    _problem: Problem
    _solution: ExactSolution | EntropicSolution
    _values: Array  # (B,)
    _index: int | slice  # which of the solution's problems this is

    # Pickles and deep copies hold the problem and its solution, without what was made of them since
    # and without a tensor's graph: their value has no gradient.
    def __reduce__(self) -> tuple[Any, ...]:
        values = self._problem.library.detach(self._values)
        return type(self), (self._problem, self._solution, values, self._index)

    def __copy__(self) -> _Result:
        return self

    @cached_property
    def _answer(self) -> Answer:
        problem, solution, index = self._problem, self._solution, self._index
        if isinstance(solution, EntropicSolution):
            return EntropicAnswer(problem, solution, index)
        return ExactAnswer(problem, solution, index)

    @property
    @abstractmethod
    def value(self) -> Any:
        """The objective."""

    @property
    def distance(self) -> Any:
        """`value` rooted, where the ground cost is a power of a metric.

        That is the square root for sqeuclidean, the p-th root for minkowski, `value` itself for
        euclidean and cityblock. At 0 its gradient is taken as 0. Of entropic problems, whose
        values may have either sign, negative ones give 0.

        Raises
        ------
        AttributeError
            For cost matrices, and for cosine, which is no power of a metric.
        """
        metric = self._problem.metric
        if metric is None:
            raise AttributeError(
                "distance: the costs were given as a matrix, so their power is unknown; "
                "take the root of .value yourself"
            )
        if metric.power is None:
            raise AttributeError(f"distance: {metric.name} is not a power of a metric; use .value")
        return self._problem.library.root(self.value, metric.power)

    @property
    def plan(self) -> Array:
        """The transport plan as a dense array in the data's dtype: (n, m), or (B, n, m).

        `apply`, `apply_t` and `barycentric_map` do without. Tensors of entropic problems are
        differentiable as `potential_a`. Where the inputs of others, or of IPOT, require a gradient,
        a backward pass through the plan raises; ``.detach()`` cuts it off.
        """
        return self._answer.dense()

    @property
    def potential_a(self) -> Array:
        """Dual potential f of the rows, float64: (n,), or (B, n).

        f_i + g_j <= M_ij in exact problems; in entropic ones the plan is a_i b_j exp((f_i + g_j -
        M_ij) / reg), for IPOT with a smaller reg. Tensors of entropic problems are differentiable
        (once) in every input that requires a gradient; others raise in a backward pass.
        """
        return self.potentials[0]

    @property
    def potential_b(self) -> Array:
        """Dual potential g of the columns, float64: (m,), or (B, m).

        sum_j b_j g_j = 0, but in unbalanced problems, which leave no constant free.
        """
        return self.potentials[1]

    @property
    def potentials(self) -> tuple[Array, Array]:
        """(`potential_a`, `potential_b`): for tensors one backward pass serves both."""
        return self._answer.potentials()

    @property
    def marginal_a(self) -> Array:
        """Row sums of the plan in the data's dtype: (n,), or (B, n); differentiable as `plan`."""
        return self.marginals[0]

    @property
    def marginal_b(self) -> Array:
        """Column sums of the plan in the data's dtype: (m,), or (B, m)."""
        return self.marginals[1]

    @property
    def marginals(self) -> tuple[Array, Array]:
        """(`marginal_a`, `marginal_b`)."""
        cast, dtype = self._problem.library.cast, self._problem.dtype
        row_sums, col_sums = self._answer.marginals()
        return cast(row_sums, dtype), cast(col_sums, dtype)

    def apply(self, V: npt.ArrayLike) -> Array:
        """The plan times V, without forming the plan.

        Parameters
        ----------
        V : array_like, shape (m,) or (m, c); of a batch (B, m) or (B, m, c)
            One row of values for each target.

        Returns
        -------
        array, shape (n,) or (n, c); of a batch (B, n) or (B, n, c)
            In V's dtype (promoted as data are), differentiable in V, and otherwise as `plan`.

        Raises
        ------
        ValueError
            A wrong shape, or values that are not finite.
        TypeError
            V is of another library than the data, or not of real numbers.

        Examples
        --------
        >>> import otcore
        >>> otcore.solve([[0.0, 1.0], [1.0, 0.0]]).apply([10.0, 20.0])
        array([ 5., 10.])
        """
        return self._answer.plan.apply(V)

    def apply_t(self, V: npt.ArrayLike) -> Array:
        """The transposed plan times V, as `apply`: V has a row of values for each source.

        Examples
        --------
        >>> import otcore
        >>> otcore.solve([[0.0, 1.0, 0.0]]).apply_t([3.0])
        array([1., 1., 1.])
        """
        return self._answer.plan.apply_t(V)

    def barycentric_map(self) -> Array:
        """Where each x is sent on average: the mean of the y it is coupled with.

        Row i is sum_j P_ij y_j / sum_j P_ij, the best single target of x_i under sqeuclidean.

        Returns
        -------
        array, shape (n, d); of a batch (B, n, d)
            In the data's dtype. Points without mass have no image: their rows are NaN. For points
            of the line (`otcore.oned`), shape (n,) or (B, n).

        Raises
        ------
        ValueError
            The costs were given as a matrix: there are no points to map to.

        Examples
        --------
        >>> import otcore
        >>> otcore.solve_sample([[0.0], [1.0]], [[11.0], [10.0]]).barycentric_map()
        array([[10.],
               [11.]])
        """
        if self._problem.metric is None:
            raise ValueError(
                "barycentric_map: the costs were given as a matrix, expected a result of "
                "solve_sample; .apply(Y) / .marginal_a[:, None] maps to points Y"
            )
        targets = self._problem.sources[1]
        if isinstance(self._index, int) and self._problem.batched:
            targets = targets[self._index]
        image = self._answer.plan.apply(self._problem.library.cast(targets, FLOAT64))
        mass = self._answer.marginals()[0]
        if image.ndim > mass.ndim:
            mass = mass[..., None]
        with np.errstate(invalid="ignore"):
            mean = image / mass
        return self._problem.library.cast(mean, self._problem.dtype)


class OTResult(_Result):
    """The solution of one transport problem.

    Immutable; arrays are of the library that the data came in. It refers to the caller's data, so
    leave those unchanged while it is in use.
    """

    _index: int

    @property
    def value(self) -> Any:
        """The least value of the objective: a float, or a 0-d float64 tensor.

        Of exact problems and IPOT the transport cost sum_ij P_ij M_ij; of entropic ones with the
        terms that regularise it. A tensor is differentiable in every input that requires a gradient
        (see `otcore.solve`).
        """
        return self._problem.library.scalar(self._values[self._index])

    @property
    def value_linear(self) -> Any:
        """The transport cost sum_ij P_ij M_ij; a tensor is differentiable as `value`."""
        return self._problem.library.scalar(self._answer.linear(self._values)[self._index])

    @property
    def sparse_plan(self) -> Any:
        """The plan as a scipy CSR array, or a torch sparse COO tensor, in the data's dtype.

        An exact plan has at most n + m - 1 entries. Of an entropic one, all of whose entries are
        positive, it holds those of at least 1e-9 min(a_i, b_j), all others together being less than
        1e-9 min(n, m) of the mass. For numpy this needs scipy (the extra ``otcore[sparse]``).
        """
        return self._answer.plan.sparse()

    @property
    def status(self) -> str:
        """ "optimal" (exact), "converged" to the tolerance (entropic), or why not: "max_iter",
        "time_limit", "interrupted", "infeasible", "stalled" (rounding leaves an error above it)."""
        return self._solution.status_of(self._index)

    @property
    def n_iter(self) -> int:
        """Pivots of the network simplex, augmentations of the assignment solver, or passes over all
        pairs of an entropic solver (full iterations, with one update of f and of g each)."""
        return int(self._solution.n_iter[self._index])

    @property
    def gap(self) -> float:
        """`value_linear` minus a lower bound of the exact optimum, by the dual potentials.

        An exact answer is optimal to this much; an entropic one, regularisation included, is so far
        from the exact optimum at most. NaN in unbalanced problems, infinite where the plan misses
        mass, as it may on sparse costs that were stopped early.
        """
        return float(self._solution.gap[self._index])

    @property
    def marginal_error(self) -> float:
        """How far the plan's marginals are from a and b: the sum of both L1 distances.

        In unbalanced problems from what optimality asks of them, a exp(-f / rho_a) and b exp(-g /
        rho_b).
        """
        return float(self._answer.marginal_errors)

    def rounded(self) -> RoundedPlan:
        """A plan with the marginals a and b, at most 2 `marginal_error` from this one in L1.

        What the marginals exceed a and b by is scaled away, what they then miss added as a product
        (Altschuler, Weed, Rigollet 2017). Optimal plans are returned as they are.

        Returns
        -------
        RoundedPlan
            ``plan``, dense, and ``value``, its cost: an upper bound of the exact optimum.

        Raises
        ------
        ValueError
            The problem is unbalanced.

        Examples
        --------
        >>> import otcore
        >>> result = otcore.solve([[0.0, 1.0], [2.0, 0.0]], [0.3, 0.7], reg=0.5, tol=1e-3)
        >>> result.rounded().plan.sum(axis=1)
        array([0.3, 0.7])
        """
        return self._answer.rounded()

    def plot(self, ax: Any = None) -> Any:
        """Draw the plan with matplotlib (the extra ``otcore[plot]``).

        Points in the plane are drawn with a line for each pair that exchanges mass, the darker the
        more; other problems as an image of the plan, at most 512 cells a side.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; None makes a new figure.

        Returns
        -------
        matplotlib.axes.Axes
        """
        from .plot import plot_matching, plot_plan

        rows, cols, mass = self._answer.plan.entries()
        if self._problem.metric is not None and self._problem.data[0].shape[-1] == 2:
            x, y = (points[self._index] for points in self._problem.data)
            return plot_matching(x, y, rows, cols, mass, ax=ax)
        return plot_plan(rows, cols, mass, self._problem.size[1:], ax=ax)

    def __repr__(self) -> str:
        _, n, m = self._problem.size
        return (
            f"OTResult(value={float(self._solution.value[self._index]):.6g}, "
            f"status={self.status!r}, "
            f"shape=({n}, {m}), n_iter={self.n_iter}, "
            f"{self._answer.certificate}={getattr(self, self._answer.certificate):.2g})"
        )


class BatchResult(_Result):
    """The solutions of a batch of transport problems; ``result[b]`` is the `OTResult` of one.

    Immutable; the attributes are those of `OTResult` with a leading axis for the batch.
    """

    _index: slice

    @property
    def value(self) -> Array:
        """As `OTResult.value`, float64 (B,); a tensor is differentiable."""
        return self._values

    @property
    def value_linear(self) -> Array:
        """As `OTResult.value_linear`, float64 (B,)."""
        return self._answer.linear(self._values)

    @property
    def sparse_plan(self) -> list[Any]:
        """The plans, each as `OTResult.sparse_plan`."""
        return [result.sparse_plan for result in self]

    @property
    def status(self) -> list[str]:
        """The status of each problem, as `OTResult.status`."""
        return self._solution.status

    @property
    def n_iter(self) -> Array:
        """int64 (B,): as `OTResult.n_iter`."""
        return self._problem.library.wrap(self._solution.n_iter)

    @property
    def gap(self) -> Array:
        """float64 (B,): as `OTResult.gap`; tensors carry no gradient."""
        return self._problem.library.wrap(self._solution.gap)

    @property
    def marginal_error(self) -> Array:
        """float64 (B,): as `OTResult.marginal_error`; tensors carry no gradient."""
        return self._problem.library.wrap(self._answer.marginal_errors)

    def __len__(self) -> int:
        return len(self._solution.value)

    def __getitem__(self, b: int) -> OTResult:
        index = operator.index(b)
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index}, expected one of {len(self)} problems")
        return OTResult(self._problem, self._solution, self._values, index % len(self))

    def __iter__(self) -> Iterator[OTResult]:
        return (self[b] for b in range(len(self)))

    def __repr__(self) -> str:
        count, n, m = self._problem.size
        answer, errors = (
            self._answer,
            self._problem.library.to_numpy(getattr(self, self._answer.certificate)),
        )
        return (
            f"BatchResult({count} problems of shape ({n}, {m}), "
            f"{count - self._solution.unfinished} {answer.finished}, "
            f"{answer.certificate} <= {errors.max():.2g})"
        )

"""POT's ``ot.lp.solver_1d``: transport on the line, answered by `otcore.oned`."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .... import oned
from ...._arrays import Array
from .._arguments import widened
from .._coverage import missing
from .._lines import line_power, read_columns, solve_columns, solve_line
from .._result import OTResult, coordinates, entries

__all__ = ["emd2_1d", "emd_1d", "emd_1d_dual_backprop", "wasserstein_1d"]


class PlanTuple(NamedTuple):
    """A plan as its entries."""

    data: Array
    rows: Array
    cols: Array


def emd_1d(
    x_a: npt.ArrayLike,
    x_b: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    metric: str = "sqeuclidean",
    p: float = 1.0,
    dense: bool = True,
    log: bool = False,
    check_marginals: bool = True,
) -> Any:
    """The optimal transport plan between points on the line, as ``ot.emd_1d``.

    Parameters
    ----------
    x_a : array_like, shape (n,) or (n, 1)
        The first points, in any order.
    x_b : array_like, shape (m,) or (m, 1)
        The second points.
    a : array_like, shape (n,), optional
        Masses of x_a; None is 1/n each.
    b : array_like, shape (m,), optional
        Masses of x_b; None is 1/m each.
    metric
        The cost: ``"sqeuclidean"``, (x - y)^2; ``"euclidean"`` and ``"cityblock"``, abs(x - y);
        ``"minkowski"``, abs(x - y)^p.
    p
        The exponent of ``"minkowski"``, a finite number >= 1.
    dense
        False gives the plan as a scipy COO array (the extra ``otcore[sparse]``) or a torch sparse
        tensor.
    log
        Also return a dictionary.
    check_marginals
        As in `otcore.compat.pot.emd`.

    Returns
    -------
    plan : array or sparse, shape (n, m)
        In the dtype of x_a (float64 for integers); tensors carry no gradient.
    log : dict
        If `log`: ``cost``, a float, or a tensor that is differentiable (once) in all inputs; and
        ``perms_x_a`` and ``perms_x_b``, the rows and columns of the plan's entries from the
        leftmost points to the rightmost ones.

    Raises
    ------
    AssertionError
        Points of more than one coordinate, weights that do not fit them, or masses that differ.
    ValueError
        An unknown metric; what `otcore.oned.solve` refuses.

    Examples
    --------
    >>> import otcore.compat.pot as ot
    >>> ot.emd_1d([2.0, 0.0], [0.0, 3.0], [0.5, 0.5], [0.5, 0.5])
    array([[0. , 0.5],
           [0.5, 0. ]])
    """
    power = line_power(metric, p)
    solution, arguments = solve_line(x_a, x_b, a, b, power, check_marginals=check_marginals)
    plan = _plan(solution, dense)
    if not log:
        return plan
    _, rows, cols = entries(plan)
    x, y = (arguments.library.to_numpy(points) for points in arguments.data)
    order = np.lexsort((y[np.asarray(cols)], x[np.asarray(rows)]))
    return plan, {"cost": solution.value, "perms_x_a": rows[order], "perms_x_b": cols[order]}


def emd2_1d(
    x_a: npt.ArrayLike,
    x_b: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    metric: str = "sqeuclidean",
    p: float = 1.0,
    dense: bool = True,
    log: bool = False,
) -> Any:
    """The optimal transport cost between points on the line, as ``ot.emd2_1d``.

    Parameters
    ----------
    x_a, x_b, a, b, metric, p
        As in `emd_1d`.
    dense
        Whether the plan in the dictionary is dense.
    log
        Also return a dictionary.

    Returns
    -------
    cost : float or tensor
        A float for numpy; a tensor is differentiable (once) in all inputs.
    log : dict
        If `log`: the plan as ``G``.

    Raises
    ------
    AssertionError, ValueError
        As `emd_1d`.

    Examples
    --------
    >>> import otcore.compat.pot as ot
    >>> ot.emd2_1d([2.0, 0.0], [0.0, 3.0])
    0.5
    """
    solution, _ = solve_line(x_a, x_b, a, b, line_power(metric, p))
    return (solution.value, {"G": _plan(solution, dense)}) if log else solution.value


def wasserstein_1d(
    u_values: npt.ArrayLike,
    v_values: npt.ArrayLike,
    u_weights: npt.ArrayLike | None = None,
    v_weights: npt.ArrayLike | None = None,
    p: float = 1,
    require_sort: bool = True,
    return_plans: bool | str = False,
) -> Any:
    """The transport cost abs(x - y)^p between points on the line, as ``ot.wasserstein_1d``.

    Parameters
    ----------
    u_values : array_like, shape (n,) or (n, ...)
        The first points: of one problem, or of as many as there are columns.
    v_values : array_like, shape (m,) or (m, ...)
        The second points.
    u_weights : array_like, shape (n,) or (n, ...), optional
        Masses of u_values, the same for all columns or each its own. None is 1/n each.
    v_weights : array_like, shape (m,) or (m, ...), optional
        Masses of v_values. None is 1/m each.
    p
        The power, a finite number >= 1. The cost is not rooted.
    require_sort
        Makes no difference: the points may be in any order.
    return_plans
        True to return the plans as well, ``"coo_tuple"`` to return their entries.

    Returns
    -------
    cost : scalar or array, shape (...)
        In the widest dtype of the arguments (float64 for integers). Tensors are differentiable
        (once) in all inputs; the gradients in the weights are centred to sum 0.
    plans : list
        If `return_plans`: for each column the plan as scipy COO (the extra ``otcore[sparse]``) or a
        torch sparse tensor, or a named tuple of ``data``, ``rows`` and ``cols``.

    Raises
    ------
    AssertionError
        p below 1.
    ValueError, TypeError
        What `otcore.oned.wasserstein` refuses: masses that differ, too.

    Examples
    --------
    >>> import numpy as np
    >>> import otcore.compat.pot as ot
    >>> ot.wasserstein_1d(np.array([[0.0, 0.0], [1.0, 4.0]]), np.array([[2.0, 1.0], [1.0, 1.0]]))
    array([1., 2.])
    """
    if not p >= 1:
        raise AssertionError(f"p: {p}, expected at least 1")
    arguments, batch = read_columns(
        (("u_values", u_values), ("v_values", v_values)), u_weights, v_weights
    )
    if return_plans:
        solution = solve_columns(arguments, p)
        plans = [coordinates(plan) for plan in solution.sparse_plan]
        if return_plans == "coo_tuple":
            plans = [PlanTuple(*entries(plan)) for plan in plans]
        return solution.value.reshape(batch)[()], plans
    arguments = widened(arguments)
    x, y = arguments.data
    costs = oned.wasserstein(x, y, arguments.a, arguments.b, p=p)
    if isinstance(costs, float):
        costs = np.float64(costs)
    return arguments.library.like(costs.reshape(batch), arguments.like)[()]


def emd_1d_dual_backprop(
    u_values: npt.ArrayLike,
    v_values: npt.ArrayLike,
    u_weights: npt.ArrayLike | None = None,
    v_weights: npt.ArrayLike | None = None,
    p: float = 1,
    require_sort: bool = True,
) -> tuple[Array, Array, Any]:
    """The dual potentials between points on the line, as ``ot.lp.emd_1d_dual_backprop``.

    Nothing is propagated backwards for them here, and numpy arrays will do.

    Parameters
    ----------
    u_values, v_values, u_weights, v_weights, p, require_sort
        As in `wasserstein_1d`.

    Returns
    -------
    f : array, shape (n,) or (n, ...)
        The potentials of u_values: f_i + g_j <= abs(u_i - v_j)^p.
    g : array, shape (m,) or (m, ...)
        The potentials of v_values.
    cost : scalar or array, shape (...)
        As in `wasserstein_1d`: the sum of f over u_weights and of g over v_weights.

    Raises
    ------
    AssertionError, ValueError, TypeError
        As `wasserstein_1d`.

    Examples
    --------
    >>> import numpy as np
    >>> import otcore.compat.pot as ot
    >>> ot.lp.emd_1d_dual_backprop(np.array([0.0, 2.0]), np.array([5.0]))
    (array([3., 1.]), array([2.]), np.float64(4.0))
    """
    if not p >= 1:
        raise AssertionError(f"p: {p}, expected at least 1")
    arguments, batch = read_columns(
        (("u_values", u_values), ("v_values", v_values)), u_weights, v_weights
    )
    solution = solve_columns(arguments, p)
    f, g = (potential.T.reshape(-1, *batch) for potential in solution.potentials)
    return f, g, solution.value.reshape(batch)[()]


def _plan(solution: OTResult, dense: bool) -> Any:
    return solution.plan if dense else coordinates(solution.sparse_plan)


def __getattr__(name: str) -> object:
    raise missing(__name__, name, __all__)

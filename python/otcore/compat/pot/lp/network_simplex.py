"""POT's ``emd``, ``emd2`` and ``emd2_lazy``, answered by `otcore.solve` and `solve_sample`."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy.typing as npt

from .._arguments import DEFAULT_ITERATIONS, read_arguments
from .._result import OTResult, coordinates
from .._transport import transport

__all__ = ["emd", "emd2", "emd2_lazy"]

_LAZY_METRICS = ("sqeuclidean", "euclidean", "cityblock")


def emd(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    M: npt.ArrayLike,
    numItermax: float = DEFAULT_ITERATIONS,
    log: bool = False,
    center_dual: bool = True,
    numThreads: int | str | None = 1,
    check_marginals: bool = True,
    potentials_init: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
) -> Any:
    """The optimal transport plan for a cost matrix, as ``ot.emd``.

    Parameters
    ----------
    a : array_like, shape (n,)
        Masses of the rows; an empty list or None is 1/n each.
    b : array_like, shape (m,)
        Masses of the columns; an empty list or None is 1/m each.
    M : array_like or sparse matrix, shape (n, m)
        Costs: a numpy array, a list, or a torch tensor on the CPU. float32 is read as it is and
        solved in float64. Of a scipy sparse matrix or a torch sparse tensor only the stored pairs
        may carry mass.
    numItermax
        Stop after so many pivots or augmentations, with a plan that has the right marginals; the
        default, anything above it, and 0 are no limit.
    log
        Also return a dictionary.
    center_dual
        Shift the potentials so that their weighted sums over a and b are equal; else the b-weighted
        mean of v is 0.
    numThreads
        At most so many threads. 1 (POT's default), None and ``"max"`` leave the number to otcore.
        The plan is the same for any.
    check_marginals
        Refuse masses that differ by more than 1.5e-6 and more than 1e-6 relative (1e-4 for
        float32). What is let through is normalised: b is scaled to the sum of a.
    potentials_init
        Potentials (u, v) of shapes (n,) and (m,) to start from; only v is used.

    Returns
    -------
    plan : array, shape (n, m)
        In the dtype of a, or if a is empty of b, or of M; tensors carry no gradient. For sparse
        costs sparse, too: a scipy COO array, or a torch sparse COO tensor.
    log : dict
        If `log`: ``cost`` (float), ``u`` (n,) and ``v`` (m,), ``warning`` (None or a text),
        ``result_code`` (1: optimal, 0: infeasible, 3: stopped early), and otcore's ``status`` and
        ``gap``.

    Raises
    ------
    AssertionError
        Weights that do not fit M, or masses that differ.
    ValueError
        What `otcore.solve` refuses: NaN, infinite costs, negative weights, no mass.
    TypeError
        Arrays of two libraries, or not of real numbers.

    Warns
    -----
    ConvergenceWarning
        A UserWarning: numItermax came before the optimum.
    UserWarning
        The stored pairs of sparse costs hold no plan: then the one that is returned misses mass,
        and the cost is infinite. Or the plan is cut to integers, in the dtype of a.

    Examples
    --------
    >>> import otcore.compat.pot as ot
    >>> ot.emd([0.5, 0.5], [0.5, 0.5], [[0.0, 1.0], [1.0, 0.0]])
    array([[0.5, 0. ],
           [0. , 0.5]])
    """
    solution = transport(
        read_arguments((("M", M),), a, b),
        numItermax=numItermax,
        numThreads=numThreads,
        check_marginals=check_marginals,
        potentials_init=potentials_init,
    )
    plan = solution.coupling
    if not log:
        return plan
    return plan, solution.emd_log(solution.cost, center_dual=center_dual)


def emd2(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    M: npt.ArrayLike,
    processes: int = 1,
    numItermax: float = DEFAULT_ITERATIONS,
    log: bool = False,
    return_matrix: bool = False,
    center_dual: bool = True,
    numThreads: int | str | None = 1,
    check_marginals: bool = True,
    potentials_init: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
) -> Any:
    """The optimal transport cost for a cost matrix, to one or many targets, as ``ot.emd2``.

    Parameters
    ----------
    a, M, numItermax, center_dual, numThreads, check_marginals, potentials_init
        As in `emd`.
    b : array_like, shape (m,) or (m, k)
        Masses of the columns, or those of k targets, one in each column of b.
    processes
        Ignored, with a warning if it is not 1; the threads are numThreads.
    log
        Also return a dictionary.
    return_matrix
        Also return a dictionary, and in it the plan.

    Returns
    -------
    cost : float or tensor
        A float for numpy; for torch a 0-d tensor of the plan's dtype, differentiable (once) in a, b
        and M. The gradient in M is the plan, those in a and b are the potentials, centred to sum 0.
        With `log` or `return_matrix` a list ``[cost, log]``, with log as in `emd` except that
        ``cost`` is the cost itself, and with the plan as ``G`` if `return_matrix`.
    list
        For b of shape (m, k): the above for each target.

    Raises
    ------
    AssertionError, ValueError, TypeError
        As `emd`.

    Examples
    --------
    >>> import otcore.compat.pot as ot
    >>> ot.emd2([0.5, 0.5], [0.25, 0.75], [[0.0, 1.0], [1.0, 0.0]])
    0.25
    >>> ot.emd2([0.5, 0.5], [[0.25, 1.0], [0.75, 0.0]], [[0.0, 1.0], [1.0, 0.0]])
    [0.25, 0.5]
    """
    if processes != 1:
        warnings.warn(
            f"processes: {processes!r} is ignored; numThreads sets the number of threads",
            UserWarning,
            stacklevel=2,
        )
    arguments = read_arguments((("M", M),), a, b)
    many: Any = arguments.b if arguments.b is not None and arguments.b.ndim > 1 else None
    targets = [arguments]
    if many is not None:
        targets = [replace(arguments, b=many[:, k]) for k in range(many.shape[1])]
    answers = []
    for target in targets:
        solution = transport(
            target,
            numItermax=numItermax,
            numThreads=numThreads,
            check_marginals=check_marginals,
            potentials_init=potentials_init,
        )
        answers.append(_with_log(solution, log, return_matrix, center_dual))
    return answers[0] if many is None else answers


def emd2_lazy(
    X_a: npt.ArrayLike,
    X_b: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    metric: str = "sqeuclidean",
    numItermax: float = DEFAULT_ITERATIONS,
    log: bool = False,
    return_matrix: bool = True,
    center_dual: bool = True,
    check_marginals: bool = True,
    potentials_init: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
) -> Any:
    """The optimal transport cost between points, as ``ot.emd2_lazy``.

    Parameters
    ----------
    X_a : array_like, shape (n, d)
        The first points, with masses `a`.
    X_b : array_like, shape (m, d)
        The second points, with masses `b`.
    a, b, numItermax, center_dual, check_marginals, potentials_init
        As in `emd`.
    metric
        ``"sqeuclidean"``, ``"euclidean"`` or ``"cityblock"``.
    log
        Also return a dictionary.
    return_matrix
        Also return a dictionary, and in it the plan: for numpy this needs scipy (the extra
        ``otcore[sparse]``).

    Returns
    -------
    cost : float or tensor
        As in `emd2`; a tensor is differentiable in the points, too.
    log : dict
        If `log` or `return_matrix`: as in `emd2`, with ``G`` sparse (scipy COO, or a torch sparse
        tensor).

    Raises
    ------
    AssertionError, ValueError, TypeError
        As `emd`; ValueError also for an unknown metric.

    Examples
    --------
    >>> import otcore.compat.pot as ot
    >>> ot.emd2_lazy([[0.0], [1.0]], [[3.0], [4.0]], return_matrix=False)
    9.0
    """
    if metric not in _LAZY_METRICS:
        expected = ", ".join(map(repr, _LAZY_METRICS))
        raise ValueError(f"metric: {metric!r}, expected one of {expected}")
    solution = transport(
        read_arguments((("X_a", X_a), ("X_b", X_b)), a, b),
        metric=metric,
        numItermax=numItermax,
        check_marginals=check_marginals,
        potentials_init=potentials_init,
    )
    if not (log or return_matrix):
        return solution.value
    value = solution.value
    entries = solution.emd_log(value, center_dual=center_dual)
    if return_matrix:
        entries["G"] = coordinates(solution.sparse_plan)
    return value, entries


def _with_log(solution: OTResult, log: bool, return_matrix: bool, center_dual: bool) -> Any:
    value = solution.value
    if not (log or return_matrix):
        return value
    entries = solution.emd_log(value, center_dual=center_dual)
    if return_matrix:
        entries["G"] = solution.coupling
    return [value, entries]

"""Mini-batch optimal transport: m-OT, BoMb-OT and eBoMb-OT, and pyramids of mini-batches.

Instead of one large problem, many small ones: k mini-batches of m points are drawn from each side
and transport is solved between batches. m-OT averages the pairs of batches; BoMb-OT (batch of
mini-batches) also finds out which batches belong together, by an optimal coupling of the batches
themselves [1]_. Pyramid Mini-Batching fills batches with points that lie near each other on both
sides.

References
----------
.. [1] K. Nguyen, D. Nguyen, Q. Nguyen, T. Pham, H. Bui, D. Phung, T. Le, N. Ho, On Transportation
   of Mini-batches: A Hierarchical Approach, ICML 2022.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy.typing as npt

from ._batches import Count, Draw
from ._minibatch_map import barycentric_map
from ._minibatch_options import Strengths, inner_options, outer_strength
from ._minibatch_pyramid import PyramidResult, pmb_ot
from ._minibatch_result import BarycentricMap, MiniBatchResult
from ._minibatch_solve import solve_minibatches
from ._problem import points_problem
from ._ranks import Ranks
from .cost import MetricLike

__all__ = [
    "BarycentricMap",
    "MiniBatchResult",
    "PyramidResult",
    "barycentric_map",
    "bomb_ot",
    "m_ot",
    "pmb_ot",
]


def m_ot(
    X: npt.ArrayLike,
    Y: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    *,
    k: Count | None = None,
    m: Count | None = None,
    inner: str = "exact",
    inner_reg: float | None = None,
    inner_rho: Strengths | None = None,
    inner_value: str = "objective",
    inner_tol: float | None = None,
    inner_max_iter: int | None = None,
    inner_iter: int = 1,
    inner_projections: int | npt.ArrayLike | None = None,
    inner_p: float | None = None,
    metric: MetricLike = "sqeuclidean",
    pairs: str = "all",
    sampling: str = "independent",
    replacement: bool = False,
    labels_x: npt.ArrayLike | None = None,
    labels_y: npt.ArrayLike | None = None,
    batches: Sequence[npt.ArrayLike] | None = None,
    batch_weights: str = "uniform",
    root: bool = False,
    seed: object = None,
    n_threads: int | None = None,
    ranks: Ranks | None = None,
) -> MiniBatchResult:
    """Mini-batch optimal transport (m-OT): the average over pairs of mini-batches.

    The value is the mean of the transport costs between the batches, the plan the mean of their
    plans (definition 1 of [1]_). It is positive also between equal measures: no metric.

    Parameters
    ----------
    X : array_like, shape (n, d)
        The first points: a numpy array, a list or a torch tensor on the CPU; dtypes as in
        `otcore.solve`. Only the points drawn are read.
    Y : array_like, shape (n', d)
        The second points.
    a : array_like, shape (n,), optional
        Weights of the x, not negative: within a batch masses are proportional to them. None: all
        the same.
    b : array_like, shape (n',), optional
        Weights of the y.
    k : int or (int, int)
        How many batches to draw, or how many of X and of Y.
    m : int or (int, int)
        How many points to draw for each batch, or how many of X and of Y.
    inner
        How transport between two batches is solved. ``"exact"``. ``"sinkhorn"``: the entropic
        problem min <P, C> + reg KL(P | a x b). ``"unbalanced"``: the same with rho_a KL(P 1 | a) +
        rho_b KL(P^T 1 | b) in place of the marginals. ``"ipot"``: the exact problem, to a
        tolerance, by inexact proximal steps. Regularised problems are solved in the data's dtype,
        the others in float64. For the meaning of the options see `otcore.solve`. ``"sliced"``: the
        sliced cost, as `otcore.sliced.sliced_wasserstein`; all pairs share the directions and the
        sorted projections. It couples projections, not points, so the result has no plan.
    inner_reg
        In units of the ground costs: reg of ``"sinkhorn"`` and ``"unbalanced"``; the step of
        ``"ipot"``, None being 0.03 of the range of a pair's costs.
    inner_rho : float or (float, float), optional
        rho of ``"unbalanced"``, or rho_a and rho_b; infinity keeps a marginal.
    inner_value
        The cost C_ij of a pair that ``"sinkhorn"`` or ``"unbalanced"`` solves: ``"objective"``, the
        regularised value, whose gradient is that of the envelope theorem; or ``"linear"``, <P, C>
        alone, whose gradient in the points holds the plan P fixed, as code in use has it (it is not
        the derivative of <P, C>), and which has none in a and b.
    inner_tol
        The L1 error of the marginals to reach, relative to the mass. None: 1e-6 (``"ipot"``: 1e-4),
        more where rounding does not allow it.
    inner_max_iter
        Passes over the pairs of points that an inner problem may take; None: 10,000.
    inner_iter
        Sinkhorn iterations in each step of ``"ipot"``.
    inner_projections : int or array_like of shape (d, L), optional
        How many directions ``"sliced"`` draws, from the seed; or the directions, as columns, taken
        as they are. None: 50.
    inner_p
        The power p of the costs abs(x - y)^p that ``"sliced"`` has on the lines. None: 2.
    metric
        The ground cost, as in `otcore.solve_sample`; not for ``"sliced"``.
    pairs
        ``"all"``: every batch of X with every batch of Y, the estimator of [1]_. ``"diagonal"``:
        only batch i with batch i, as much code in use has it: another estimator of the same
        quantity, with fewer problems and a greater variance.
    sampling
        ``"independent"``: each batch is drawn anew. ``"disjoint"``: the batches are pieces of a
        random order of the points, k m of which must exist; all of them make a partition.
    replacement
        Whether independent batches may hold a point more than once.
    labels_x : array_like of int, shape (n,), optional
        Classes of the x: every batch takes the same number of points from each class, and one more
        from random ones where m does not divide evenly.
    labels_y : array_like of int, shape (n',), optional
        Classes of the y.
    batches : pair of array_like of int, shapes (kx, mx) and (ky, my), optional
        Rows of X and rows of Y to use as batches, in place of k, m and all that says how to draw.
    batch_weights
        What the batches weigh: ``"uniform"``, all the same, or ``"mass"``, the sum of their points'
        weights.
    root
        The costs between batches are W_p, the root of the transport cost, instead of W_p^p (for
        ``"sliced"`` the root of the mean over the directions). Not for ``"unbalanced"``, and for
        ``"sinkhorn"`` only with ``inner_value="linear"``.
    seed : None, int, numpy.random.Generator or torch.Generator
        What decides the draws; None is the global generator of the data's library. A seed draws the
        same batches on every platform and for any number of threads.
    n_threads
        At most so many threads; None is the default (`otcore.set_num_threads`). The result is the
        same for any number.
    ranks : otcore.torch.distributed.Ranks, optional
        Processes that all make this call with the same arguments, and share the inner problems: the
        y batches are divided among them. Each has the result that one process would have, bit by
        bit, but for the plan, which stays in parts until `Ranks.gather_plan`, and for gradients.

    Returns
    -------
    MiniBatchResult
        ``value``, ``costs``, ``coupling``, ``batches_x``, ``batches_y``, ``sparse_plan``,
        ``barycentric_map()``, ... For tensors ``value`` is differentiable (once) in X, Y, a and b,
        for the batches drawn; where the root of a cost is 0 its gradient is taken as 0.

    Raises
    ------
    ValueError
        A wrong shape; in a point drawn a value that is not finite (with its index); batches larger
        than the data; a class with too few points; a batch without mass; options that are unknown
        or do not go together; projections that overflow.
    TypeError
        Arrays of two libraries, not of real numbers, or numbers that are not integers.
    SolveInterrupted
        Ctrl-C; the costs of pairs not yet solved are NaN in its result.

    Warns
    -----
    ConvergenceWarning
        An inner problem did not reach its tolerance: states the largest error.

    References
    ----------
    .. [1] K. Nguyen et al., On Transportation of Mini-batches: A Hierarchical Approach, ICML 2022.

    Examples
    --------
    >>> import numpy as np
    >>> import otcore
    >>> X = np.arange(20.0).reshape(10, 2)
    >>> result = otcore.minibatch.m_ot(X, X + 1.0, k=4, m=5, seed=0)
    >>> result.costs.shape
    (4, 4)
    >>> bool(np.isclose(result.value, result.costs.mean()))
    True
    """
    if pairs not in ("all", "diagonal"):
        raise ValueError(f"pairs: {pairs!r}, expected 'all' or 'diagonal'")
    options = inner_options(
        inner,
        inner_reg,
        inner_rho,
        inner_value,
        inner_tol,
        inner_max_iter,
        inner_iter,
        inner_projections,
        inner_p,
        metric,
    )
    draw = Draw(k, m, sampling, replacement, labels_x, labels_y, batches, seed)
    problem = points_problem(X, Y, a, b, metric=metric, batched=False)
    coupling = "diagonal" if pairs == "diagonal" else "product"
    return solve_minibatches(
        problem, draw, options, coupling, 0.0, batch_weights, root, n_threads, ranks
    )


def bomb_ot(
    X: npt.ArrayLike,
    Y: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    *,
    k: Count | None = None,
    m: Count | None = None,
    inner: str = "exact",
    inner_reg: float | None = None,
    inner_rho: Strengths | None = None,
    inner_value: str = "objective",
    inner_tol: float | None = None,
    inner_max_iter: int | None = None,
    inner_iter: int = 1,
    inner_projections: int | npt.ArrayLike | None = None,
    inner_p: float | None = None,
    metric: MetricLike = "sqeuclidean",
    outer_reg: float | None = None,
    sampling: str = "independent",
    replacement: bool = False,
    labels_x: npt.ArrayLike | None = None,
    labels_y: npt.ArrayLike | None = None,
    batches: Sequence[npt.ArrayLike] | None = None,
    batch_weights: str = "uniform",
    root: bool = False,
    seed: object = None,
    n_threads: int | None = None,
    ranks: Ranks | None = None,
) -> MiniBatchResult:
    """Batch of mini-batches optimal transport (BoMb-OT), and its entropic form (eBoMb-OT).

    Transport costs C between all pairs of batches, then the optimal coupling of the batches under
    these costs: the value is sum_ij coupling_ij C_ij, the plan sum_ij coupling_ij plan_ij
    (definition 3 of [1]_). It is at most m-OT's value for the same batches.

    Parameters
    ----------
    outer_reg
        None: the optimal coupling, as sparse as a transport plan. A positive number lambda, in
        units of the costs: the coupling that minimises <coupling, C> + lambda KL(coupling | u x v)
        for the batches' weights u and v (equation 4 of [1]_, eBoMb-OT). Towards 0 it is BoMb-OT,
        towards infinity m-OT. The value does not include the KL term.
    X, Y, a, b, k, m, metric, sampling, replacement, labels_x, labels_y, batches, batch_weights
        As in `m_ot`.
    inner, inner_reg, inner_rho, inner_value, inner_tol, inner_max_iter, inner_iter
        As in `m_ot`. BoMb-UOT is ``inner="unbalanced"``.
    inner_projections, inner_p
        As in `m_ot`. BoMb-SW is ``inner="sliced"``.
    root, seed, n_threads, ranks
        As in `m_ot`.

    Returns
    -------
    MiniBatchResult
        As `m_ot`. The value is differentiable through the coupling, too.

    Raises
    ------
    ValueError, TypeError, SolveInterrupted
        As `m_ot`; also for an `outer_reg` that is not positive and finite.

    Warns
    -----
    ConvergenceWarning
        As `m_ot`; also if the coupling for `outer_reg` did not reach a marginal error of 1e-9,
        which rounding allows down to an `outer_reg` of about 1e-6 of the range of C.

    References
    ----------
    .. [1] K. Nguyen et al., On Transportation of Mini-batches: A Hierarchical Approach, ICML 2022.

    Examples
    --------
    >>> import numpy as np
    >>> import otcore
    >>> X = np.array([[0.0], [1.0], [100.0], [101.0]])
    >>> batches = [[0, 1], [2, 3]], [[2, 3], [0, 1]]
    >>> otcore.minibatch.m_ot(X, X, batches=batches).value
    5000.0
    >>> result = otcore.minibatch.bomb_ot(X, X, batches=batches)
    >>> result.value
    0.0
    >>> result.coupling
    array([[0. , 0.5],
           [0.5, 0. ]])
    """
    reg = outer_strength(outer_reg)
    options = inner_options(
        inner,
        inner_reg,
        inner_rho,
        inner_value,
        inner_tol,
        inner_max_iter,
        inner_iter,
        inner_projections,
        inner_p,
        metric,
    )
    draw = Draw(k, m, sampling, replacement, labels_x, labels_y, batches, seed)
    problem = points_problem(X, Y, a, b, metric=metric, batched=False)
    coupling = "exact" if outer_reg is None else "entropic"
    return solve_minibatches(
        problem, draw, options, coupling, reg, batch_weights, root, n_threads, ranks
    )

"""The front door: one function for cost matrices, one for points, and the same two for batches."""

from __future__ import annotations

import numpy.typing as npt

from . import entropic, exact
from ._options import Unbalanced, entropic_options, solver_options
from ._problem import matrix_problem
from ._progress import Progress
from ._solve_points import solve_sample, solve_sample_batch
from .result import BatchResult, OTResult

__all__ = ["solve", "solve_batch", "solve_sample", "solve_sample_batch"]


def solve(
    M: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    *,
    reg: float | None = None,
    method: str = "auto",
    unbalanced: Unbalanced | None = None,
    unbalanced_type: str = "kl",
    potentials_init: tuple[npt.ArrayLike, npt.ArrayLike] | OTResult | None = None,
    tol: float | None = None,
    inner_iter: int = 1,
    scheme: str = "auto",
    max_iter: int | None = None,
    n_threads: int | None = None,
    time_limit: float | None = None,
    progress: Progress = False,
) -> OTResult:
    """Optimal transport for a given cost matrix.

    Minimises sum_ij P_ij M_ij over the plans P >= 0 with row sums a and column sums b; with `reg`,
    sum_ij P_ij M_ij + reg KL(P | a x b), where KL(p | q) = sum p log(p / q) - p + q. `unbalanced`
    replaces the constraints by + rho_a KL(P 1 | a) + rho_b KL(P^T 1 | b).

    Parameters
    ----------
    M : array_like or sparse matrix, shape (n, m)
        Costs: any finite numbers. A numpy array, a list or a torch tensor on the CPU. float32 and
        float64 are read as they are (and solved in float64), half floats become float32, integers
        and bool float64. Of a scipy sparse matrix or array of any format, or of a torch sparse COO
        or CSR tensor, only the stored pairs may carry mass: a stored zero is a pair of cost 0, and
        pairs that are stored twice add up. That takes memory for the stored pairs alone.
    a : array_like, shape (n,), optional
        Masses of the rows, not negative, with a positive sum, which need not be 1. Rounded to the
        data's dtype. None is 1/n each.
    b : array_like, shape (m,), optional
        Masses of the columns. The sums of a and b may differ by 1e-6 relative (1e-4 if one of the
        weights or the data are float32 or narrower); that is normalised. In unbalanced problems
        they may be any.
    reg
        Strength of the regularisation, positive, in the unit of the costs; None is exact
        transport. For IPOT the size of its steps, which sets the speed and not the answer; None is
        0.03 of the range of the costs.
    method
        - ``"exact"``: the optimum and its certificate, by shortest augmenting paths for up to 512
          points of equal masses on either side, else by the network simplex [1]_;
        - ``"sinkhorn"``: the regularised problem, in the log domain, by Sinkhorn's iterations [2]_
          while reg is annealed, and Newton steps on its dual where those are slow;
        - ``"ipot"``: an approximately exact plan by proximal point steps [3]_;
        - ``"auto"``: sinkhorn where `reg` is given, else exact.
    unbalanced
        How much marginals cost that differ from a and b [4]_, in the unit of the costs: one rho, or
        (rho_a, rho_b), each positive; infinity keeps that side's marginal a constraint. Sinkhorn
        only.
    unbalanced_type
        ``"kl"``.
    potentials_init
        Dual potentials to start from, a pair (f, g) of shapes (n,) and (m,) of any library, or the
        result of a similar problem. Good ones (of costs or masses that changed a little) save work;
        any leave the answer as certain as without. Only g is used, as f follows from it, and of an
        exact result between many points its plan too; augmenting paths use neither, and IPOT has no
        use for them.
    tol
        For sinkhorn and ipot: the error of the marginals to reach, L1 of both sides together,
        relative to the mass. None is 1e-6 (ipot: 1e-4, also for the relative change of the value
        over its last steps), in float32 no less than 2^-22 range(M) / reg, which rounding leaves.
    inner_iter
        For ipot: Sinkhorn iterations in each step.
    scheme
        For sinkhorn: ``"auto"``, or ``"plain"``, which is nothing but Sinkhorn's iterations at reg,
        from g = 0; for comparisons.
    max_iter
        Stop after so many pivots or augmentations, or passes over all pairs; None is no limit
        (10000 passes).
    n_threads
        At most so many threads; None is the default (`otcore.set_num_threads`). The result is the
        same for any number. Sparse costs are solved on one.
    time_limit
        Stop after so many seconds; None is no limit.
    progress
        True for a bar (the extra ``otcore[cli]``), or a function that is called with (done, total),
        about 20 times a second and at the end, counting problems; for one large problem (M given,
        more than 2^18 pairs) its five stages: potentials to start from, candidates, a first plan,
        its basis, and pivots, which may take longer than all others.

    Returns
    -------
    OTResult
        ``value``, ``plan``, ``sparse_plan``, ``potentials``, ``status``, ``gap``, ... in the
        library that came in. For tensors ``value`` is differentiable in M, a and b where they
        require a gradient: once, of entropic problems twice, whose plans and potentials are
        differentiable as well. The gradient in M is the plan. Those in a and b are the potentials,
        centred to sum 0: weights can only change with their total mass fixed. In unbalanced
        problems they may change freely, and have the whole derivative. For sparse costs
        f_i + g_j <= M_ij holds for the stored pairs; rows and columns that nothing bounds have a
        potential of 0.

    Raises
    ------
    InfeasibleError
        A ValueError: no plan on the stored pairs has these marginals. Carries the rows that prove
        it.
    ValueError
        A wrong shape; NaN or infinity (with its index); negative weights, weights without mass, or
        masses that differ; an unknown method; a limit or reg that is not positive; arguments that
        have no meaning together, such as sparse costs with reg.
    TypeError
        Arrays of two libraries or devices (both named), or not of real numbers.
    SolveInterrupted
        Ctrl-C; carries the result so far.

    Warns
    -----
    ConvergenceWarning
        A limit came before the optimum, or rounding before the tolerance: states the gap or error
        reached.

    References
    ----------
    .. [1] G. Peyre, M. Cuturi, Computational Optimal Transport, Foundations and Trends in Machine
       Learning 11, 2019, chapter 3.
    .. [2] M. Cuturi, Sinkhorn distances: lightspeed computation of optimal transport, NeurIPS 2013.
    .. [3] Y. Xie, X. Wang, R. Wang, H. Zha, A fast proximal point method for computing exact
       Wasserstein distance, UAI 2019.
    .. [4] L. Chizat, G. Peyre, B. Schmitzer, F.-X. Vialard, Scaling algorithms for unbalanced
       optimal transport problems, Mathematics of Computation 87, 2018.

    Examples
    --------
    >>> import otcore
    >>> result = otcore.solve([[0.0, 2.0], [1.0, 0.0]], [0.25, 0.75], [0.5, 0.5])
    >>> result.value
    0.25
    >>> result.plan
    array([[0.25, 0.  ],
           [0.25, 0.5 ]])
    >>> result.status
    'optimal'

    Regularised:

    >>> smooth = otcore.solve([[0.0, 2.0], [1.0, 0.0]], [0.25, 0.75], [0.5, 0.5], reg=0.5)
    >>> smooth.plan.round(3)
    array([[0.249, 0.001],
           [0.251, 0.499]])
    >>> smooth.status, bool(smooth.value_linear > result.value)
    ('converged', True)

    Only some pairs, and the same with other masses, from where the first came to:

    >>> import scipy.sparse
    >>> pairs = scipy.sparse.csr_array([[1.0, 3.0, 0.0], [0.0, 1.0, 2.0]])
    >>> near = otcore.solve(pairs, [0.5, 0.5], [0.25, 0.5, 0.25])
    >>> near.value
    1.75
    >>> near.sparse_plan.nnz
    4
    >>> otcore.solve(pairs, [0.5, 0.5], [0.5, 0.25, 0.25], potentials_init=near).value
    1.25
    """
    regularised = entropic_options(
        method,
        reg,
        unbalanced=unbalanced,
        unbalanced_type=unbalanced_type,
        tol=tol,
        inner_iter=inner_iter,
        scheme=scheme,
    )
    options = solver_options(max_iter, n_threads, time_limit, progress)
    problem = matrix_problem(
        M, a, b, batched=False, potentials_init=potentials_init, entropic=regularised
    )
    if regularised is None:
        return exact.solve_one(problem, options)
    return entropic.solve_one(problem, options)


def solve_batch(
    M: npt.ArrayLike,
    a: npt.ArrayLike | None = None,
    b: npt.ArrayLike | None = None,
    *,
    reg: float | None = None,
    method: str = "auto",
    unbalanced: Unbalanced | None = None,
    unbalanced_type: str = "kl",
    tol: float | None = None,
    inner_iter: int = 1,
    scheme: str = "auto",
    max_iter: int | None = None,
    n_threads: int | None = None,
    time_limit: float | None = None,
    progress: Progress = False,
) -> BatchResult:
    """Many transport problems of one shape in one call; as `solve` for each.

    Parameters
    ----------
    M : array_like, shape (B, n, m)
        The costs of B problems.
    a : array_like, shape (n,) or (B, n), optional
        Masses of the rows: the same for all problems, or each its own. None is 1/n each.
    b : array_like, shape (m,) or (B, m), optional
        Masses of the columns.
    reg, method, unbalanced, unbalanced_type, tol, inner_iter, scheme, max_iter
        As in `solve`, for each problem.
    n_threads, time_limit, progress
        As in `solve`, for the whole call.

    Returns
    -------
    BatchResult
        The attributes of `OTResult` with a leading axis of B; ``result[b]`` is one `OTResult`. Each
        problem's answer is the one it would have alone.

    Raises
    ------
    ValueError, TypeError, SolveInterrupted
        As `solve`.

    Examples
    --------
    >>> import otcore
    >>> otcore.solve_batch([[[0.0, 1.0], [1.0, 0.0]], [[3.0, 1.0], [1.0, 2.0]]]).value
    array([0., 1.])
    """
    regularised = entropic_options(
        method,
        reg,
        unbalanced=unbalanced,
        unbalanced_type=unbalanced_type,
        tol=tol,
        inner_iter=inner_iter,
        scheme=scheme,
    )
    options = solver_options(max_iter, n_threads, time_limit, progress)
    problem = matrix_problem(M, a, b, batched=True, entropic=regularised)
    if regularised is None:
        return exact.solve_many(problem, options)
    return entropic.solve_many(problem, options)

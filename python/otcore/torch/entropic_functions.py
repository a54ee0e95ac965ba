"""Entropic transport as functions of tensors, for compilers and transforms."""

from __future__ import annotations

from torch import Tensor

from .._options import Entropic, Unbalanced, entropic_options
from ..cost import MetricLike, parse_metric
from .entropic_tensors import EntropicTensors, rounded_mass
from .operators.registration import check_tensors

__all__ = [
    "sinkhorn_divergence",
    "transport_plan",
    "transport_plan_sample",
    "transport_potentials",
    "transport_potentials_sample",
]


def transport_plan(
    M: Tensor,
    a: Tensor | None = None,
    b: Tensor | None = None,
    *,
    reg: float,
    unbalanced: Unbalanced | None = None,
    tol: float | None = None,
    scheme: str = "auto",
    max_iter: int | None = None,
    n_threads: int | None = None,
) -> Tensor:
    """The entropic transport plan for a given cost matrix.

    The plan of ``otcore.solve(M, a, b, reg=reg, ...)``, for torch.compile, torch.func and vmap.

    Parameters
    ----------
    M : Tensor, shape (n, m) or (B, n, m)
        The costs, or those of B problems.
    a : Tensor, shape (n,), or for a batch also (B, n), optional
        Masses of the rows; None is 1/n each.
    b : Tensor, shape (m,), or for a batch also (B, m), optional
        Masses of the columns.
    reg
        Strength of the regularisation, in the unit of the costs. Plans of exact transport are
        piecewise constant in the costs, so there is no such function of them.
    unbalanced, tol, scheme, max_iter, n_threads
        As in `otcore.solve`.

    Returns
    -------
    Tensor, shape (n, m) or (B, n, m)
        In the dtype of M (promoted as data are). Differentiable (once) in M, a and b; derivatives
        in the weights of balanced problems are centred, as their masses are fixed.

    Raises
    ------
    ValueError, TypeError
        As `otcore.solve`.

    Warns
    -----
    ConvergenceWarning
        The solver was stopped; or, in a backward pass, the plan hangs together by so little mass
        that its derivative has few correct digits.

    Examples
    --------
    >>> import torch
    >>> import otcore.torch
    >>> M = torch.tensor([[0.0, 1.0], [1.0, 0.0]], dtype=torch.float64)
    >>> otcore.torch.transport_plan(M, reg=0.5).round(decimals=3)
    tensor([[0.4400, 0.0600],
            [0.0600, 0.4400]], dtype=torch.float64)
    """
    check_tensors(M=M, a=a, b=b)
    model = _model("transport_plan", reg, unbalanced, tol, scheme)
    return EntropicTensors.solve((M,), (a, b), None, model, max_iter, n_threads).plan()


def transport_plan_sample(
    X: Tensor,
    Y: Tensor,
    a: Tensor | None = None,
    b: Tensor | None = None,
    *,
    metric: MetricLike = "sqeuclidean",
    reg: float,
    unbalanced: Unbalanced | None = None,
    tol: float | None = None,
    scheme: str = "auto",
    max_iter: int | None = None,
    n_threads: int | None = None,
) -> Tensor:
    """The entropic transport plan between two sets of points.

    Parameters
    ----------
    X : Tensor, shape (n, d) or (B, n, d)
        The first points, or those of B problems.
    Y : Tensor, shape (m, d) or (B, m, d)
        The second points.
    a, b, reg, unbalanced, tol, scheme, max_iter, n_threads
        As in `transport_plan`.
    metric
        As in `otcore.solve_sample`.

    Returns
    -------
    Tensor, shape (n, m) or (B, n, m)
        As of `transport_plan`; differentiable (once) in X, Y, a and b.

    Raises
    ------
    ValueError, TypeError
        As `otcore.solve_sample`.

    Warns
    -----
    ConvergenceWarning
        As `transport_plan`.

    Examples
    --------
    >>> import torch
    >>> import otcore.torch
    >>> X = torch.tensor([[0.0], [1.0]])
    >>> otcore.torch.transport_plan_sample(X, X, reg=0.5).round(decimals=3)
    tensor([[0.4400, 0.0600],
            [0.0600, 0.4400]])
    """
    check_tensors(X=X, Y=Y, a=a, b=b)
    model = _model("transport_plan_sample", reg, unbalanced, tol, scheme)
    ground = parse_metric(metric)
    return EntropicTensors.solve((X, Y), (a, b), ground, model, max_iter, n_threads).plan()


def transport_potentials(
    M: Tensor,
    a: Tensor | None = None,
    b: Tensor | None = None,
    *,
    reg: float,
    unbalanced: Unbalanced | None = None,
    tol: float | None = None,
    scheme: str = "auto",
    max_iter: int | None = None,
    n_threads: int | None = None,
) -> tuple[Tensor, Tensor]:
    """The potentials of entropic transport for a given cost matrix.

    Parameters
    ----------
    M, a, b, reg, unbalanced, tol, scheme, max_iter, n_threads
        As in `transport_plan`.

    Returns
    -------
    f : Tensor, shape (n,) or (B, n)
        float64. The plan is a_i b_j exp((f_i + g_j - M_ij) / reg).
    g : Tensor, shape (m,) or (B, m)
        float64, with sum_j b_j g_j = 0 in balanced problems. Both are differentiable as
        `transport_plan`, one backward pass serving both.

    Raises
    ------
    ValueError, TypeError
        As `otcore.solve`.

    Warns
    -----
    ConvergenceWarning
        As `transport_plan`.

    Examples
    --------
    >>> import torch
    >>> import otcore.torch
    >>> f, g = otcore.torch.transport_potentials(torch.tensor([[0.0, 1.0]]), reg=0.1)
    >>> g.round(decimals=3)
    tensor([-0.5000,  0.5000], dtype=torch.float64)
    """
    check_tensors(M=M, a=a, b=b)
    model = _model("transport_potentials", reg, unbalanced, tol, scheme)
    return EntropicTensors.solve((M,), (a, b), None, model, max_iter, n_threads).potentials()


def transport_potentials_sample(
    X: Tensor,
    Y: Tensor,
    a: Tensor | None = None,
    b: Tensor | None = None,
    *,
    metric: MetricLike = "sqeuclidean",
    reg: float,
    unbalanced: Unbalanced | None = None,
    tol: float | None = None,
    scheme: str = "auto",
    max_iter: int | None = None,
    n_threads: int | None = None,
) -> tuple[Tensor, Tensor]:
    """The potentials of entropic transport between two sets of points, in O(n + m) memory.

    Parameters
    ----------
    X, Y, a, b, metric, reg, unbalanced, tol, scheme, max_iter, n_threads
        As in `transport_plan_sample`.

    Returns
    -------
    f, g : Tensor
        As of `transport_potentials`; differentiable (once) in X, Y, a and b.

    Raises
    ------
    ValueError, TypeError
        As `otcore.solve_sample`.

    Warns
    -----
    ConvergenceWarning
        As `transport_plan`.

    Examples
    --------
    >>> import torch
    >>> import otcore.torch
    >>> X, Y = torch.zeros(1, 2), torch.ones(3, 2)
    >>> otcore.torch.transport_potentials_sample(X, Y, reg=0.1)[0].round(decimals=3)
    tensor([2.], dtype=torch.float64)
    """
    check_tensors(X=X, Y=Y, a=a, b=b)
    model = _model("transport_potentials_sample", reg, unbalanced, tol, scheme)
    ground = parse_metric(metric)
    return EntropicTensors.solve((X, Y), (a, b), ground, model, max_iter, n_threads).potentials()


def sinkhorn_divergence(
    X: Tensor,
    Y: Tensor,
    a: Tensor | None = None,
    b: Tensor | None = None,
    *,
    metric: MetricLike = "sqeuclidean",
    reg: float,
    unbalanced: float | None = None,
    tol: float | None = None,
    max_iter: int | None = None,
    n_threads: int | None = None,
) -> Tensor:
    """The Sinkhorn divergence between two weighted sets of points.

    The value of `otcore.entropic.sinkhorn_divergence`, for torch.compile, torch.func and vmap.

    Parameters
    ----------
    X, Y, a, b, metric, reg, tol, max_iter, n_threads
        As in `transport_plan_sample`.
    unbalanced
        As in `otcore.entropic.sinkhorn_divergence`: one number for both sides.

    Returns
    -------
    Tensor, shape () or (B,)
        float64; twice differentiable in X, Y, a and b.

    Raises
    ------
    ValueError, TypeError
        As `otcore.entropic.sinkhorn_divergence`.

    Warns
    -----
    ConvergenceWarning
        As `transport_plan`.

    Examples
    --------
    >>> import torch
    >>> import otcore.torch
    >>> X = torch.tensor([[0.0], [1.0]], requires_grad=True)
    >>> divergence = otcore.torch.sinkhorn_divergence(X, X.detach() + 2.0, reg=0.5)
    >>> divergence.round(decimals=3)
    tensor(4., dtype=torch.float64, grad_fn=<RoundBackward1>)
    >>> torch.autograd.grad(divergence, X)[0].round(decimals=3)
    tensor([[-2.],
            [-2.]])
    """
    check_tensors(X=X, Y=Y, a=a, b=b)
    model = _model("sinkhorn_divergence", reg, unbalanced, tol)
    if model.rho[0] != model.rho[1]:
        raise ValueError(f"unbalanced: {unbalanced!r}, expected one number for both sides")
    ground = parse_metric(metric)
    how = max_iter, n_threads
    cross = EntropicTensors.solve((X, Y), (a, b), ground, model, *how)
    symmetric = model._replace(method="symmetric")
    self_x = EntropicTensors.solve((X, X), (a, a), ground, symmetric, *how)
    self_y = EntropicTensors.solve((Y, Y), (b, b), ground, symmetric, *how)
    value = cross.value() - (self_x.value() + self_y.value()) / 2
    if model.balanced:
        return value
    difference = rounded_mass(a, cross.dtype) - rounded_mass(b, cross.dtype)
    total: Tensor = value + model.reg / 2 * difference**2
    return total


def _model(
    function: str,
    reg: float | None,
    unbalanced: Unbalanced | None,
    tol: float | None,
    scheme: str = "auto",
) -> Entropic:
    if reg is None:
        raise ValueError(
            f"reg: None, expected a positive number: {function} is differentiable only there; "
            "otcore.solve and solve_sample give plans and potentials of exact transport"
        )
    model = entropic_options("sinkhorn", reg, unbalanced=unbalanced, tol=tol, scheme=scheme)
    assert model is not None
    return model

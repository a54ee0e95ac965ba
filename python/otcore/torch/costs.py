"""Transport costs as functions of tensors, for compilers and transforms."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from .._options import Unbalanced, entropic_options, solver_options
from ..cost import MetricLike, parse_metric
from ..solve import solve, solve_batch, solve_sample, solve_sample_batch
from .entropic_tensors import EntropicTensors
from .operators.exact import exact_costs, exact_points
from .operators.ipot import ipot_costs, ipot_points
from .operators.registration import check_tensors, observed

__all__ = ["transport_cost", "transport_cost_sample"]


def transport_cost(
    M: Tensor,
    a: Tensor | None = None,
    b: Tensor | None = None,
    *,
    reg: float | None = None,
    method: str = "auto",
    unbalanced: Unbalanced | None = None,
    tol: float | None = None,
    inner_iter: int = 1,
    scheme: str = "auto",
    max_iter: int | None = None,
    n_threads: int | None = None,
) -> Tensor:
    """The transport cost for a given cost matrix, or for each of a batch.

    The value of ``otcore.solve(M, a, b, ...)``, or of `otcore.solve_batch`, as an operator that
    works whole under ``torch.compile(fullgraph=True)``, ``torch.func`` and ``vmap``.

    Parameters
    ----------
    M : Tensor, shape (n, m) or (B, n, m)
        The costs, dense and on the CPU; dtypes as in `otcore.solve`.
    a : Tensor, shape (n,), or for a batch also (B, n), optional
        Masses of the rows; None is 1/n each.
    b : Tensor, shape (m,), or for a batch also (B, m), optional
        Masses of the columns.
    reg, method, unbalanced, tol, inner_iter, scheme, max_iter, n_threads
        As in `otcore.solve`.

    Returns
    -------
    Tensor, shape () or (B,)
        float64, whatever the dtype of M, also under autocast. Differentiable in M, a and b: once
        for exact transport and IPOT, whose plans do not change smoothly, twice for entropic
        transport. Derivatives in the weights of balanced problems are centred to sum 0, as their
        total mass is fixed. There is no forward mode.

    Raises
    ------
    ValueError
        As `otcore.solve`. What depends on the tensors is found when the operator runs, also in a
        compiled function; options are checked while it is compiled, when torch makes errors its
        own ``torch._dynamo.exc.Unsupported``, which says the same.
    TypeError
        What is no dense tensor of real numbers.
    RuntimeError
        A tensor that is not on the CPU; a second derivative that there is not.
    NotImplementedError
        A derivative by forward mode.

    Warns
    -----
    ConvergenceWarning
        As `otcore.solve`.

    Examples
    --------
    >>> import torch
    >>> from otcore.torch import transport_cost
    >>> M = torch.tensor([[[0.0, 2.0], [1.0, 0.0]], [[1.0, 3.0], [2.0, 2.0]]])
    >>> a, b = torch.tensor([0.25, 0.75]), torch.tensor([0.5, 0.5])
    >>> transport_cost(M, a, b)
    tensor([0.2500, 1.7500], dtype=torch.float64)
    >>> torch.vmap(torch.func.grad(transport_cost), in_dims=(0, None, None))(M, a, b)
    tensor([[[0.2500, 0.0000],
             [0.2500, 0.5000]],
    <BLANKLINE>
            [[0.2500, 0.0000],
             [0.2500, 0.5000]]])
    """
    check_tensors(M=M, a=a, b=b)
    options: dict[str, Any] = {
        "reg": reg,
        "method": method,
        "unbalanced": unbalanced,
        "tol": tol,
        "inner_iter": inner_iter,
        "scheme": scheme,
    }
    if not observed(M, a, b):
        door = solve_batch if M.dim() == 3 else solve
        result = door(M, a, b, max_iter=max_iter, n_threads=n_threads, **options)
        return result.value  # type: ignore[no-any-return]
    entropic = entropic_options(**options)
    solver_options(max_iter, n_threads, None, False)
    value: Tensor
    if entropic is None:
        value, *_ = exact_costs(M, a, b, max_iter, n_threads)
    elif entropic.method == "ipot":
        how = entropic.reg, entropic.tol, entropic.inner_iter, max_iter, n_threads
        value, *_ = ipot_costs(M, a, b, *how)
    else:
        solved = EntropicTensors.solve((M,), (a, b), None, entropic, max_iter, n_threads)
        value = solved.value()
    return value


def transport_cost_sample(
    X: Tensor,
    Y: Tensor,
    a: Tensor | None = None,
    b: Tensor | None = None,
    *,
    metric: MetricLike = "sqeuclidean",
    reg: float | None = None,
    method: str = "auto",
    unbalanced: Unbalanced | None = None,
    tol: float | None = None,
    inner_iter: int = 1,
    scheme: str = "auto",
    max_iter: int | None = None,
    n_threads: int | None = None,
) -> Tensor:
    """The transport cost between two sets of points, or between each of a batch of pairs.

    The value of ``otcore.solve_sample(X, Y, a, b, ...)``; as `transport_cost`.

    Parameters
    ----------
    X : Tensor, shape (n, d) or (B, n, d)
        The first points, dense and on the CPU.
    Y : Tensor, shape (m, d) or (B, m, d)
        The second points.
    a, b, reg, method, unbalanced, tol, inner_iter, scheme, max_iter, n_threads
        As in `transport_cost`.
    metric
        As in `otcore.solve_sample`.

    Returns
    -------
    Tensor, shape () or (B,)
        As of `transport_cost`; differentiable in X, Y, a and b. Where a cost has a kink its
        gradient is taken as 0. The gradient of exact transport takes the memory of the points.

    Raises
    ------
    ValueError, TypeError, RuntimeError, NotImplementedError
        As `transport_cost`.

    Examples
    --------
    >>> import torch
    >>> from otcore.torch import transport_cost_sample
    >>> X = torch.tensor([[0.0], [1.0]])
    >>> transport_cost_sample(X, X + 3.0)
    tensor(9., dtype=torch.float64)
    >>> torch.func.grad(transport_cost_sample)(X, X + 3.0)
    tensor([[-3.],
            [-3.]])
    """
    check_tensors(X=X, Y=Y, a=a, b=b)
    options: dict[str, Any] = {
        "reg": reg,
        "method": method,
        "unbalanced": unbalanced,
        "tol": tol,
        "inner_iter": inner_iter,
        "scheme": scheme,
    }
    if not observed(X, Y, a, b):
        door = solve_sample_batch if X.dim() == 3 else solve_sample
        result = door(X, Y, a, b, metric=metric, max_iter=max_iter, n_threads=n_threads, **options)
        return result.value  # type: ignore[no-any-return]
    ground = parse_metric(metric)
    entropic = entropic_options(**options)
    solver_options(max_iter, n_threads, None, False)
    value: Tensor
    if entropic is None:
        value, *_ = exact_points(X, Y, a, b, *ground, max_iter, n_threads)
    elif entropic.method == "ipot":
        how = entropic.reg, entropic.tol, entropic.inner_iter, max_iter, n_threads
        value, *_ = ipot_points(X, Y, a, b, *ground, *how)
    else:
        solved = EntropicTensors.solve((X, Y), (a, b), ground, entropic, max_iter, n_threads)
        value = solved.value()
    return value

"""Transport costs as functions of tensors, for compilers and transforms."""

from __future__ import annotations

from torch import Tensor

from .._options import Unbalanced, entropic_options
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
    check_tensors(M=M, a=a, b=b)
    if not observed(M, a, b):
        door = solve_batch if M.dim() == 3 else solve
        result = door(
            M,
            a,
            b,
            reg=reg,
            method=method,
            unbalanced=unbalanced,
            tol=tol,
            inner_iter=inner_iter,
            scheme=scheme,
            max_iter=max_iter,
            n_threads=n_threads,
        )
        value: Tensor = result.value
        return value
    entropic = entropic_options(
        method, reg, unbalanced=unbalanced, tol=tol, inner_iter=inner_iter, scheme=scheme
    )
    if entropic is None:
        value, *_ = exact_costs(M, a, b, max_iter, n_threads)
        return value
    if entropic.method == "ipot":
        how = entropic.reg, entropic.tol, entropic.inner_iter, max_iter, n_threads
        value, *_ = ipot_costs(M, a, b, *how)
        return value
    return EntropicTensors.solve((M,), (a, b), None, entropic, max_iter, n_threads).value()


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
    check_tensors(X=X, Y=Y, a=a, b=b)
    if not observed(X, Y, a, b):
        door = solve_sample_batch if X.dim() == 3 else solve_sample
        result = door(
            X,
            Y,
            a,
            b,
            metric=metric,
            reg=reg,
            method=method,
            unbalanced=unbalanced,
            tol=tol,
            inner_iter=inner_iter,
            scheme=scheme,
            max_iter=max_iter,
            n_threads=n_threads,
        )
        value: Tensor = result.value
        return value
    ground = parse_metric(metric)
    entropic = entropic_options(
        method, reg, unbalanced=unbalanced, tol=tol, inner_iter=inner_iter, scheme=scheme
    )
    if entropic is None:
        value, *_ = exact_points(X, Y, a, b, *ground, max_iter, n_threads)
        return value
    if entropic.method == "ipot":
        how = entropic.reg, entropic.tol, entropic.inner_iter, max_iter, n_threads
        value, *_ = ipot_points(X, Y, a, b, *ground, *how)
        return value
    data = X, Y
    return EntropicTensors.solve(data, (a, b), ground, entropic, max_iter, n_threads).value()

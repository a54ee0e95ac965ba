"""Mini-batch transport as an operator: of batches that are given, nothing is drawn here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ... import minibatch
from ..._minibatch_options import Strengths
from ..._options import check_choice, check_threads
from ...cost import Metric, MetricLike, parse_metric
from ..minibatch import points_gradient
from .exact import data_dtype
from .registration import check_tensors, define, per_source, refusing


def minibatch_cost(
    X: Tensor,
    Y: Tensor,
    batches_x: Tensor,
    batches_y: Tensor,
    a: Tensor | None = None,
    b: Tensor | None = None,
    *,
    method: str = "bomb",
    inner: str = "exact",
    inner_reg: float | None = None,
    inner_rho: Strengths | None = None,
    inner_tol: float | None = None,
    inner_max_iter: int | None = None,
    metric: MetricLike = "sqeuclidean",
    outer_reg: float | None = None,
    batch_weights: str = "uniform",
    root: bool = False,
    n_threads: int | None = None,
) -> Tensor:
    """The value of mini-batch transport for given batches, as of `otcore.minibatch`.

    Works whole under `torch.compile`, `torch.func` and `vmap` (problem by problem); see
    `transport_cost`.

    Parameters
    ----------
    X : Tensor, shape (n, d)
        The first points.
    Y : Tensor, shape (n', d)
        The second points.
    batches_x : Tensor of int, shape (kx, mx)
        The rows of X in each batch.
    batches_y : Tensor of int, shape (ky, my)
        The rows of Y in each batch.
    a : Tensor, shape (n,), optional
        Weights of X: within a batch masses are proportional to them. None: all the same.
    b : Tensor, shape (n',), optional
        Weights of Y.
    method
        ``"bomb"``: the optimal coupling of the batches (BoMb-OT), or with `outer_reg` an entropic
        one (eBoMb-OT). ``"m_ot"``: the mean over all pairs. ``"diagonal"``: the mean over batch i
        of X with batch i of Y.
    inner
        How transport between two batches is solved: ``"exact"``, ``"sinkhorn"``, ``"unbalanced"``
        or ``"ipot"``.
    inner_reg, inner_rho, inner_tol, inner_max_iter, metric, batch_weights, root, n_threads
        As in `otcore.minibatch.m_ot`. Regularised inner problems count with their objective.
    outer_reg
        As in `otcore.minibatch.bomb_ot`.

    Returns
    -------
    Tensor, shape ()
        The value, float64. Once differentiable in X, Y, a and b.

    Raises
    ------
    ValueError, TypeError
        As `otcore.minibatch.m_ot`.
    RuntimeError
        A tensor that is not on the CPU.

    Examples
    --------
    >>> import torch
    >>> from otcore.torch import minibatch_cost
    >>> X = torch.tensor([[0.0], [1.0], [100.0], [101.0]])
    >>> left, right = torch.tensor([[0, 1], [2, 3]]), torch.tensor([[2, 3], [0, 1]])
    >>> minibatch_cost(X, X, left, right)
    tensor(0., dtype=torch.float64)
    >>> minibatch_cost(X, X, left, right, method="m_ot")
    tensor(5000., dtype=torch.float64)
    """
    check_tensors(X=X, Y=Y, batches_x=batches_x, batches_y=batches_y, a=a, b=b)
    check_choice("method", method, ("bomb", "m_ot", "diagonal"))
    if outer_reg is not None and method != "bomb":
        raise ValueError(f"outer_reg: {outer_reg!r}, expected None with method={method!r}")
    check_choice("inner", inner, ("exact", "sinkhorn", "unbalanced", "ipot"))
    value: Tensor = minibatch_value(
        X,
        Y,
        batches_x,
        batches_y,
        a,
        b,
        *parse_metric(metric),
        method,
        outer_reg,
        inner,
        inner_reg,
        _rho(inner_rho),
        inner_tol,
        inner_max_iter,
        batch_weights,
        root,
        check_threads(n_threads),
        False,
        False,
    )[0]
    return value


def _rho(inner_rho: Any) -> list[float] | None:
    if inner_rho is None:
        return None
    return list(inner_rho) if isinstance(inner_rho, (tuple, list)) else [inner_rho, inner_rho]


def _value(
    X: Tensor,
    Y: Tensor,
    batches_x: Tensor,
    batches_y: Tensor,
    a: Tensor | None,
    b: Tensor | None,
    metric: str,
    p: float,
    method: str,
    outer_reg: float | None,
    inner: str,
    inner_reg: float | None,
    inner_rho: Sequence[float] | None,
    inner_tol: float | None,
    inner_max_iter: int | None,
    batch_weights: str,
    root: bool,
    n_threads: int | None,
    with_points: bool,
    with_weights: bool,
) -> tuple[Tensor, ...]:
    """The value; its gradients in X, Y, a and b, or nothing in place of each."""
    options: dict[str, Any] = {
        "batches": (batches_x, batches_y),
        "metric": Metric(metric, p).written,
        "inner": inner,
        "inner_reg": inner_reg,
        "inner_rho": None if inner_rho is None else tuple(inner_rho),
        "inner_tol": inner_tol,
        "inner_max_iter": inner_max_iter,
        "batch_weights": batch_weights,
        "root": root,
        "n_threads": n_threads,
    }
    if method == "bomb":
        result = minibatch.bomb_ot(X, Y, a, b, outer_reg=outer_reg, **options)
    else:
        pairs = "diagonal" if method == "diagonal" else "all"
        result = minibatch.m_ot(X, Y, a, b, pairs=pairs, **options)
    solution: Any = result._solution
    value: Tensor = result.value
    points: Sequence[Tensor] = [value.new_empty(0, dtype=data_dtype(X, Y)) for _ in range(2)]
    weights: Sequence[Tensor] = [value.new_empty(0) for _ in range(2)]
    if with_points:
        of_pairs = solution.pair_gradient()
        found = points_gradient(result._problem, solution, of_pairs, (X, Y), (True, True))
        points = [part for part in found if part is not None]
    if with_weights:
        weights = [torch.from_numpy(part) for part in solution.weight_gradient()]
    return value, *(part.contiguous() for part in (*points, *weights))


def _value_fake(X: Tensor, Y: Tensor, *rest: Any) -> tuple[Tensor, ...]:
    with_points, with_weights = rest[-2:]
    points = [
        X.new_empty(side.shape if with_points else (0,), dtype=data_dtype(X, Y)) for side in (X, Y)
    ]
    weights = [
        X.new_empty(side.shape[:1] if with_weights else (0,), dtype=torch.float64)
        for side in (X, Y)
    ]
    return X.new_empty((), dtype=torch.float64), *points, *weights


def _backward(
    grads: tuple[Tensor], inputs: tuple[Any, ...], outputs: tuple[Tensor, ...], needed: Any
) -> list[Tensor | None]:
    (grad,) = grads
    X, Y, _, _, a, b = inputs[:6]
    sources = X, Y, a, b
    found = [
        refusing(_scaled, grad, slopes, source, sources=sources) if need else None
        for slopes, source, need in zip(
            outputs[1:], sources, (*needed[:2], *needed[4:6]), strict=True
        )
    ]
    return [*found[:2], None, None, *found[2:]]


def _scaled(grad: Tensor, slopes: Tensor, source: Tensor) -> Tensor:
    return per_source(slopes * grad, source)


minibatch_value = define(
    "minibatch_value(Tensor X, Tensor Y, Tensor batches_x, Tensor batches_y, Tensor? a, Tensor? b, "
    "str metric, float p, str method, float? outer_reg, str inner, float? inner_reg, "
    "float[]? inner_rho, float? inner_tol, int? inner_max_iter, str batch_weights, bool root, "
    "int? n_threads, bool with_points, bool with_weights) -> "
    "(Tensor value, Tensor in_x, Tensor in_y, Tensor in_a, Tensor in_b)",
    _value,
    _value_fake,
    axes=(2, 2, 2, 2, 1, 1, *(None,) * 14),
    alone=(0, 1, 2, 3, 4, 5),
    backward=_backward,
    wants={18: (0, 1), 19: (4, 5)},
)

"""Second derivatives of ground costs."""

from __future__ import annotations

import torch
from torch import Tensor

from ..cost import Metric
from .functions import pair_gradients


def pair_curvature(
    metric: Metric, x: Tensor, y: Tensor, u: Tensor, v: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The derivative of c(x, y) along (u, v), and the gradients of that in x and y.

    Where a cost has a kink both are taken as 0 there.

    Parameters
    ----------
    metric
        The ground cost.
    x, y, u, v : Tensor, shapes that broadcast to (..., d)
        Points and directions, of one floating dtype.

    Returns
    -------
    along : Tensor, shape (...)
    in_x, in_y : Tensor, shape (..., d)
    """
    in_x, in_y = pair_gradients(metric, x, y)
    along = (in_x * u).sum(-1) + (in_y * v).sum(-1)
    if metric.name == "cosine":
        return along, _cosine(x, y, u, v), _cosine(y, x, v, u)
    turned = _of_difference(metric, x - y, in_x, u - v)
    return along, turned, -turned


def _of_difference(metric: Metric, z: Tensor, slope: Tensor, w: Tensor) -> Tensor:
    """The second derivative of a cost of z = x - y, times w; its first is `slope`."""
    match metric.name:
        case "sqeuclidean":
            return 2.0 * w
        case "euclidean":
            length = torch.linalg.vector_norm(z, dim=-1, keepdim=True)
            across = w - (slope * w).sum(-1, keepdim=True) * slope
            return torch.where(length > 0, across / length, 0.0)
        case "cityblock":
            return torch.zeros_like(w)
        case "minkowski":
            p = metric.p
            size = z.abs()
            curved = p * (p - 1.0) * size.pow(p - 2.0)
            return torch.where((size > 0) | (p >= 2.0), curved, 0.0) * w
    raise AssertionError(metric)


def _cosine(x: Tensor, y: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """The gradient in x of the derivative along (u, v) of 1 - <x, y> / (|x| |y|)."""
    length_x: Tensor = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    length_y: Tensor = torch.linalg.vector_norm(y, dim=-1, keepdim=True)
    x, y, u, v = x / length_x, y / length_y, u / length_x, v / length_y

    def dot(one: Tensor, other: Tensor) -> Tensor:
        return (one * other).sum(-1, keepdim=True)

    cosine, along_x = dot(x, y), dot(u, x)
    own = along_x * y + cosine * u + (dot(u, y) - 3.0 * cosine * along_x) * x
    other = dot(v, y) * (y - cosine * x) - v + dot(v, x) * x
    return (own + other) / length_x

"""What the loss modules have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from ..cost import MetricLike, parse_metric
from ._library import TORCH


class TransportLoss(nn.Module, ABC):
    """A transport cost between points as a module without parameters, made of its options."""

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.options = options

    @abstractmethod
    def cost(self, X: Tensor, Y: Tensor, a: Tensor | None, b: Tensor | None) -> Tensor:
        """The loss in float64."""

    def forward(
        self, X: Tensor, Y: Tensor, a: Tensor | None = None, b: Tensor | None = None
    ) -> Tensor:
        """The loss.

        Parameters
        ----------
        X : Tensor, shape (n, d), or (B, n, d) where the class takes batches
            The first points.
        Y : Tensor, shape (m, d) or (B, m, d)
            The second points.
        a : Tensor, shape (n,) or (B, n), optional
            Masses of X; None is 1/n each.
        b : Tensor, shape (m,) or (B, m), optional
            Masses of Y.

        Returns
        -------
        Tensor, 0-d or (B,)
            float64 if X or Y is, else float32.
        """
        for name, array in (("X", X), ("Y", Y), ("a", a), ("b", b)):
            if not isinstance(array, Tensor) and (array is not None or name in "XY"):
                raise TypeError(f"{name}: {type(array).__name__}, expected a tensor")
        double = torch.float64 in (X.dtype, Y.dtype)
        return self.cost(X, Y, a, b).to(torch.float64 if double else torch.float32)

    def extra_repr(self) -> str:
        given = {name: value for name, value in self.options.items() if value is not None}
        return ", ".join(f"{name}={value!r}" for name, value in given.items())


def root_power(metric: MetricLike, root: bool) -> float:
    """The power to root a cost by: 1 for none."""
    ground = parse_metric(metric)
    if not root:
        return 1.0
    if ground.power is None:
        raise ValueError(f"root: True, expected False with metric={metric!r}, no power of a metric")
    return ground.power


def rooted(value: Tensor, power: float) -> Tensor:
    """The root of a cost; at 0 its gradient is taken as 0."""
    return value if power == 1.0 else TORCH.root(value, power)

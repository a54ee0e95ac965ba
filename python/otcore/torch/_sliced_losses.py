"""Losses between projections of two sets of points on lines."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from .._options import check_choice, check_power, check_threads, positive_int
from ._loss import TransportLoss, rooted
from .operators.directions import draw_directions
from .operators.sliced import max_sliced_wasserstein, sliced_wasserstein

__all__ = ["MaxSlicedWassersteinLoss", "SlicedWassersteinLoss"]


class SlicedWassersteinLoss(TransportLoss):
    """The sliced Wasserstein cost: the mean over random directions of W_p^p between projections.

    Parameters
    ----------
    n_projections
        How many directions to draw.
    p
        The power, a finite number >= 1.
    directions
        ``"gaussian"``, ``"orthogonal"`` or ``"quasi"``, as in `otcore.sliced.sliced_wasserstein`.
    root
        The p-th root of the mean, in place of the mean; at 0 its gradient is taken as 0.
    seed
        None: other directions at every call, from torch's global generator. An int: the same ones.
        A `torch.Generator`: drawn from it.
    n_threads
        As in `otcore.solve`.

    Raises
    ------
    ValueError, TypeError
        Options outside these. A call: as `otcore.sliced.sliced_wasserstein`.

    Examples
    --------
    >>> import torch
    >>> from otcore.torch.losses import SlicedWassersteinLoss
    >>> loss = SlicedWassersteinLoss(n_projections=200, directions="orthogonal", seed=0)
    >>> X = torch.zeros(10, 2)
    >>> round(loss(X, X + torch.tensor([3.0, 4.0])).item(), 3)  # 5^2 / 2
    12.5
    """

    def __init__(
        self,
        *,
        n_projections: int = 50,
        p: float = 2,
        directions: str = "gaussian",
        root: bool = False,
        seed: Any = None,
        n_threads: int | None = None,
    ) -> None:
        positive_int(n_projections, "n_projections", most=2**31 - 1)
        check_choice("directions", directions, ("gaussian", "orthogonal", "quasi"))
        self._power = check_power(p) if root else 1.0
        self._draw: dict[str, Any] = {"count": n_projections, "sampling": directions, "seed": seed}
        self._sliced: dict[str, Any] = {"p": check_power(p), "n_threads": check_threads(n_threads)}
        super().__init__(
            n_projections=n_projections,
            p=p,
            directions=directions,
            root=root,
            seed=seed,
            n_threads=n_threads,
        )

    def cost(self, X: Tensor, Y: Tensor, a: Tensor | None, b: Tensor | None) -> Tensor:
        projections = draw_directions(X, **self._draw)
        value = sliced_wasserstein(X, Y, a, b, projections=projections, **self._sliced)
        return rooted(value, self._power)


class MaxSlicedWassersteinLoss(TransportLoss):
    """The max-sliced Wasserstein cost: W_p^p along the direction where it is largest.

    Not for batches. The maximum is a local one, the best that was found from random directions.

    Parameters
    ----------
    n_projections
        How many directions to start from.
    p, root, seed, n_threads
        As in `SlicedWassersteinLoss`.
    max_iter, tol
        As in `otcore.sliced.max_sliced_wasserstein`.

    Raises
    ------
    ValueError, TypeError
        Options outside these. A call: as `otcore.sliced.max_sliced_wasserstein`.

    Examples
    --------
    >>> import torch
    >>> from otcore.torch.losses import MaxSlicedWassersteinLoss
    >>> X = torch.zeros(10, 2)
    >>> round(MaxSlicedWassersteinLoss(root=True)(X, X + torch.tensor([3.0, 4.0])).item(), 3)
    5.0
    """

    def __init__(
        self,
        *,
        n_projections: int = 50,
        p: float = 2,
        root: bool = False,
        seed: Any = None,
        max_iter: int = 200,
        tol: float = 1e-9,
        n_threads: int | None = None,
    ) -> None:
        self._power = check_power(p) if root else 1.0
        positive_int(n_projections, "n_projections", most=2**31 - 1)
        self._draw: dict[str, Any] = {"count": n_projections, "sampling": "gaussian", "seed": seed}
        self._climb: dict[str, Any] = {
            "p": check_power(p),
            "max_iter": positive_int(max_iter, "max_iter"),
            "tol": tol,
            "n_threads": check_threads(n_threads),
        }
        super().__init__(n_projections=n_projections, root=root, seed=seed, **self._climb)

    def cost(self, X: Tensor, Y: Tensor, a: Tensor | None, b: Tensor | None) -> Tensor:
        projections = draw_directions(X, **self._draw)
        value = max_sliced_wasserstein(X, Y, a, b, projections=projections, **self._climb)
        return rooted(value, self._power)

"""Losses of mini-batches that are drawn from two sets of points."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .._batches import Count, count_pair
from .._minibatch_options import outer_strength
from .._options import check_choice, positive_int
from ..minibatch import bomb_ot, m_ot, pmb_ot
from ._batch_loss import check_inner
from ._loss import TransportLoss, root_power, rooted

__all__ = ["BombOTLoss", "MOTLoss", "PMBLoss"]

_DRAWS = ("sampling", "replacement", "batch_weights", "root", "seed", "n_threads")
_TREES = ("branching", "depth", "leaf_size", "n_samples", "seed", "n_threads")


class MOTLoss(TransportLoss):
    """Mini-batch optimal transport (m-OT) between points: the mean over pairs of mini-batches.

    The batches are drawn from X and Y at every call. To train networks on batches without the
    activations of all of them in memory see `otcore.torch.training.bomb_backward`.

    Parameters
    ----------
    k : int or (int, int)
        How many batches to draw, or how many of X and of Y.
    m : int or (int, int)
        How many points to draw for each batch, or how many of X and of Y.
    pairs
        ``"all"`` or ``"diagonal"``, as in `otcore.minibatch.m_ot`.
    inner
        How transport between two batches is solved, as there.
    **options
        `inner_reg`, `inner_rho`, `inner_value`, `inner_tol`, `inner_max_iter`, `inner_iter`,
        `inner_projections`, `inner_p`, `metric`, `sampling`, `replacement`, `batch_weights`,
        `root`, `seed` and `n_threads`, as there.

    Raises
    ------
    ValueError, TypeError
        Options that are unknown or do not go together. A call: as `otcore.minibatch.m_ot`.

    Examples
    --------
    >>> import torch
    >>> from otcore.torch.losses import MOTLoss
    >>> X = torch.arange(20.0).reshape(10, 2)
    >>> MOTLoss(k=1, m=10)(X, X + 1.0).item()
    2.0
    """

    def __init__(
        self, k: Count, m: Count, *, pairs: str = "all", inner: str = "exact", **options: Any
    ) -> None:
        check_choice("pairs", pairs, ("all", "diagonal"))
        _check_batches(k, m, inner, options)
        super().__init__(k=k, m=m, pairs=pairs, inner=inner, **options)

    @torch.compiler.disable  # type: ignore[untyped-decorator]  # draws in the core
    def cost(self, X: Tensor, Y: Tensor, a: Tensor | None, b: Tensor | None) -> Tensor:
        value: Tensor = m_ot(X, Y, a, b, **self.options).value
        return value


class BombOTLoss(TransportLoss):
    """Batch of mini-batches optimal transport (BoMb-OT, eBoMb-OT) between points.

    The batches are drawn from X and Y at every call, and coupled as in `otcore.minibatch.bomb_ot`.

    Parameters
    ----------
    k, m, inner, **options
        As in `MOTLoss`.
    outer_reg
        As in `otcore.minibatch.bomb_ot`; a number makes it eBoMb-OT.

    Raises
    ------
    ValueError, TypeError
        Options that are unknown or do not go together. A call: as `otcore.minibatch.bomb_ot`.

    Examples
    --------
    >>> import torch
    >>> from otcore.torch.losses import BombOTLoss
    >>> loss = BombOTLoss(k=4, m=5, inner="sliced", inner_projections=10, seed=0)
    >>> loss
    BombOTLoss(k=4, m=5, inner='sliced', inner_projections=10, seed=0)
    >>> X = torch.arange(20.0).reshape(10, 2)
    >>> loss(X, X + 1.0).dtype
    torch.float32
    """

    def __init__(
        self,
        k: Count,
        m: Count,
        *,
        inner: str = "exact",
        outer_reg: float | None = None,
        **options: Any,
    ) -> None:
        outer_strength(outer_reg)
        _check_batches(k, m, inner, options)
        super().__init__(k=k, m=m, inner=inner, outer_reg=outer_reg, **options)

    @torch.compiler.disable  # type: ignore[untyped-decorator]  # draws in the core
    def cost(self, X: Tensor, Y: Tensor, a: Tensor | None, b: Tensor | None) -> Tensor:
        value: Tensor = bomb_ot(X, Y, a, b, **self.options).value
        return value


class PMBLoss(TransportLoss):
    """Transport by Pyramid Mini-Batching: the cost of a plan out of a tree's mini-batches.

    Every call builds a tree over X and Y and takes one pass of its batches, which hold all points,
    near ones together: an upper bound of the transport cost with exact inner problems. There is no
    gradient in the masses, which the batches depend on.

    Parameters
    ----------
    m
        How many points of each side a batch has.
    mode
        ``"joint"`` or ``"interleaving"``, as in `otcore.minibatch.pmb_ot`.
    inner
        ``"exact"``, ``"sinkhorn"`` or ``"ipot"``.
    root
        The root that makes the cost of the plan a bound of W_p, in place of the cost.
    **options
        `inner_reg`, `inner_value`, `inner_tol`, `inner_max_iter`, `inner_iter`, `metric`,
        `branching`, `depth`, `leaf_size`, `n_samples`, `seed` and `n_threads`, as there.

    Raises
    ------
    ValueError, TypeError
        Options that are unknown or do not go together. A call: as `otcore.minibatch.pmb_ot`.

    Examples
    --------
    >>> import torch
    >>> from otcore.torch.losses import EMDLoss, PMBLoss
    >>> X, Y = torch.randn(2, 200, 3, generator=torch.Generator().manual_seed(0))
    >>> bool(PMBLoss(m=20, seed=0)(X, Y) > EMDLoss()(X, Y))
    True
    """

    def __init__(
        self,
        m: int,
        *,
        mode: str = "joint",
        inner: str = "exact",
        root: bool = False,
        **options: Any,
    ) -> None:
        positive_int(m, "m")
        check_choice("mode", mode, ("joint", "interleaving"))
        check_choice("inner", inner, ("exact", "sinkhorn", "ipot"))
        check_inner(inner, options, _TREES, "otcore.minibatch.pmb_ot")
        self._power = root_power(options.get("metric", "sqeuclidean"), root)
        self._pass = {"m": m, "mode": mode, "inner": inner, **options}
        super().__init__(m=m, mode=mode, inner=inner, root=root, **options)

    @torch.compiler.disable  # type: ignore[untyped-decorator]  # draws in the core
    def cost(self, X: Tensor, Y: Tensor, a: Tensor | None, b: Tensor | None) -> Tensor:
        value: Tensor = pmb_ot(X, Y, a, b, **self._pass).value
        return rooted(value, self._power)


def _check_batches(k: Count, m: Count, inner: str, options: dict[str, Any]) -> None:
    count_pair(k, "k")
    count_pair(m, "m")
    check_inner(inner, options, _DRAWS, "otcore.minibatch.m_ot")

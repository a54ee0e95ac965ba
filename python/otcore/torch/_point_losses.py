"""Losses between two sets of points, or each of a batch of pairs."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from .._options import entropic_options, positive, solver_options
from ..cost import MetricLike
from ._loss import TransportLoss, root_power, rooted
from .costs import transport_cost_sample
from .entropic_functions import sinkhorn_divergence

__all__ = ["EMDLoss", "IPOTLoss", "SinkhornDivergence"]


class EMDLoss(TransportLoss):
    """The exact transport cost (earth mover's distance) between points.

    Parameters
    ----------
    metric
        The ground cost, as in `otcore.solve_sample`.
    root
        The root that makes the cost a metric (W_2 for ``"sqeuclidean"``) in place of the cost; at 0
        its gradient is taken as 0.
    max_iter, n_threads
        As in `otcore.solve`.

    Raises
    ------
    ValueError, TypeError
        An unknown metric; `root` with a cost that is no power of a metric; limits that are not
        positive. A call: as `otcore.solve_sample`.

    Examples
    --------
    >>> import torch
    >>> from otcore.torch.losses import EMDLoss
    >>> loss = EMDLoss(root=True)
    >>> loss
    EMDLoss(root=True, metric='sqeuclidean')
    >>> X = torch.tensor([[0.0, 0.0], [1.0, 0.0]], requires_grad=True)
    >>> value = loss(X, torch.tensor([[4.0, 4.0], [3.0, 4.0]]))
    >>> value.item()
    5.0
    >>> value.backward()
    >>> X.grad
    tensor([[-0.3000, -0.4000],
            [-0.3000, -0.4000]])
    """

    def __init__(
        self,
        *,
        metric: MetricLike = "sqeuclidean",
        root: bool = False,
        max_iter: int | None = None,
        n_threads: int | None = None,
    ) -> None:
        self._power = root_power(metric, root)
        solver_options(max_iter, n_threads, None, False)
        self._solver: dict[str, Any] = {
            "metric": metric,
            "max_iter": max_iter,
            "n_threads": n_threads,
        }
        super().__init__(root=root, **self._solver)

    def cost(self, X: Tensor, Y: Tensor, a: Tensor | None, b: Tensor | None) -> Tensor:
        return rooted(transport_cost_sample(X, Y, a, b, **self._solver), self._power)


class IPOTLoss(TransportLoss):
    """The exact transport cost to a tolerance, by proximal point steps (IPOT) [1]_.

    Parameters
    ----------
    metric, root
        As in `EMDLoss`.
    reg
        Size of the steps, in units of the cost; None is 0.03 of the range of the costs.
    tol
        The L1 error of the marginals, relative to the mass, and the relative change of the value;
        None is 1e-4.
    inner_iter
        Sinkhorn iterations in each step.
    max_iter, n_threads
        As in `otcore.solve`.

    Raises
    ------
    ValueError, TypeError
        As `EMDLoss`; a `reg`, `tol` or `inner_iter` that is not positive.

    References
    ----------
    .. [1] Y. Xie, X. Wang, R. Wang, H. Zha, A fast proximal point method for computing exact
       Wasserstein distance, UAI 2019.

    Examples
    --------
    >>> import torch
    >>> from otcore.torch.losses import IPOTLoss
    >>> X = torch.tensor([[0.0], [1.0]])
    >>> round(IPOTLoss()(X, X + 2.0).item(), 2)
    4.0
    """

    def __init__(
        self,
        *,
        metric: MetricLike = "sqeuclidean",
        root: bool = False,
        reg: float | None = None,
        tol: float | None = None,
        inner_iter: int = 1,
        max_iter: int | None = None,
        n_threads: int | None = None,
    ) -> None:
        self._power = root_power(metric, root)
        entropic_options("ipot", reg, tol=tol, inner_iter=inner_iter)
        solver_options(max_iter, n_threads, None, False)
        self._solver: dict[str, Any] = {
            "metric": metric,
            "reg": reg,
            "tol": tol,
            "inner_iter": inner_iter,
            "max_iter": max_iter,
            "n_threads": n_threads,
        }
        super().__init__(root=root, **self._solver)

    def cost(self, X: Tensor, Y: Tensor, a: Tensor | None, b: Tensor | None) -> Tensor:
        value = transport_cost_sample(X, Y, a, b, method="ipot", **self._solver)
        return rooted(value, self._power)


class SinkhornDivergence(TransportLoss):
    """The Sinkhorn divergence with the parameters of GeomLoss's ``SamplesLoss("sinkhorn")`` [1]_.

    OT(X, Y) - OT(X, X) / 2 - OT(Y, Y) / 2, where OT is the entropic value min <P, c> + blur^p
    KL(P | a x b) for the ground cost c = abs(x - y)^p / p. For p = 2 that is half the squared
    distance: the value is half of ``otcore.entropic.sinkhorn_divergence(X, Y, reg=2 * blur**2)``.

    Parameters
    ----------
    p
        1 or 2.
    blur
        The distance below which points are not told apart, in units of the points.
    reach
        The distance above which mass is rather lost than moved: marginals cost reach^p KL. None:
        all mass is moved.
    debias
        False for OT(X, Y) alone, which is not 0 between equal sets.
    tol, max_iter, n_threads
        As in `otcore.solve`.

    Raises
    ------
    ValueError, TypeError
        Another p; a blur, reach or limit that is not positive. A call: as
        `otcore.entropic.sinkhorn_divergence`.

    References
    ----------
    .. [1] J. Feydy et al., Interpolating between optimal transport and MMD using Sinkhorn
       divergences, AISTATS 2019.

    Examples
    --------
    >>> import torch
    >>> from otcore.torch.losses import SinkhornDivergence
    >>> loss = SinkhornDivergence(p=2, blur=0.1)
    >>> X = torch.tensor([[0.0, 0.0], [1.0, 0.0]])
    >>> round(loss(X, X + torch.tensor([3.0, 4.0])).item(), 3)  # 5^2 / 2
    12.5
    """

    def __init__(
        self,
        *,
        p: int = 2,
        blur: float = 0.05,
        reach: float | None = None,
        debias: bool = True,
        tol: float | None = None,
        max_iter: int | None = None,
        n_threads: int | None = None,
    ) -> None:
        if p not in (1, 2):
            raise ValueError(f"p: {p!r}, expected 1 or 2")
        # Costs abs(x - y)^p / p and all that is measured in them, times p.
        self._factor = float(p)
        self._solver: dict[str, Any] = {
            "metric": "euclidean" if p == 1 else "sqeuclidean",
            "reg": p * positive(blur, "blur") ** p,
            "unbalanced": None if reach is None else p * positive(reach, "reach") ** p,
            "tol": tol,
            "max_iter": max_iter,
            "n_threads": n_threads,
        }
        entropic_options("sinkhorn", self._solver["reg"], tol=tol)
        solver_options(max_iter, n_threads, None, False)
        super().__init__(
            p=p,
            blur=blur,
            reach=reach,
            debias=debias,
            tol=tol,
            max_iter=max_iter,
            n_threads=n_threads,
        )

    def cost(self, X: Tensor, Y: Tensor, a: Tensor | None, b: Tensor | None) -> Tensor:
        function = sinkhorn_divergence if self.options["debias"] else transport_cost_sample
        return function(X, Y, a, b, **self._solver) / self._factor

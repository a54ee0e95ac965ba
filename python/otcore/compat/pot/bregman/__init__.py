"""POT's ``ot.bregman``: transport regularised by the entropy."""

from __future__ import annotations

from .._coverage import missing
from .dispatch import sinkhorn, sinkhorn2
from .empirical import empirical_sinkhorn, empirical_sinkhorn2, empirical_sinkhorn_divergence
from .methods import (
    greenkhorn,
    sinkhorn_epsilon_scaling,
    sinkhorn_knopp,
    sinkhorn_log,
    sinkhorn_stabilized,
)

__all__ = [
    "empirical_sinkhorn",
    "empirical_sinkhorn2",
    "empirical_sinkhorn_divergence",
    "greenkhorn",
    "sinkhorn",
    "sinkhorn2",
    "sinkhorn_epsilon_scaling",
    "sinkhorn_knopp",
    "sinkhorn_log",
    "sinkhorn_stabilized",
]


def __getattr__(name: str) -> object:
    raise missing(__name__, name, __all__)

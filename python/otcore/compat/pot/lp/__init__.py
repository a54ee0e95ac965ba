"""POT's ``ot.lp``: the linear problem, that is, exact transport."""

from __future__ import annotations

from .._arguments import check_number_threads
from .._coverage import missing
from . import solver_1d
from .network_simplex import emd, emd2, emd2_lazy
from .solver_1d import emd2_1d, emd_1d, emd_1d_dual_backprop, wasserstein_1d

__all__ = [
    "check_number_threads",
    "emd",
    "emd2",
    "emd2_1d",
    "emd2_lazy",
    "emd_1d",
    "emd_1d_dual_backprop",
    "solver_1d",
    "wasserstein_1d",
]


def __getattr__(name: str) -> object:
    raise missing(__name__, name, __all__)

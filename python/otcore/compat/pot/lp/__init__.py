"""POT's ``ot.lp``: the linear problem, that is, exact transport."""

from __future__ import annotations

from .._arguments import check_number_threads
from .._coverage import missing
from .network_simplex import emd, emd2, emd2_lazy

__all__ = [
    "check_number_threads",
    "emd",
    "emd2",
    "emd2_lazy",
]


def __getattr__(name: str) -> object:
    raise missing(__name__, name, __all__)

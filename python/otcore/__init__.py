"""otcore: optimal transport and mini-batch optimal transport with a fast C++ core.

`solve`, `solve_sample` and `solve_grid` solve one problem, `solve_batch` and `solve_sample_batch`
many at once; `entropic` has the Sinkhorn divergence, `oned` is for points of the line, `sliced` for
projections on lines, `minibatch` for mini-batch transport, `pyramid` brings likely partners
together in mini-batches, `cost` has the ground costs. Arrays are numpy arrays, lists or torch
tensors; what comes in decides what goes out.
"""

from __future__ import annotations

from . import cost, entropic, minibatch, oned, pyramid, sliced
from ._core import __version__
from ._runtime import info, set_num_threads
from .errors import ConvergenceWarning, InfeasibleError, SolveInterrupted
from .grid import solve_grid
from .result import BatchResult, OTResult
from .solve import solve, solve_batch, solve_sample, solve_sample_batch

__all__ = [
    "BatchResult",
    "ConvergenceWarning",
    "InfeasibleError",
    "OTResult",
    "SolveInterrupted",
    "__version__",
    "cost",
    "entropic",
    "info",
    "minibatch",
    "oned",
    "pyramid",
    "set_num_threads",
    "sliced",
    "solve",
    "solve_batch",
    "solve_grid",
    "solve_sample",
    "solve_sample_batch",
]

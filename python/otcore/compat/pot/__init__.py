"""POT's names, arguments and answers over otcore's solvers.

``import otcore.compat.pot as ot`` in place of ``import ot`` runs a script that uses the exact and
entropic parts of POT 0.9.7. docs/compat.md lists what is covered and what differs. POT is not
needed.
"""

from __future__ import annotations

from . import batch, bregman, datasets, lp, sliced, solvers, unbalanced, utils
from ._coverage import missing
from .batch import solve_batch, solve_sample_batch
from .bregman import sinkhorn, sinkhorn2
from .lp import (
    emd,
    emd2,
    emd2_1d,
    emd2_lazy,
    emd_1d,
    emd_1d_dual_backprop,
    wasserstein_1d,
)
from .sliced import (
    expected_sliced_plan,
    max_sliced_wasserstein_distance,
    min_sliced_transport_plan,
    sliced_wasserstein_distance,
    sliced_wasserstein_sphere,
)
from .solvers import solve, solve_sample
from .unbalanced import sinkhorn_unbalanced, sinkhorn_unbalanced2
from .utils import dist, tic, toc, toq, unif

__all__ = [
    "__version__",
    "batch",
    "bregman",
    "datasets",
    "dist",
    "emd",
    "emd2",
    "emd2_1d",
    "emd2_lazy",
    "emd_1d",
    "emd_1d_dual_backprop",
    "expected_sliced_plan",
    "lp",
    "max_sliced_wasserstein_distance",
    "min_sliced_transport_plan",
    "sinkhorn",
    "sinkhorn2",
    "sinkhorn_unbalanced",
    "sinkhorn_unbalanced2",
    "sliced",
    "sliced_wasserstein_distance",
    "sliced_wasserstein_sphere",
    "solve",
    "solve_batch",
    "solve_sample",
    "solve_sample_batch",
    "solvers",
    "tic",
    "toc",
    "toq",
    "unbalanced",
    "unif",
    "utils",
    "wasserstein_1d",
]

__version__ = "0.9.7"  # of POT: whose answers these are


def __getattr__(name: str) -> object:
    raise missing(__name__, name, __all__)

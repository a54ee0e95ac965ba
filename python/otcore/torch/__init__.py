"""Functions of tensors that work whole under torch.compile, torch.func and vmap.

The functions of `otcore` take tensors, too, and return results with all there is to know; these
return values alone. `otcore.torch.losses` has them as modules, `otcore.torch.training` gradients of
mini-batch losses. Nothing outside this package imports torch.
"""

from .costs import transport_cost, transport_cost_sample
from .entropic_functions import (
    sinkhorn_divergence,
    transport_plan,
    transport_plan_sample,
    transport_potentials,
    transport_potentials_sample,
)
from .operators.minibatch import minibatch_cost
from .operators.oned import wasserstein_1d
from .operators.sliced import max_sliced_wasserstein, sliced_wasserstein

__all__ = [
    "max_sliced_wasserstein",
    "minibatch_cost",
    "sinkhorn_divergence",
    "sliced_wasserstein",
    "transport_cost",
    "transport_cost_sample",
    "transport_plan",
    "transport_plan_sample",
    "transport_potentials",
    "transport_potentials_sample",
    "wasserstein_1d",
]

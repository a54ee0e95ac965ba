"""Functions of tensors that work whole under torch.compile, torch.func and vmap.

The functions of `otcore` take tensors, too, and return results with all there is to know; these
return values alone. Nothing outside this package imports torch.
"""

from .costs import transport_cost, transport_cost_sample
from .entropic_functions import (
    sinkhorn_divergence,
    transport_plan,
    transport_plan_sample,
    transport_potentials,
    transport_potentials_sample,
)

__all__ = [
    "sinkhorn_divergence",
    "transport_cost",
    "transport_cost_sample",
    "transport_plan",
    "transport_plan_sample",
    "transport_potentials",
    "transport_potentials_sample",
]

"""Transport costs between points as modules.

Each takes its options when it is made and is called with points, ``loss(X, Y, a=None, b=None)``. It
has no parameters, and gives a 0-d tensor in the dtype of the points (half floats: float32), which
is differentiable once, that of `SinkhornDivergence` twice. `EMDLoss`, `IPOTLoss`,
`SinkhornDivergence` and `SlicedWassersteinLoss` also take batches of pairs of sets, (B, n, d) and
(B, m, d), and give (B,). torch.compile takes all but the losses of mini-batches whole.
"""

from ._minibatch_losses import BombOTLoss, MOTLoss, PMBLoss
from ._point_losses import EMDLoss, IPOTLoss, SinkhornDivergence
from ._sliced_losses import MaxSlicedWassersteinLoss, SlicedWassersteinLoss

__all__ = [
    "BombOTLoss",
    "EMDLoss",
    "IPOTLoss",
    "MOTLoss",
    "MaxSlicedWassersteinLoss",
    "PMBLoss",
    "SinkhornDivergence",
    "SlicedWassersteinLoss",
]

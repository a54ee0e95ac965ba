"""Training on mini-batch transport without holding k networks' activations in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .._options import check_choice, positive
from ._batch_loss import Coupling, InnerLoss, PairLoss
from ._batch_passes import Extra, Passes
from ._batch_ranks import shared_parameters, split_step, without_wrapper
from ._batch_side import Forward, Side
from ._replay import Replay
from .distributed import Ranks

__all__ = ["BombStep", "bomb_backward"]


@dataclass(frozen=True)
class BombStep:
    """What a call of `bomb_backward` found, without gradients."""

    value: float
    """The mini-batch transport cost, <coupling, costs>."""
    extra: float
    """The mean of the extra loss over the x batches; 0 where there is none."""
    costs: Tensor
    """The loss of every pair of batches, float64 (kx, ky); with diagonal pairs (k,)."""
    coupling: Tensor
    """How much each pair counts, of sum 1 and of the shape of `costs`."""

    @property
    def n_pairs(self) -> int:
        """How many pairs have a part in the gradient."""
        return int(self.coupling.count_nonzero())


def bomb_backward(
    forward_x: Forward | None,
    forward_y: Forward | None,
    batches: tuple[Sequence[Any], Sequence[Any]],
    loss: str | PairLoss = "exact",
    *,
    coupling: str = "optimal",
    outer_reg: float | None = None,
    cache: str = "outputs",
    extra: Extra | None = None,
    scale: float = 1.0,
    scaler: torch.amp.GradScaler | None = None,
    ranks: Ranks | None = None,
    parameters: Iterable[Tensor] | None = None,
    **options: Any,
) -> BombStep:
    """Adds the gradient of a mini-batch transport loss to ``.grad`` of the networks' parameters.

    The gradient is that of the loss computed at once from all batches, as a backward pass through
    the value of `otcore.minibatch.bomb_ot` or `m_ot` would give it, but the activations of all
    batches are not in memory at once [1]_: a first pass without autograd gives the costs C of all
    pairs of batches, their coupling follows from C, and a second pass with autograd takes the
    derivatives of the pairs that the coupling uses to the parameters.

    Parameters
    ----------
    forward_x
        Maps a batch to its points: a module or a function that returns a tensor (m, ...), or a
        tuple, all of which `loss` and `extra` get. It must compute them from the batch and leaf
        parameters, each time it is called. None: the x batches are points.
    forward_y
        The same for the y batches; it may be the same network.
    batches : (sequence, sequence)
        The kx x batches and the ky y batches, whatever the forwards take: indices, noise, tensors.
    loss
        The name of an inner problem (``"exact"``, ``"sinkhorn"``, ``"unbalanced"``, ``"ipot"``,
        ``"sliced"``, as in `otcore.minibatch.m_ot`) between the points, of which a tuple has to be
        the first part. Or a function of two outputs that returns a 0-d tensor, such as a module of
        `otcore.torch.losses`; its own parameters get their gradient, too.
    coupling
        ``"optimal"``: BoMb-OT, with `outer_reg` eBoMb-OT. ``"product"``: m-OT. ``"diagonal"``: m-OT
        of batch i with batch i only.
    outer_reg
        As in `otcore.minibatch.bomb_ot`.
    cache
        What is kept of the first pass. ``"outputs"``: what the forwards returned, so that each
        batch has two passes. ``"none"``: nothing; every pair takes its own passes, and memory does
        not depend on the number of batches. ``"all"``: the graphs, so that each batch has one pass;
        all activations are in memory, which is the loss computed at once.
    extra
        A further loss of an x batch, ``extra(output, batch)``, a 0-d tensor; the mean over the x
        batches is added to what is differentiated.
    scale
        What the gradient is multiplied by: 1 / n in a sum over n calls.
    scaler
        A `torch.amp.GradScaler` that scales the loss before its derivatives are taken.
    ranks
        Processes that all make this call with the same arguments (the same random batches, too),
        and share the x batches and then the pairs that the coupling uses. All of them get the whole
        gradient, as one process would, whether or not a network is a DistributedDataParallel.
    parameters
        With `ranks`, what gets a gradient. None: the parameters of `forward_x`, `forward_y`, `loss`
        and `extra`, if each of them is a module, a name or None.
    **options
        For a loss by name: `inner_reg`, `inner_rho`, `inner_value`, `inner_tol`, `inner_max_iter`,
        `inner_iter`, `inner_projections`, `inner_p`, `metric`, `root`, `seed` (of the directions)
        and `n_threads` of `otcore.minibatch.bomb_ot`.

    Returns
    -------
    BombStep
        ``value``, ``extra``, ``costs``, ``coupling`` and ``n_pairs``.

    Raises
    ------
    ValueError
        No batches; a cost that is not finite; batches of two sizes with a loss by name; options
        that are unknown or do not go together.
    TypeError
        A forward or a loss that does not return tensors; an option that `loss` does not have.
    RuntimeError
        Nothing depends on a parameter that requires a gradient.

    Notes
    -----
    All passes of a batch see the same random numbers of torch (dropout), and only the first one
    moves the buffers of modules (running statistics of batch norm). Modules in training mode whose
    output depends on buffers that they change, such as spectral norm, see the last state of these
    in later passes. All calls of `loss` see the random numbers and buffers of its first, so that a
    sliced loss takes the same directions for every pair. Under AMP, put autocast around the
    forwards alone: ``forward_x=torch.autocast("cpu", torch.bfloat16)(network)``.

    References
    ----------
    .. [1] K. Nguyen et al., On Transportation of Mini-batches: A Hierarchical Approach, ICML 2022,
       algorithms 1 and 2.

    Examples
    --------
    >>> import torch
    >>> from otcore.torch.training import bomb_backward
    >>> _ = torch.manual_seed(0)
    >>> data, network = torch.randn(1000, 2) + 3.0, torch.nn.Linear(4, 2)
    >>> optimizer = torch.optim.Adam(network.parameters(), lr=0.1)
    >>> values = []
    >>> for _ in range(50):
    ...     noise, points = torch.randn(8, 20, 4), data[torch.randint(1000, (8, 20))]
    ...     step = bomb_backward(network, None, (noise, points), "exact")
    ...     optimizer.step()
    ...     optimizer.zero_grad()
    ...     values.append(step.value)
    >>> step.n_pairs
    8
    >>> values[-1] < values[0] / 10
    True
    """
    check_choice("cache", cache, ("none", "outputs", "all"))
    weights = Coupling.checked(coupling, outer_reg)
    factor = positive(scale, "scale")
    inner = InnerLoss(loss, options) if isinstance(loss, str) else loss
    if not callable(inner):
        raise TypeError(f"loss: {type(loss).__name__}, expected a name or a function")
    if options and not isinstance(inner, InnerLoss):
        raise TypeError(f"{next(iter(options))}: given, expected it with a loss by name only")
    if ranks is None and parameters is not None:
        raise ValueError("parameters: given, expected None without ranks")
    if ranks is not None:
        forward_x, forward_y = without_wrapper(forward_x), without_wrapper(forward_y)
    x, y = _sides(forward_x, forward_y, batches, cache)
    if weights.kind == "diagonal" and len(x) != len(y):
        raise ValueError(
            f"batches: {len(x)} of X and {len(y)} of Y, expected equal numbers with "
            "coupling='diagonal'"
        )
    passes = Passes(x, y, weights, factor, scaler)
    replay = Replay(inner)
    if ranks is not None:
        leaves = shared_parameters(parameters, forward_x, forward_y, loss, extra)
        known = parameters is None
        found, mean = split_step(ranks, passes, inner, replay, extra, leaves, known)
        return BombStep(found.value, mean, found.costs, found.coupling)
    rows = range(len(x))
    x.first_pass(rows)
    y.first_pass(range(len(y)))
    if isinstance(inner, InnerLoss) and cache != "none":
        found = passes.solve_together(inner, rows)
    else:
        found = passes.solve_pairs(inner, replay)
    mean = passes.differentiate(found, inner, replay, extra, rows)
    return BombStep(found.value, mean, found.costs, found.coupling)


def _sides(
    forward_x: Forward | None, forward_y: Forward | None, batches: Any, cache: str
) -> tuple[Side, Side]:
    if not isinstance(batches, (tuple, list)) or len(batches) != 2:
        raise TypeError(
            f"batches: {type(batches).__name__}, expected a pair: the x batches and the y batches"
        )
    for name, forward in (("forward_x", forward_x), ("forward_y", forward_y)):
        if forward is not None and not callable(forward):
            raise TypeError(f"{name}: {type(forward).__name__}, expected a function, or None")
    for name, side in zip("XY", batches, strict=True):
        if not (hasattr(side, "__len__") and hasattr(side, "__getitem__")):
            raise TypeError(f"batches: {type(side).__name__} for {name}, expected a sequence")
        if not len(side):
            raise ValueError(f"batches: none of {name}, expected at least one")
    x, y = (
        Side(name, forward, side, keep=cache != "none", keep_graphs=cache == "all")
        for name, forward, side in zip(
            ("forward_x", "forward_y"), (forward_x, forward_y), batches, strict=True
        )
    )
    return x, y

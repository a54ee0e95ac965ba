"""Training with torch: a generator's step on mini-batch transport, and a divergence's gradient.

The generator is that of "On Transportation of Mini-batches: A Hierarchical Approach" (Nguyen et
al., 2022): noise in R^32 to 784 pixels by four linear layers, mini-batches of 100, Adam. A step is
everything from the batches to new parameters. Peers have the same network, optimiser, batches and
outer coupling; they keep the network's graph, which is quicker than its second pass, solve the
table of pairs without gradients, and differentiate the pairs that the coupling uses. "The network
alone" makes the passes that `bomb_backward` makes: each batch forward, and again with its
gradient. Answers are the gradient's norm, and the value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import ot
import torch
from torch import Tensor, nn

import otcore
from otcore.torch.training import bomb_backward

from .contest import Contender, Contest, Rival, Values
from .entropic_peers import load
from .machine import THREADS, Work

PairCosts = Callable[[Tensor, Tensor], Tensor]  # (p, m, d) and (p, m, d) to (p,)

_BATCHES, _POINTS, _NOISE, _PIXELS = 8, 100, 32, 784
_SLICES = 1000
_REG = 1.0


def contests() -> Iterator[Contest]:
    torch.set_num_threads(THREADS)
    torch.manual_seed(6)
    directions = nn.functional.normalize(torch.randn(_PIXELS, _SLICES), dim=0)
    sliced = {"loss": "sliced", "inner_projections": directions}
    yield _step("exact", {"loss": "exact"}, _pot_exact, "POT `emd2`", target=5, network=0.75)
    yield _step(
        f"sliced, {_SLICES} directions",
        sliced,
        partial(_pot_sliced, directions),
        "POT `sliced_wasserstein_distance`",
        target=5,
        network=0.85,
    )
    if (costs := _geomloss_batches()) is not None:
        entropic = {"loss": "sinkhorn", "inner_reg": _REG}
        yield _step(
            f"entropic, reg = {_REG}",
            entropic,
            costs,
            "GeomLoss tensorized, all pairs in one call",
            target=3,
            network=0.0,
            agreement=0.02,  # GeomLoss has a schedule and no tolerance
        )
    yield from _divergence(n=5000, d=16, blur=0.3)


# ---------------------------------------------------------------------------------------------
# A generator's step


class _Trainer:
    """A generator, its optimiser, and batches that stay."""

    def __init__(self) -> None:
        torch.manual_seed(7)
        widths = _NOISE, 100, 200, 400, _PIXELS
        layers = [(nn.Linear(a, b), nn.ReLU()) for a, b in pairwise(widths)]
        self.network = nn.Sequential(*(layer for pair in layers for layer in pair))
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=5e-4)
        self.images = torch.rand(_BATCHES, _POINTS, _PIXELS)
        self.noise = torch.randn(_BATCHES, _POINTS, _NOISE)

    def step(self, backward: Callable[[_Trainer], float]) -> float:
        value = backward(self)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return value

    def answers(self, backward: Callable[[_Trainer], float]) -> Values:
        self.optimizer.zero_grad()
        value = backward(self)
        grads = [p.grad.flatten() for p in self.network.parameters() if p.grad is not None]
        self.optimizer.zero_grad()
        return np.array([value, float(torch.cat(grads).norm())])


def _step(
    inner: str,
    options: dict[str, Any],
    costs: PairCosts,
    peer: str,
    *,
    target: float,
    network: float,
    agreement: float = 1e-3,
) -> Contest:
    def ours(trainer: _Trainer) -> float:
        batches = trainer.images, trainer.noise
        return bomb_backward(None, trainer.network, batches, **options).value

    def contender(name: str, backward: Callable[[_Trainer], float], answers: bool) -> Contender:
        check = partial(_Trainer().answers, backward) if answers else None
        return Contender(name, partial(_Trainer().step, backward), check, None)

    rivals = [Rival(contender(peer, partial(_peer_backward, costs), answers=True), target)]
    if network > 0:
        alone = contender("the network alone", _network_alone, answers=False)
        rivals.append(Rival(alone, network))
    return Contest(
        f"step of a generator, {inner}, k = {_BATCHES}, m = {_POINTS}",
        contender("otcore", ours, answers=True),
        tuple(rivals),
        floor=Work(),
        agreement=agreement,
        forked=False,
    )


def _network_alone(trainer: _Trainer) -> float:
    with torch.no_grad():
        outputs = [trainer.network(noise) for noise in trainer.noise]
    for noise, slopes in zip(trainer.noise, outputs, strict=True):
        trainer.network(noise).backward(slopes)
    return 0.0


def _peer_backward(costs: PairCosts, trainer: _Trainer) -> float:
    outputs = trainer.network(trainer.noise.flatten(0, 1)).view(_BATCHES, _POINTS, _PIXELS)
    pairs = torch.cartesian_prod(torch.arange(_BATCHES), torch.arange(_BATCHES))
    rows, cols = pairs.unbind(1)
    with torch.no_grad():
        table = costs(trainer.images[rows], outputs[cols]).view(_BATCHES, _BATCHES)
    uniform = np.full(_BATCHES, 1 / _BATCHES)
    coupling = torch.from_numpy(ot.emd(uniform, uniform, table.double().numpy()))
    rows, cols = coupling.nonzero(as_tuple=True)
    used = costs(trainer.images[rows], outputs[cols])
    value = (coupling[rows, cols] * used).sum()
    value.backward()
    return float(value.detach())


def _pot_exact(x: Tensor, y: Tensor) -> Tensor:
    weights = torch.full((_POINTS,), 1 / _POINTS)
    pairs = zip(x, y, strict=True)
    return torch.stack([ot.emd2(weights, weights, ot.dist(a, b)) for a, b in pairs])


def _pot_sliced(directions: Tensor, x: Tensor, y: Tensor) -> Tensor:
    distance = partial(ot.sliced_wasserstein_distance, projections=directions)
    return torch.stack([distance(a, b) ** 2 for a, b in zip(x, y, strict=True)])


def _geomloss_batches() -> PairCosts | None:
    """Its cost is half the squared distance, and its regulariser blur squared."""
    if load("geomloss") is None:
        return None
    from geomloss import SamplesLoss

    loss = SamplesLoss("sinkhorn", p=2, blur=(_REG / 2) ** 0.5, debias=False, backend="tensorized")
    return lambda x, y: 2 * loss(x, y)


# ---------------------------------------------------------------------------------------------
# Value and gradient of the Sinkhorn divergence


def _divergence(n: int, d: int, blur: float) -> Iterator[Contest]:
    """Of GeomLoss's default schedule, which takes the blur from the diameter down by halves."""
    if load("geomloss") is None:
        return
    from geomloss import SamplesLoss

    rng = np.random.default_rng(8)
    X, Y = (torch.from_numpy(side) for side in rng.random((2, n, d), dtype=np.float32))
    Y = Y * 0.8 + 0.3

    def contender(name: str, loss: Callable[[Tensor, Tensor], Tensor]) -> Contender:
        def run() -> tuple[float, Tensor]:
            points = X.clone().requires_grad_()
            value = loss(points, Y)
            value.backward()
            assert points.grad is not None
            return float(value.detach()), points.grad

        def answers() -> Values:
            value, grad = run()
            return np.array([value, float(grad.norm())])

        return Contender(name, run, answers, None)

    def ours(x: Tensor, y: Tensor) -> Tensor:
        divergence = otcore.entropic.sinkhorn_divergence(x, y, reg=2 * blur**2)
        return 0.5 * divergence.value  # type: ignore[no-any-return]

    backends = ["tensorized"] + ["online"] * (load("pykeops") is not None)
    peers = [
        Rival(
            contender(f"GeomLoss {way}", SamplesLoss("sinkhorn", p=2, blur=blur, backend=way)), 10
        )
        for way in backends
    ]
    yield Contest(
        f"Sinkhorn divergence and its gradient, n = {n}, d = {d}, blur = {blur}",
        contender("otcore", ours),
        tuple(peers),
        floor=Work(),
        agreement=0.02,
        rounds=3,
        forked=False,
    )

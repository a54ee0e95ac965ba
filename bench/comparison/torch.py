"""Training with torch: a generator's step on mini-batch transport, and a divergence's gradient.

A step (generator.py) is everything from the batches to new parameters. Peers have the same network,
optimiser, batches and outer coupling; they keep the network's graph, which is quicker than its
second pass, solve the table of pairs without gradients, and differentiate the pairs that the
coupling uses. "The network alone" makes the passes that `bomb_backward` makes: each batch forward,
and again with its gradient. Answers are the gradient's norm, and the value.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import ot
import torch
from torch import Tensor

import otcore

from .contest import Contender, Contest, Count, Rival, Values
from .entropic_peers import load
from .generator import BATCHES, PIXELS, POINTS, REG, STEPS, Trainer
from .machine import THREADS, Work

PairCosts = Callable[[Tensor, Tensor], Tensor]  # (p, m, d) and (p, m, d) to (p,)


def contests() -> Iterator[Contest | Count]:
    torch.set_num_threads(THREADS)
    yield _step("exact", _pot_exact, "POT `emd2`", target=5, network=0.75)
    for name in ("sliced 100", "sliced 1000"):
        yield _step(
            name,
            partial(_pot_sliced, STEPS[name]["inner_projections"]),
            "POT `sliced_wasserstein_distance`",
            target=5,
            network=0.85,
        )
    if (costs := _geomloss_batches()) is not None:
        yield _step(
            "entropic",
            costs,
            "GeomLoss tensorized, all pairs in one call",
            target=3,
            network=0.0,
            agreement=0.02,  # GeomLoss has a schedule and no tolerance
        )
    yield from _divergence(n=5000, d=16, blur=0.3)
    for inner in STEPS:
        yield _processes(inner)


# ---------------------------------------------------------------------------------------------
# A generator's step


def _step(
    inner: str,
    costs: PairCosts,
    peer: str,
    *,
    target: float,
    network: float,
    agreement: float = 1e-3,
) -> Contest:
    def contender(name: str, backward: Callable[[Trainer], float], answers: bool) -> Contender:
        check = partial(Trainer().answers, backward) if answers else None
        return Contender(name, partial(Trainer().step, backward), check, None)

    rivals = [Rival(contender(peer, partial(_peer_backward, costs), answers=True), target)]
    if network > 0:
        alone = contender("the network alone", _network_alone, answers=False)
        rivals.append(Rival(alone, network))
    return Contest(
        f"step of a generator, {inner}, k = {BATCHES}, m = {POINTS}",
        contender("otcore", partial(Trainer.bomb_backward, inner=inner), answers=True),
        tuple(rivals),
        floor=Work(),
        agreement=agreement,
        forked=False,
    )


def _processes(inner: str) -> Count:
    """Two gloo processes of one thread each beside one process of two threads, in turns."""
    alone = [sys.executable, "-m", "comparison.generator", inner]
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    together = [*launch, "--nproc-per-node", "2", *alone[1:]]
    folder = Path(__file__).resolve().parents[1]

    def microseconds(command: list[str]) -> int:
        done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
        return round(1e6 * float(done.stdout.split()[-1]))

    runs = [(microseconds(together), microseconds(alone)) for _ in range(3)]
    ours, theirs = (round(median(side)) for side in zip(*runs, strict=True))
    return Count(
        f"step of a generator, {inner}, two processes of one thread",
        "us",
        ours,
        "one process of two threads",
        theirs,
        target=1 / 1.15,
    )


def _network_alone(trainer: Trainer) -> float:
    with torch.no_grad():
        outputs = [trainer.network(noise) for noise in trainer.noise]
    for noise, slopes in zip(trainer.noise, outputs, strict=True):
        trainer.network(noise).backward(slopes)
    return 0.0


def _peer_backward(costs: PairCosts, trainer: Trainer) -> float:
    outputs = trainer.network(trainer.noise.flatten(0, 1)).view(BATCHES, POINTS, PIXELS)
    pairs = torch.cartesian_prod(torch.arange(BATCHES), torch.arange(BATCHES))
    rows, cols = pairs.unbind(1)
    with torch.no_grad():
        table = costs(trainer.images[rows], outputs[cols]).view(BATCHES, BATCHES)
    uniform = np.full(BATCHES, 1 / BATCHES)
    coupling = torch.from_numpy(ot.emd(uniform, uniform, table.double().numpy()))
    rows, cols = coupling.nonzero(as_tuple=True)
    used = costs(trainer.images[rows], outputs[cols])
    value = (coupling[rows, cols] * used).sum()
    value.backward()
    return float(value.detach())


def _pot_exact(x: Tensor, y: Tensor) -> Tensor:
    weights = torch.full((POINTS,), 1 / POINTS)
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

    loss = SamplesLoss("sinkhorn", p=2, blur=(REG / 2) ** 0.5, debias=False, backend="tensorized")
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

"""The step of a generator that is compared, and how long it takes, by one process or by several.

The generator is that of "On Transportation of Mini-batches: A Hierarchical Approach" (Nguyen et
al., 2022): noise in R^32 to 784 pixels by four linear layers, mini-batches of 100, Adam.

    python -m comparison.generator exact
    python -m torch.distributed.run --standalone --nproc-per-node 2 -m comparison.generator exact
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import distributed, nn

from otcore.torch.distributed import Ranks
from otcore.torch.training import bomb_backward

from .contest import Values
from .machine import THREADS

BATCHES, POINTS, NOISE, PIXELS = 8, 100, 32, 784
REG = 1.0
_RUNS = 60


def _directions(count: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(6)
    return nn.functional.normalize(torch.randn(PIXELS, count, generator=generator), dim=0)


# How each kind of step calls `bomb_backward`.
STEPS: dict[str, dict[str, Any]] = {
    "exact": {"loss": "exact"},
    "sliced 100": {"loss": "sliced", "inner_projections": _directions(100)},
    "sliced 1000": {"loss": "sliced", "inner_projections": _directions(1000)},
    "entropic": {"loss": "sinkhorn", "inner_reg": REG},
}


class Trainer:
    """A generator, its optimiser, and batches that stay."""

    def __init__(self) -> None:
        torch.manual_seed(7)
        widths = NOISE, 100, 200, 400, PIXELS
        layers = [(nn.Linear(a, b), nn.ReLU()) for a, b in pairwise(widths)]
        self.network = nn.Sequential(*(layer for pair in layers for layer in pair))
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=5e-4)
        self.images = torch.rand(BATCHES, POINTS, PIXELS)
        self.noise = torch.randn(BATCHES, POINTS, NOISE)

    def bomb_backward(self, inner: str, ranks: Ranks | None = None) -> float:
        batches = self.noise, self.images
        return bomb_backward(self.network, None, batches, ranks=ranks, **STEPS[inner]).value

    def step(self, backward: Callable[[Trainer], float]) -> float:
        value = backward(self)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return value

    def answers(self, backward: Callable[[Trainer], float]) -> Values:
        self.optimizer.zero_grad()
        value = backward(self)
        grads = [p.grad.flatten() for p in self.network.parameters() if p.grad is not None]
        self.optimizer.zero_grad()
        return np.array([value, float(torch.cat(grads).norm())])


def main() -> None:
    inner, size = sys.argv[1], int(os.environ.get("WORLD_SIZE", "1"))
    torch.set_num_threads(max(1, THREADS // size))
    if size == 1:
        print(_seconds(inner, None))
        return
    distributed.init_process_group("gloo")
    with Ranks() as ranks:
        seconds = _seconds(inner, ranks)
        if ranks.rank == 0:
            print(seconds)
    distributed.destroy_process_group()


def _seconds(inner: str, ranks: Ranks | None) -> float:
    """The median of steps."""
    trainer = Trainer()
    backward = partial(Trainer.bomb_backward, inner=inner, ranks=ranks)
    times = []
    for _ in range(_RUNS):
        start = time.perf_counter()
        trainer.step(backward)
        times.append(time.perf_counter() - start)
    return median(times[2:])


if __name__ == "__main__":
    main()

"""A generator of digits, trained by BoMb-OT without all mini-batches' activations in memory.

A network maps noise to images; its loss is the mini-batch transport cost between k batches of its
images and k batches of the data, whose gradient `bomb_backward` takes batch by batch. The network
and the optimiser are those of "On Transportation of Mini-batches: A Hierarchical Approach" (Nguyen
et al., 2022). Writes one picture (data, samples and the loss) and prints the W_2 distance between
new images and test images before and after. Scikit-learn's digits take seconds, MNIST (a file with
``x_train`` and ``x_test``) minutes.

    pip install "otcore[torch,cli,plot]"
    python examples/train_generator.py --output samples.png

Under torchrun several processes share every step:

    torchrun --nproc-per-node 2 examples/train_generator.py --output samples.png
"""

import argparse
import atexit
import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from torch import Tensor, nn
from tqdm import trange

import otcore
from otcore.torch.distributed import Ranks
from otcore.torch.training import BombStep, bomb_backward

NOISE = 32
LOSSES = {
    "sliced": {"loss": "sliced", "inner_projections": 1000},
    "exact": {"loss": "exact"},
    "entropic": {"loss": "sinkhorn", "inner_reg": 1.0},
}
COUPLINGS = {"bomb": "optimal", "m": "product"}
INK, MUTED, ACCENT = "#1f2328", "#6e7781", "#c2571a"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, default=Path("samples.png"))
    parser.add_argument("--data", type=Path, help="an .npz with images x_train and x_test")
    parser.add_argument("--loss", choices=LOSSES, default="exact", help="between two batches")
    parser.add_argument("--coupling", choices=COUPLINGS, default="bomb", help="of the batches")
    parser.add_argument("-k", "--k", type=int, default=8, help="mini-batches of each side")
    parser.add_argument("-m", "--m", type=int, default=100, help="images in a mini-batch")
    parser.add_argument("--iterations", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with started_ranks() as ranks:
        train_and_show(arguments, ranks)


def started_ranks() -> AbstractContextManager[Ranks | None]:
    """The processes that torchrun has started, or None."""
    if not dist.is_torchelastic_launched():
        return nullcontext()
    dist.init_process_group("gloo")
    atexit.register(dist.destroy_process_group)
    return Ranks()


def train_and_show(arguments: argparse.Namespace, ranks: Ranks | None) -> None:
    torch.manual_seed(arguments.seed)
    train, test = load_images(arguments.data)
    generator = make_generator(train.shape[1])
    optimizer = torch.optim.Adam(generator.parameters(), lr=5e-4)
    batches = arguments.k, arguments.m
    options = LOSSES[arguments.loss] | {"coupling": COUPLINGS[arguments.coupling]}

    def step() -> BombStep:
        images = train[torch.randint(len(train), batches)]
        noise = torch.randn(*batches, NOISE)
        found = bomb_backward(generator, None, (noise, images), ranks=ranks, **options)
        optimizer.step()
        optimizer.zero_grad()
        return found

    before = distance(generator, test)
    first = ranks is None or ranks.rank == 0
    values, seconds = iterate(step, arguments.iterations, quiet=not first)
    if not first:  # which shows what all have made
        return
    print(f"{arguments.iterations / seconds:.1f} iterations/s")
    print(f"W2 of {len(test)} new images to test images: {before:.3f} before, ", end="")
    print(f"{distance(generator, test):.3f} after")
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    with torch.no_grad():
        samples = generator(torch.randn(64, NOISE))
    draw(test, samples, values).savefig(arguments.output)
    print(f"picture: {arguments.output}")


def load_images(path: Path | None) -> tuple[Tensor, Tensor]:
    """Rows of pixels from 0 to 1: images to train on, and others to compare with."""
    if path is None:
        digits = load_digits().data / 16.0
        digits = digits[np.random.default_rng(0).permutation(len(digits))]
        train, test = digits[:1300], digits[1300:]
    else:
        with np.load(path) as arrays:
            train, test = (arrays[name].astype(np.float32) / 255 for name in ("x_train", "x_test"))
    first, second = (torch.from_numpy(side).float().flatten(1) for side in (train, test[:2000]))
    return first, second


def make_generator(pixels: int) -> nn.Module:
    widths = NOISE, 100, 200, 400, pixels
    layers = [(nn.Linear(a, b), nn.ReLU()) for a, b in pairwise(widths)]
    return nn.Sequential(*(layer for pair in layers for layer in pair))


def iterate(
    step: Callable[[], BombStep], iterations: int, quiet: bool
) -> tuple[list[float], float]:
    """The loss of every iteration, and the seconds that all took."""
    start = time.perf_counter()
    values = []
    with trange(iterations, disable=quiet or None) as bar:  # no bar where nobody looks
        for _ in bar:
            values.append(step().value)
            bar.set_postfix(loss=f"{values[-1]:.2f}")
    return values, time.perf_counter() - start


def distance(generator: nn.Module, images: Tensor) -> float:
    """W_2 between the images and as many new ones."""
    with torch.no_grad():
        return float(
            otcore.solve_sample(generator(torch.randn(len(images), NOISE)), images).distance
        )


def draw(test: Tensor, samples: Tensor, values: list[float]) -> Figure:
    figure = Figure(figsize=(13.5, 4.8), dpi=170, facecolor="white")
    left, middle, right = figure.subplots(1, 3)
    show(left, "data", test[:64])
    show(middle, "generated", samples)
    right.plot(values, color=ACCENT, linewidth=1.0)
    right.set_title("mini-batch transport cost", loc="left", fontweight="bold", color=INK)
    right.set_xlabel("iteration", color=MUTED)
    right.set_yscale("log")
    right.spines[["top", "right"]].set_visible(False)
    figure.tight_layout(pad=1.2)
    return figure


def show(axes: Axes, title: str, images: Tensor) -> None:
    """64 images in a square."""
    side = math.isqrt(images.shape[1])
    framed = nn.functional.pad(images.view(8, 8, side, side), (1, 1, 1, 1))
    square = framed.transpose(1, 2).reshape(8 * (side + 2), 8 * (side + 2))
    axes.imshow(square.numpy(), cmap="magma", vmin=0.0, vmax=1.0)
    axes.set_title(title, loc="left", fontweight="bold", color=INK)
    axes.set_axis_off()


if __name__ == "__main__":
    main()

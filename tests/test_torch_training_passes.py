"""How often bomb_backward runs what, and how much memory that takes."""

from __future__ import annotations

import weakref
from collections import Counter
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from otcore.torch.losses import EMDLoss
from otcore.torch.training import bomb_backward
from training_cases import CACHES, KX, KY, NOISE_X, NOISE_Y, networks, pair_cost


@pytest.mark.parametrize("cache", CACHES)
@pytest.mark.parametrize("loss", ["exact", pair_cost])
def test_pairs_without_mass_are_left_out(loss: Any, cache: str) -> None:
    """Square tables have k pairs; every batch is run as often as the documentation says."""
    one, two = networks()
    runs: Counter[tuple[str, bool]] = Counter()

    def counted(name: str, network: nn.Module) -> Any:
        def forward(batch: Tensor) -> Tensor:
            runs[name, torch.is_grad_enabled()] += 1
            output: Tensor = network(batch)
            return output

        return forward

    k = KY
    step = bomb_backward(
        counted("x", one), counted("y", two), (NOISE_X[:k], NOISE_Y), loss, cache=cache
    )
    assert step.n_pairs == k
    # The first run of a side is with autograd, which shows what its outputs depend on.
    total = {name: runs[name, False] + runs[name, True] for name in "xy"}
    if cache == "all":
        assert total == {"x": k, "y": k}
        assert runs["x", True] == runs["y", True] == k
    else:
        assert runs["x", True] == runs["y", True] == k + 1
        assert total == (
            {"x": 2 * k, "y": 2 * k}
            if cache == "outputs"
            else {"x": k + k + 2 * k, "y": k + k * k + 2 * k}
        )


def test_calls_of_the_loss() -> None:
    calls: Counter[bool] = Counter()

    def loss(x: Tensor, y: Tensor) -> Tensor:
        calls[torch.is_grad_enabled()] += 1
        return pair_cost(x, y)

    one, two = networks()
    bomb_backward(one, two, (NOISE_X[:KY], NOISE_Y), loss)
    assert calls == {False: KY * KY, True: KY}
    calls.clear()
    bomb_backward(one, two, (NOISE_X[:KY], NOISE_Y), loss, coupling="diagonal")
    assert calls == {False: KY, True: KY}
    calls.clear()
    bomb_backward(one, two, (NOISE_X, NOISE_Y), loss, coupling="product")
    assert calls == {False: KX * KY, True: KX * KY}


class Live(TorchDispatchMode):
    """Bytes of tensors that were made in this block and are alive, now and at the most."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.most = 0
        self._seen: weakref.WeakSet[Any] = weakref.WeakSet()

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        result = function(*args, **(kwargs or {}))
        for tensor in result if isinstance(result, tuple | list) else (result,):
            if isinstance(tensor, Tensor):
                self._add(tensor.untyped_storage())
        return result

    def _add(self, storage: Any) -> None:
        if storage not in self._seen:
            self._seen.add(storage)
            self.now += storage.nbytes()
            self.most = max(self.most, self.now)
            weakref.finalize(storage, self._remove, storage.nbytes())

    def _remove(self, count: int) -> None:
        self.now -= count


def peak(k: int, loss: Any, cache: str, coupling: str = "optimal") -> int:
    """The most bytes of tensors alive at once, beside the batches and the parameters."""
    torch.manual_seed(0)
    wide = [layer for _ in range(4) for layer in (nn.Linear(256, 256), nn.ReLU())]
    network = nn.Sequential(nn.Linear(4, 256), *wide, nn.Linear(256, 2))
    x, y = torch.randn(2, k, 64, 4)
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    with Live() as live:
        bomb_backward(network, network, (x, y), loss, cache=cache, coupling=coupling)
    return live.most


@pytest.mark.parametrize("cache", ["none", "outputs"])
@pytest.mark.parametrize("loss", ["exact", EMDLoss()], ids=str)
def test_memory_does_not_depend_on_the_number_of_batches(loss: Any, cache: str) -> None:
    """With the outputs kept (512 bytes a batch here) only up to these, which are few."""
    few, many = peak(2, loss, cache), peak(32, loss, cache)
    assert few > 4 * 64 * 256 * 4  # the activations of a batch are seen
    assert abs(many - few) <= 0.05 * few + (0 if cache == "none" else 6 * 30 * 512)


def test_memory_of_all_pairs() -> None:
    few, many = (peak(k, EMDLoss(), "none", "product") for k in (2, 8))
    assert abs(many - few) <= 0.05 * few


def test_graphs_that_are_kept_take_memory() -> None:
    """The measure would see them."""
    assert peak(16, "exact", "all") > 3 * peak(2, "exact", "all")

"""What several ranks do for test_distributed.py, which runs this as a script.

The script imports torch once and forks the ranks of every job; it prints what each rank came to.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch._dynamo  # otherwise every rank would
import torch.distributed as dist
from torch import Tensor, nn

import otcore
from otcore import minibatch
from otcore.torch.distributed import Ranks
from otcore.torch.training import BombStep, bomb_backward

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(90, 3)), RNG.normal(size=(70, 3)) + 0.5
A, B = RNG.random(90), RNG.random(70)
COUPLED: list[tuple[Callable[..., Any], dict[str, Any]]] = [
    (minibatch.bomb_ot, {"k": (6, 5), "m": (8, 7)}),
    (minibatch.bomb_ot, {"k": 4, "m": 8, "outer_reg": 0.1}),
    (minibatch.bomb_ot, {"k": 4, "m": 8, "inner": "sinkhorn", "inner_reg": 0.5}),
    (minibatch.bomb_ot, {"k": 4, "m": 8, "inner": "sliced", "root": True}),
    (minibatch.bomb_ot, {"k": 1, "m": 8}),  # leaves a rank without work
    (minibatch.m_ot, {"k": 5, "m": 8, "metric": "euclidean"}),
    (minibatch.m_ot, {"k": 5, "m": 8, "pairs": "diagonal"}),
]
PASSES: list[dict[str, Any]] = [{}, {"inner": "sinkhorn", "inner_reg": 0.5, "mode": "interleaving"}]


def same_values(ranks: Ranks) -> None:
    for (function, options), weighted, dtype in product(COUPLED, (False, True), "fd"):
        points = X.astype(dtype), Y.astype(dtype)
        more = dict(options, seed=3)
        if weighted:
            more |= {"a": A, "b": B}
            if options.get("pairs") != "diagonal":
                more["batch_weights"] = "mass"
        one, shared = function(*points, **more), function(*points, **more, ranks=ranks)
        for name in ("value", "inner_gap", "outer_gap", "inner_error", "marginal_error"):
            assert getattr(one, name) == getattr(shared, name), (name, more)
        assert (one.status, one.n_iter) == (shared.status, shared.n_iter)
        assert np.array_equal(one.costs, shared.costs)
        assert np.array_equal(one.coupling, shared.coupling)
        if options.get("inner") != "sliced":
            same_plan(ranks, one, shared)


def same_passes(ranks: Ranks) -> None:
    a, b = A / A.sum(), B / B.sum()
    clouds: list[dict[str, Any]] = [
        {"X": X[:70], "Y": Y},
        {"X": X, "Y": Y},
        {"X": X, "Y": Y, "a": a, "b": b},
        {"X": X[:9], "Y": Y[:9]},  # one batch: leaves a rank without work
    ]
    for cloud, options in product(clouds, PASSES):
        one = minibatch.pmb_ot(**cloud, m=9, seed=1, **options)
        shared = minibatch.pmb_ot(**cloud, m=9, seed=1, ranks=ranks, **options)
        for name in ("value", "inner_gap", "inner_error", "status", "mean_root"):
            assert getattr(one, name) == getattr(shared, name), name
        assert np.array_equal(one.costs, shared.costs)
        same_plan(ranks, one, shared)
    tree = otcore.pyramid.PyramidTree(X, Y, seed=0)
    of_tree = [
        minibatch.pmb_ot(X, Y, m=9, tree=tree, seed=1, ranks=some).value for some in (None, ranks)
    ]
    assert of_tree[0] == of_tree[1]


def same_plan(ranks: Ranks, one: Any, shared: Any) -> None:
    with pytest.raises(AttributeError, match="gather_plan"):
        shared.plan  # noqa: B018
    whole = ranks.gather_plan(shared)
    assert ranks.gather_plan(whole) is whole
    assert np.array_equal(one.plan, whole.plan)
    difference = one.sparse_plan - whole.sparse_plan
    assert not difference.nnz
    assert np.array_equal(one.barycentric_map(), whole.barycentric_map(), equal_nan=True)


def rank_zero_draws(ranks: Ranks) -> None:
    np.random.seed(ranks.rank)  # noqa: NPY002
    generator = np.random.default_rng(ranks.rank)
    for seed in (None, ranks.rank, generator):
        results = [
            minibatch.bomb_ot(X, Y, k=3, m=4, seed=seed, ranks=ranks),
            minibatch.bomb_ot(X, Y, k=3, m=4, seed=seed, inner="sliced", ranks=ranks),
            minibatch.pmb_ot(X, Y, m=9, seed=seed, ranks=ranks),
        ]
        values = [result.value for result in results]
        assert ranks.share(lambda values=values: values)[0] == values


def read_from_disk(ranks: Ranks) -> None:
    """Rows that are in no batch are not read: they hold NaN."""
    with tempfile.TemporaryDirectory() as folder:
        sides = []
        for name, points in (("x", X), ("y", Y)):
            path = Path(folder) / name
            np.save(path, np.where(np.arange(len(points))[:, None] < 40, points, np.nan))
            sides.append(np.load(path.with_suffix(".npy"), mmap_mode="r"))
        batches = np.arange(40).reshape(4, 10), np.arange(30).reshape(3, 10)
        shared = minibatch.bomb_ot(*sides, batches=batches, ranks=ranks)
        assert shared.value == minibatch.bomb_ot(X, Y, batches=batches).value


def network(*, dropout: float = 0.0) -> nn.Module:
    torch.manual_seed(5)
    layers = nn.Linear(4, 8), nn.Tanh(), nn.Dropout(dropout), nn.Linear(8, 3)
    return nn.Sequential(*layers).double()


def gradients(
    net: nn.Module, call: Callable[[], BombStep]
) -> tuple[BombStep, list[Tensor | None], Tensor]:
    torch.manual_seed(11)
    for parameter in net.parameters():
        parameter.grad = torch.ones_like(parameter)  # of another loss
    step = call()
    return step, [p.grad for p in net.parameters()], torch.rand(2)


def assert_same_step(ranks: Ranks, net: nn.Module, *arguments: Any, **options: Any) -> None:
    mine = options.pop("parameters", None)
    one, grads, _ = gradients(net, lambda: bomb_backward(*arguments, **options))
    shared, sums, _ = gradients(
        net, lambda: bomb_backward(*arguments, **options, ranks=ranks, parameters=mine)
    )
    torch.testing.assert_close(shared.value, one.value, rtol=1e-12, atol=0)
    torch.testing.assert_close(shared.extra, one.extra, rtol=1e-12, atol=1e-15)
    torch.testing.assert_close(shared.costs, one.costs, rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(shared.coupling, one.coupling, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(sums, grads, rtol=1e-10, atol=1e-12)
    everywhere = ranks.share(lambda: [None if s is None else s.numpy() for s in sums])
    assert all(np.array_equal(a, b) for a, b in zip(*everywhere[:2], strict=True))


def square(x: Tensor, y: Tensor) -> Tensor:
    return (x.mean(0) - y.mean(0)).square().sum()


def same_gradients(ranks: Ranks) -> None:
    net = network()
    noise, data = torch.randn(5, 6, 4).double(), torch.randn(5, 6, 3).double()
    other = torch.randn(3, 6, 4).double()
    for coupling in ({}, {"outer_reg": 0.5}, {"coupling": "product"}, {"coupling": "diagonal"}):
        for cache in ("outputs", "none", "all"):
            assert_same_step(ranks, net, net, None, (noise, data), cache=cache, **coupling)
    reg = {"inner_reg": 0.5, "inner_tol": 1e-10}
    assert_same_step(ranks, net, net, net, (noise, other), "sinkhorn", **reg)
    assert_same_step(ranks, net, net, net, (other[:1], noise), "exact")
    directions = RNG.normal(size=(3, 10))
    for inner in ({"seed": 3}, {"inner_projections": torch.from_numpy(directions)}):
        assert_same_step(ranks, net, net, None, (noise, data), "sliced", **inner)
    mine = [*net.parameters()]
    assert_same_step(ranks, net, lambda z: net(z), None, (noise, data), square, parameters=mine)

    def extra(output: Tensor, batch: Tensor) -> Tensor:
        return (output.sum() - batch.sum()).square()

    assert_same_step(ranks, net, net, None, (noise, data), extra=extra, parameters=mine, scale=0.5)
    assert_same_step(
        ranks, net, net, None, (noise, data), extra=extra, parameters=mine, coupling="product"
    )


def same_gradients_of_wrapped(ranks: Ranks) -> None:
    """A DistributedDataParallel, and a learned loss, one of whose parameters is not used."""
    net = network()
    noise, data = torch.randn(4, 6, 4).double(), torch.randn(4, 6, 3).double()
    _, grads, _ = gradients(net, lambda: bomb_backward(net, None, (noise, data)))
    wrapped = nn.parallel.DistributedDataParallel(net)
    _, sums, _ = gradients(net, lambda: bomb_backward(wrapped, None, (noise, data), ranks=ranks))
    torch.testing.assert_close(sums, grads, rtol=1e-10, atol=1e-12)
    wrapped.zero_grad()
    wrapped(noise[0]).sum().backward()  # as it was
    with pytest.raises(ValueError, match=r"its \.module"):
        bomb_backward(
            lambda z: wrapped(z), None, (noise, data), ranks=ranks, parameters=net.parameters()
        )


class LearnedLoss(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.used = nn.Parameter(torch.ones(3).double())
        self.unused = nn.Parameter(torch.ones(3).double())

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return square(x * self.used, y)


def learned_loss(ranks: Ranks) -> None:
    net = network()
    noise, data = torch.randn(4, 6, 4).double(), torch.randn(4, 6, 3).double()
    loss = LearnedLoss()
    bomb_backward(net, None, (noise, data), loss)
    alone = loss.used.grad
    loss.zero_grad()
    bomb_backward(net, None, (noise, data), loss, ranks=ranks)
    torch.testing.assert_close(loss.used.grad, alone, rtol=1e-10, atol=1e-12)
    assert loss.unused.grad is None


def dropout(ranks: Ranks) -> None:
    """The masks of a batch are the same in both passes and on all ranks; generators stay equal."""
    net = network(dropout=0.5)
    noise, data = torch.randn(2, 6, 4).double(), torch.randn(2, 6, 3).double()
    found = []
    for cache in ("outputs", "none", "all"):
        found.append(
            gradients(
                net,
                lambda cache=cache: bomb_backward(
                    net, None, (noise, data), outer_reg=0.1, cache=cache, ranks=ranks
                ),
            )
        )
    for _, grads, after in found[1:]:
        torch.testing.assert_close(grads, found[0][1], rtol=1e-10, atol=1e-12)
        assert torch.equal(after, found[0][2])
    assert len({tuple(after.tolist()) for after in ranks.share(lambda: found[0][2])}) == 1


def bad_arguments(ranks: Ranks) -> None:
    with pytest.raises(ValueError, match="timeout: 0"):
        Ranks(timeout=0.0)
    points = torch.from_numpy(X).requires_grad_()
    for call in (minibatch.bomb_ot, minibatch.m_ot, minibatch.pmb_ot):
        options = {"m": 5} if call is minibatch.pmb_ot else {"m": 5, "k": 2}
        with pytest.raises(ValueError, match="require a gradient"):
            call(points, points, **options, ranks=ranks)
    net = network()
    batches = torch.randn(4, 6, 4).double(), torch.randn(4, 6, 3).double()
    with pytest.raises(TypeError, match="parameters: None"):
        bomb_backward(lambda z: net(z), None, batches, ranks=ranks)
    with pytest.raises(ValueError, match="parameters: given"):
        bomb_backward(net, None, batches, parameters=net.parameters())


def other_batches(ranks: Ranks) -> None:
    generator = np.random.default_rng(ranks.rank)
    batches = generator.integers(70, size=(2, 3, 4))
    minibatch.bomb_ot(X, Y, batches=list(batches), ranks=ranks)


def other_noise(ranks: Ranks) -> None:
    torch.manual_seed(ranks.rank)
    batches = torch.randn(4, 6, 4).double(), torch.randn(4, 6, 3).double()
    bomb_backward(network(), None, batches, ranks=ranks)


def bad_row(ranks: Ranks) -> None:
    """Only the rank that reads the row finds it."""
    spoilt = Y.copy()
    spoilt[3] = np.nan
    batches = np.array([[5], [6]]), np.array([[2], [3]])
    minibatch.bomb_ot(X, spoilt, batches=batches, ranks=ranks)


def forward_raises(ranks: Ranks) -> None:
    net = network()

    def forward(noise: Tensor) -> Tensor:
        if ranks.rank == 1:
            raise FloatingPointError("no batch today")
        return net(noise)  # type: ignore[no-any-return]

    batches = torch.randn(4, 6, 4).double(), torch.randn(4, 6, 3).double()
    bomb_backward(forward, None, batches, ranks=ranks, parameters=net.parameters())


def raises_between(ranks: Ranks) -> None:
    minibatch.bomb_ot(X, Y, k=2, m=5, ranks=ranks)
    if ranks.rank == 1:
        raise FloatingPointError("no data today")
    minibatch.bomb_ot(X, Y, k=2, m=5, ranks=ranks)


def killed(ranks: Ranks) -> None:
    minibatch.bomb_ot(X, Y, k=2, m=5, ranks=ranks)
    if ranks.rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    minibatch.bomb_ot(X, Y, k=2, m=5, ranks=ranks)


def killed_while_summing(ranks: Ranks) -> None:
    leaf = torch.ones(3, requires_grad=True)
    with ranks.sum_gradients([leaf]):
        leaf.sum().backward()
        if ranks.rank == 1:
            os.kill(os.getpid(), signal.SIGKILL)


def late(ranks: Ranks) -> None:
    if ranks.rank == 1:
        time.sleep(2.5)
    minibatch.bomb_ot(X, Y, k=2, m=5, ranks=ranks)


# The jobs, and how many ranks they have.
JOBS: dict[Callable[[Ranks], None], int] = {
    same_values: 2,
    same_passes: 2,
    rank_zero_draws: 2,
    read_from_disk: 2,
    same_gradients: 2,
    same_gradients_of_wrapped: 2,
    learned_loss: 2,
    dropout: 3,
    bad_arguments: 2,
    other_batches: 2,
    other_noise: 2,
    bad_row: 2,
    forward_raises: 2,
    raises_between: 2,
    killed: 2,
    killed_while_summing: 2,
    late: 2,
}


def run_rank(job: Callable[[Ranks], None], rank: int, size: int, folder: str) -> None:
    torch.set_num_threads(1)
    otcore.set_num_threads(1)
    store = f"file://{folder}/store"
    dist.init_process_group("gloo", init_method=store, rank=rank, world_size=size)
    start, error, trace = time.monotonic(), "", ""
    try:
        with Ranks(timeout=1.0 if job is late else 20.0) as ranks:
            job(ranks)
    except Exception as raised:
        error, trace = f"{type(raised).__name__}: {raised}", traceback.format_exc()
    seconds = time.monotonic() - start
    outcome = {"error": error, "trace": trace, "seconds": seconds}
    Path(folder, str(rank)).write_text(json.dumps(outcome))
    os._exit(0)


def main() -> None:
    context = multiprocessing.get_context("fork")
    outcomes = {}
    for job, size in JOBS.items():
        with tempfile.TemporaryDirectory() as folder:
            ranks = [
                context.Process(target=run_rank, args=(job, rank, size, folder))
                for rank in range(size)
            ]
            for process in ranks:
                process.start()
            for process in ranks:
                process.join()
            files = [Path(folder, str(rank)) for rank in range(size)]
            outcomes[job.__name__] = [
                json.loads(file.read_text()) if file.exists() else None for file in files
            ]
    json.dump(outcomes, sys.stdout)


if __name__ == "__main__":
    main()

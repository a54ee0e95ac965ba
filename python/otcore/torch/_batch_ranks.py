"""The passes of a gradient, shared by several processes.

Each rank has some x batches and solves their rows of the table; all ranks then know the coupling.
Each differentiates the pairs of its own rows, where it has their plans, else a run of the pairs
that the coupling uses. With one pair for each x batch, as BoMb-OT mostly has, that is the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.nn.parallel import DistributedDataParallel

from .._ranks import balanced, require_same
from ._batch_loss import InnerLoss, PairLoss
from ._batch_passes import Extra, Found, Passes, Table
from ._replay import Replay
from .distributed import Ranks


def split_step(
    ranks: Ranks,
    passes: Passes,
    loss: PairLoss,
    replay: Replay,
    extra: Extra | None,
    parameters: list[Tensor],
    all_modules: bool,
) -> tuple[Found, float]:
    """The first pass and the gradient, on every rank; what was found, and the mean of `extra`.

    `all_modules`: forwards, loss and extra are modules, and none of them is a function.
    """
    x, y = passes.x, passes.y
    with ranks.telling():
        first = [array for side in (x, y) for array in _arrays(side.batches[0])]
        drawn = torch.randint(2**62, (len(x) + len(y) + 3,)).numpy()
    seeds = require_same(ranks, first, "batches", drawn)
    assert seeds is not None
    bounds = balanced(np.ones(len(x)), ranks.size)
    rows = range(bounds[ranks.rank], bounds[ranks.rank + 1])
    with (
        ranks.sum_gradients(parameters),
        _same_draws(seeds.tolist(), ranks.rank, passes, loss, replay),
        nullcontext() if all_modules else _no_wrappers(),
    ):
        x.first_pass(rows)
        y.first_pass(rows if passes.coupling.kind == "diagonal" else range(len(y)))
        if not isinstance(loss, InnerLoss) or not x.keep:
            found = _table_of_pairs(ranks, passes, loss, replay, rows)
        elif passes.coupling.kind == "optimal":
            found = _table_of_outputs(ranks, passes, loss, rows)
        else:
            found = _sum_of_runs(ranks, passes, loss, rows)
        mean = passes.differentiate(found, loss, replay, extra, rows)
    return found, 0.0 if extra is None else sum(ranks.share(lambda: mean))


def shared_parameters(parameters: Iterable[Tensor] | None, *functions: object) -> list[Tensor]:
    """What gets a gradient: `parameters`, or those of the modules among the functions.

    Raises
    ------
    TypeError
        There is no telling.
    """
    if parameters is not None:
        return list(parameters)
    found: dict[Tensor, None] = {}
    for function in functions:
        if isinstance(function, nn.Module):
            found.update(dict.fromkeys(function.parameters()))
        elif not isinstance(function, str | None):
            raise TypeError(
                "parameters: None, expected all tensors that get a gradient: with ranks they are "
                f"known of modules alone, not of {type(function).__name__}"
            )
    return [parameter for parameter in found if parameter.requires_grad]


def without_wrapper(forward: Any) -> Any:
    """The network in a DistributedDataParallel, which would reduce gradients pass by pass."""
    return forward.module if isinstance(forward, DistributedDataParallel) else forward


def _sum_of_runs(ranks: Ranks, passes: Passes, loss: InnerLoss, rows: range) -> Found:
    """The loss of all pairs, which are weighed alike: each rank has a part of the sum."""

    def solve() -> tuple[float, Tensor, Tensor] | None:
        return passes.solve_together(loss, rows)[:3] if rows else None

    parts = [part for part in ranks.share(solve) if part is not None]
    values, costs, couplings = zip(*parts, strict=True)
    return Found(sum(values), torch.cat(costs), torch.cat(couplings), None)


def _table_of_outputs(ranks: Ranks, passes: Passes, loss: InnerLoss, rows: range) -> Found:
    """The costs of all pairs and their coupling; each rank takes the gradient of its own x batches'
    pairs, whose plans it has, to the outputs."""
    table: Table | None = None

    def solve() -> Tensor:
        nonlocal table
        if not rows:
            return torch.empty((0, len(passes.y)), dtype=torch.float64)
        table = passes.table(loss, rows)
        return table.costs

    found = Found(*passes.coupling.weigh(torch.cat(ranks.share(solve))))
    assert found.slopes is not None
    if table is not None:
        passes.differentiate_table(table, found.slopes[rows.start : rows.stop])
    return found._replace(slopes=None)


def _table_of_pairs(
    ranks: Ranks, passes: Passes, loss: PairLoss, replay: Replay, rows: range
) -> Found:
    """The costs of all pairs, their coupling, and the slopes of the pairs that are this rank's."""
    costs = ranks.share(lambda: passes.pair_costs(loss, replay, rows))
    found = Found(*passes.coupling.weigh(torch.cat(costs)))
    assert found.slopes is not None
    pairs = found.slopes.flatten().nonzero().flatten()
    bounds = balanced(np.ones(len(pairs)), ranks.size)
    own = pairs[bounds[ranks.rank] : bounds[ranks.rank + 1]]
    slopes = torch.zeros_like(found.slopes)
    slopes.view(-1)[own] = found.slopes.flatten()[own]
    return found._replace(slopes=slopes)


@contextmanager
def _same_draws(
    seeds: list[int], rank: int, passes: Passes, loss: PairLoss, replay: Replay
) -> Iterator[None]:
    """A batch has the same random numbers on whatever rank it is; torch's generators are left as
    they were, so those of all ranks move alike."""
    sides = passes.x, passes.y
    for side in sides:
        side.start_from([seeds.pop() for _ in range(len(side))])
    replay.start_from(seeds.pop())
    if isinstance(loss, InnerLoss):
        loss.fix_directions(seeds.pop())
    with torch.random.fork_rng(devices=_used_devices()):
        torch.manual_seed(seeds.pop() + rank)
        yield


def _used_devices() -> list[int]:
    used = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    return list(range(torch.cuda.device_count())) if used else []


@contextmanager
def _no_wrappers() -> Iterator[None]:
    """ValueError for a DistributedDataParallel that is called inside a forward: its own reductions,
    one for each pass, would wait for passes that other ranks do not have."""

    def refuse(module: nn.Module, _: Any) -> None:
        if isinstance(module, DistributedDataParallel):
            raise ValueError(
                "forward_x, forward_y, loss, extra: one calls a DistributedDataParallel, expected "
                "the network in it (its .module): gradients are summed here"
            )

    hook = register_module_forward_pre_hook(refuse)
    try:
        yield
    finally:
        hook.remove()


def _arrays(batch: Any) -> Iterator[npt.NDArray[Any]]:
    """The numbers of a batch, as far as it is made of tensors and arrays."""
    if isinstance(batch, Tensor):
        yield batch.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
    elif isinstance(batch, np.ndarray):
        yield batch
    elif isinstance(batch, tuple | list | dict):
        for part in batch.values() if isinstance(batch, dict) else batch:
            yield from _arrays(part)

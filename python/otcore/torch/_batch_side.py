"""The mini-batches of one side, as a network maps them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor

from ._replay import Replay

Output: TypeAlias = Tensor | tuple[Any, ...]  # what a forward returns for one batch
Forward: TypeAlias = Callable[[Any], Output]


class Side:
    """k mini-batches, what a forward maps each to, and the way back.

    Outputs are handed out without a graph. `leaf` is the one to differentiate in: `pull` takes the
    gradient that has come together there through a second pass of the forward, with autograd, to
    the parameters. That second pass is the only time that a batch's activations are in memory.

    Parameters
    ----------
    name
        What the forward is called in errors.
    forward
        Maps a batch to a tensor, or a tuple that has some; None: the batches are the outputs.
    batches
        What forward takes, k times.
    keep
        Whether outputs are computed once and kept, and not anew each time.
    keep_graphs
        Whether the graph of the first pass is kept, in place of a second one.
    """

    def __init__(
        self,
        name: str,
        forward: Forward | None,
        batches: Sequence[Any],
        *,
        keep: bool,
        keep_graphs: bool,
    ) -> None:
        self.name = name
        self.batches = batches
        self._forward = forward
        self.keep = keep
        self._keep_graphs = keep_graphs
        self._replays = [Replay(forward) for _ in range(len(batches))]
        self._outputs: dict[int, Output] = {}
        self._graphs: dict[int, Output] = {}
        self._leaves: dict[int, Output] = {}
        # Which parts of an output require a gradient; the first batch's tell for all.
        self._tracked: tuple[bool, ...] | None = None

    def __len__(self) -> int:
        return len(self.batches)

    def first_pass(self, batches: range) -> None:
        """Maps some batches in their order, which decides the random numbers that each sees."""
        for i in batches:
            self.output(i)

    def start_from(self, seeds: Sequence[int]) -> None:
        """Has the passes of each batch draw from a seed of its own."""
        for replay, seed in zip(self._replays, seeds, strict=True):
            replay.start_from(seed)

    def output(self, i: int) -> Output:
        """What batch i is mapped to, cut off from its graph."""
        if i in self._outputs:
            return self._outputs[i]
        with_graph = self._tracked is None or self._keep_graphs
        output = self._run(i, with_graph)
        if self._tracked is None:
            self._tracked = tuple(_is_tracked(part) for part in _parts(output))
        if self._keep_graphs:
            self._graphs[i] = output
        output = _map(_detached, output)
        if self.keep:
            self._outputs[i] = output
        return output

    def stack(self, batches: range) -> Tensor:
        """Some outputs, of tuples the first parts, as one leaf; they are views of it from then on.

        Returns
        -------
        Tensor, shape (len(batches), m, d)
        """
        first = [points_of(self.output(i), self.name) for i in batches]
        for i, points in zip(batches, first, strict=True):
            if points.shape != first[0].shape:
                raise ValueError(
                    f"{self.name}: shape {tuple(points.shape)} for batch {i} and "
                    f"{tuple(first[0].shape)} for batch {batches[0]}, expected batches of one shape"
                )
        stacked = torch.stack(first)
        for i, view in zip(batches, stacked, strict=True):
            output = self._outputs[i]
            view = view.view(_parts(output)[0].shape)
            self._outputs[i] = view if isinstance(output, Tensor) else (view, *output[1:])
        assert self._tracked is not None
        return stacked.detach().requires_grad_(self._tracked[0])

    def leaf(self, i: int) -> Output:
        """The output of batch i as leaves of a graph of its own."""
        if i not in self._leaves:
            output = self.output(i)
            assert self._tracked is not None
            parts = tuple(
                part.detach().requires_grad_() if tracked else part
                for part, tracked in zip(_parts(output), self._tracked, strict=True)
            )
            self._leaves[i] = parts[0] if isinstance(output, Tensor) else parts
        return self._leaves[i]

    def add_gradient(self, i: int, gradient: Tensor) -> None:
        """Adds to the gradient in the first part of leaf i."""
        part = _parts(self.leaf(i))[0]
        gradient = gradient.view(part.shape)
        part.grad = gradient if part.grad is None else part.grad + gradient

    def pull(self, i: int) -> None:
        """Takes the gradient in leaf i, if there is one, to the parameters, and forgets batch i."""
        self._outputs.pop(i, None)
        graph = self._graphs.pop(i, None)
        leaves = _parts(self._leaves.pop(i, ()))
        if all(leaf.grad is None for leaf in leaves if isinstance(leaf, Tensor)):
            return
        if graph is None:
            graph = self._run(i, with_graph=True)
        pairs = [
            (part, leaf.grad)
            for part, leaf in zip(_parts(graph), leaves, strict=True)
            if isinstance(leaf, Tensor) and leaf.grad is not None
        ]
        torch.autograd.backward([part for part, _ in pairs], [grad for _, grad in pairs])

    def _run(self, i: int, with_graph: bool) -> Output:
        output = self.batches[i]
        if self._forward is not None:
            with self._replays[i](), torch.set_grad_enabled(with_graph):
                output = self._forward(output)
        output = tuple(output) if isinstance(output, list) else output
        parts = _parts(output)
        if not any(isinstance(part, Tensor) for part in parts):
            raise TypeError(
                f"{self.name}: {type(output).__name__} for batch {i}, expected a tensor or a tuple "
                "with tensors"
            )
        if self._tracked is not None and len(parts) != len(self._tracked):
            raise ValueError(
                f"{self.name}: {len(parts)} parts for batch {i}, expected {len(self._tracked)} as "
                "for batch 0"
            )
        return output


def points_of(output: Output, name: str) -> Tensor:
    """The points (m, d) that a loss by name is of: the first part of a tuple.

    Raises
    ------
    TypeError, ValueError
        They are no tensor, have no second axis, or are not finite.
    """
    points = _parts(output)[0]
    if not isinstance(points, Tensor):
        raise TypeError(f"{name}: {type(points).__name__} first, expected a tensor of points")
    if points.dim() < 2:
        raise ValueError(f"{name}: shape {tuple(points.shape)}, expected (m, d) or (m, ...)")
    # The sum is finite but where an entry is not, or it overflows.
    if not points.sum().isfinite() and not points.isfinite().all():
        raise ValueError(f"{name}: an output holds NaN or infinity, expected finite numbers")
    return points.flatten(1)


def _parts(output: Output) -> tuple[Any, ...]:
    return output if isinstance(output, tuple) else (output,)


def _map(function: Callable[[Any], Any], output: Output) -> Output:
    if isinstance(output, tuple):
        return tuple(map(function, output))
    return function(output)  # type: ignore[no-any-return]


def _detached(part: Any) -> Any:
    return part.detach() if isinstance(part, Tensor) else part


def _is_tracked(part: Any) -> bool:
    return isinstance(part, Tensor) and part.requires_grad

"""Several processes that share the work, over torch.distributed."""

from __future__ import annotations

import pickle
import struct
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from types import TracebackType
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from .._options import positive
from .._ranks import Ranks as _Ranks

__all__ = ["RankError", "Ranks"]

T = TypeVar("T")

# A message: its kind and its length, and the first bytes of it in a block of fixed size.
_HEAD = struct.Struct("<BQ")
_BLOCK = 4096
_ANSWER, _ERROR = 0, 1


class RankError(RuntimeError):
    """Another rank has failed (says with what), has ended, or does not answer."""


class Ranks(_Ranks):
    """The processes of a torch.distributed job as those that share otcore's work.

    Passed as `ranks` to `otcore.minibatch.m_ot`, `bomb_ot` and `pmb_ot` and to
    `otcore.torch.training.bomb_backward`, which all ranks must call in the same order and with the
    same arguments.

    In a ``with`` block an exception on one rank, wherever it is raised, ends the others with a
    `RankError` at their next exchange; without it, one that is raised while otcore works does.
    After that the object is of no more use, and after the block neither.

    What is exchanged are Python objects, by pickle, over a process group of its own: gloo, on the
    CPU, whatever the job's backend. Gradients of CUDA tensors are summed over `group`.

    Parameters
    ----------
    group
        A process group of torch.distributed that this process is in; None: all processes.
    timeout
        How many seconds ranks wait for each other: none may come to an exchange later than the
        others by more. A rank whose process has ended is noticed at once.

    Raises
    ------
    RuntimeError
        torch.distributed is not initialised.
    ValueError
        A timeout that is not positive, or a group that this process is not in.

    Examples
    --------
    What a script does that ``torchrun --nproc-per-node 2 script.py`` starts; there
    ``init_process_group("gloo")`` is enough.

    >>> import otcore, torch
    >>> import torch.distributed as dist
    >>> from otcore.torch.distributed import Ranks
    >>> dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    >>> X, Y = torch.arange(20.0).reshape(2, 10, 1)
    >>> with Ranks() as ranks:
    ...     result = otcore.minibatch.bomb_ot(X, Y, k=4, m=5, seed=0, ranks=ranks)
    ...     result = ranks.gather_plan(result)
    >>> bool(result.value == otcore.minibatch.bomb_ot(X, Y, k=4, m=5, seed=0).value)
    True
    >>> dist.destroy_process_group()
    """

    def __init__(self, group: dist.ProcessGroup | None = None, *, timeout: float = 600.0) -> None:
        self._timeout = positive(timeout, "timeout")
        if not dist.is_initialized():
            raise RuntimeError(
                "torch.distributed is not initialised, expected init_process_group before"
            )
        if dist.get_rank(group) < 0:
            raise ValueError("group: this process is not in it, expected a group that it is in")
        self._group = group
        self._control = dist.new_group(
            dist.get_process_group_ranks(group),
            timeout=timedelta(seconds=self._timeout),
            backend="gloo",
            use_local_synchronization=True,
        )
        # Also at exit, if not before: a group of gloo that is left then may abort the process.
        self._close = weakref.finalize(self, _destroy, self._control)
        self._rank = dist.get_rank(self._control)
        self._size = dist.get_world_size(self._control)
        self._over = False

    @property
    def rank(self) -> int:
        """The number of this process in the group, from 0."""
        return self._rank

    @property
    def size(self) -> int:
        """How many processes the group has."""
        return self._size

    def share(self, work: Callable[[], T]) -> list[T]:
        """Calls work() on every rank; all get what it returned on each, in their order.

        Parameters
        ----------
        work
            Returns what can be pickled.

        Raises
        ------
        RankError
            work() has failed on another rank, or that has ended or does not answer. Where it has
            failed its own exception is raised.

        Examples
        --------
        >>> import torch.distributed as dist
        >>> from otcore.torch.distributed import Ranks
        >>> dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
        >>> with Ranks() as ranks:
        ...     print(ranks.share(lambda: 10 * ranks.rank))
        [0]
        >>> dist.destroy_process_group()
        """
        with self.telling():
            mine = pickle.dumps(work(), protocol=pickle.HIGHEST_PROTOCOL)
        return [pickle.loads(answer) for answer in self._exchange(mine)]

    def first(self, work: Callable[[], T]) -> T:
        """Calls work() on rank 0 alone; all ranks get what it returned. Errors as `share`."""
        return self.share(lambda: work() if self.rank == 0 else None)[0]  # type: ignore[return-value]

    def gather_plan(self, result: T) -> T:
        """A result of `m_ot`, `bomb_ot` or `pmb_ot` with its plan, which lies on several ranks.

        All ranks must call it. The entries of the plan go to each of them, in the order that they
        have in one process.

        Parameters
        ----------
        result : MiniBatchResult or PyramidResult

        Returns
        -------
        MiniBatchResult or PyramidResult
            With `sparse_plan` and all that is made of it. Itself where there is nothing to gather.
        """
        return result._gathered(self)  # type: ignore[attr-defined, no-any-return]

    @contextmanager
    def sum_gradients(self, tensors: Iterable[Tensor]) -> Iterator[None]:
        """In this block ``.grad`` of each tensor gets what is added to it on all ranks together.

        Parameters
        ----------
        tensors
            The same on all ranks, in the same order. Those that get no gradient on any rank keep
            what they had.
        """
        leaves = list(tensors)
        before = [leaf.grad for leaf in leaves]
        for leaf in leaves:
            leaf.grad = None
        with self.telling():
            yield
        has = self.share(lambda: [leaf.grad is not None for leaf in leaves])
        reached = [any(somewhere) for somewhere in zip(*has, strict=True)]
        kinds: dict[tuple[torch.device, torch.dtype], list[Tensor]] = {}
        for leaf, old, some in zip(leaves, before, reached, strict=True):
            if some:
                leaf.grad = torch.zeros_like(leaf) if leaf.grad is None else leaf.grad
                kinds.setdefault((leaf.device, leaf.dtype), []).append(leaf.grad)
            else:
                leaf.grad = old
        for gradients in kinds.values():
            self._sum(gradients)
        for leaf, old, some in zip(leaves, before, reached, strict=True):
            if some and old is not None and leaf.grad is not None:
                leaf.grad = old.add_(leaf.grad)

    def __enter__(self) -> Ranks:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            self._tell(error)
        self._over = True
        self._close()

    @contextmanager
    def telling(self) -> Iterator[None]:
        """What is raised in this block is told to the other ranks, which then raise `RankError`."""
        try:
            yield
        except BaseException as error:
            self._tell(error)
            raise

    def _tell(self, error: BaseException) -> None:
        if not self._over:
            self._over = True
            with suppress(RuntimeError):  # nobody is there to hear it
                self._gather(_ERROR, f"{type(error).__name__}: {error}".encode())

    def _exchange(self, mine: bytes) -> list[bytes]:
        if self._over:
            raise RuntimeError("ranks: over, expected no use after an error or the with block")
        with self._listening():
            answers = self._gather(_ANSWER, mine)
        for rank, (kind, text) in enumerate(answers):
            if kind == _ERROR:
                self._over = True
                raise RankError(f"rank {rank} of {self.size} has failed: {text.decode()}")
        return [answer for _, answer in answers]

    def _gather(self, kind: int, message: bytes) -> list[tuple[int, bytes]]:
        """The kind and the message of every rank, in one exchange if none is long."""
        head = _HEAD.pack(kind, len(message)) + message
        blocks = self._gather_bytes(head, _BLOCK)
        heads = [_HEAD.unpack_from(block) for block in blocks]
        longest = _HEAD.size + max(length for _, length in heads)
        if longest > _BLOCK:
            blocks = self._gather_bytes(head, longest)
        return [
            (kind, block[_HEAD.size : _HEAD.size + length])
            for block, (kind, length) in zip(blocks, heads, strict=True)
        ]

    def _gather_bytes(self, mine: bytes, size: int) -> list[bytes]:
        """The first `size` bytes of every rank."""
        block = torch.zeros(size, dtype=torch.uint8)
        part = bytearray(mine[:size])
        block[: len(part)] = torch.frombuffer(part, dtype=torch.uint8)
        blocks = [torch.empty_like(block) for _ in range(self._size)]
        dist.all_gather(blocks, block, group=self._control)
        return [one.numpy().tobytes() for one in blocks]

    def _sum(self, tensors: list[Tensor]) -> None:
        """Each tensor becomes its sum over all ranks; they are of one device and dtype."""
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        with self._listening():
            dist.all_reduce(flat, group=self._control if flat.is_cpu else self._group)
        parts = torch.split(flat, [tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view_as(tensor))

    @contextmanager
    def _listening(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:
            self._over = True
            raise RankError(
                f"another rank has ended, or did not answer within {self._timeout:g} s"
            ) from error


def _destroy(group: dist.ProcessGroup) -> None:
    if dist.is_initialized():
        dist.destroy_process_group(group)

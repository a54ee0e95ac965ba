"""Passes of networks that run again as they ran the first time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_pre_hook


class Replay:
    """The random state of a pass of a function, which repetitions of it start from.

    Every call gives a context to run the function in. The first is like any other code. Later ones
    see the random numbers that the first one saw, and leave both torch's generators (of the CPU and
    of CUDA) and the buffers of modules, such as the running statistics of batch norm, as they were.

    Parameters
    ----------
    function
        Where it is a module, its own modules count; else those that are called in the context.
    """

    def __init__(self, function: object) -> None:
        self._module = function if isinstance(function, nn.Module) else None
        self._seed: int | None = None
        self._states: Sequence[Tensor] | None = None

    def start_from(self, seed: int) -> None:
        """Has the first pass, too, draw from generators of its own, of this seed."""
        self._seed = seed

    def __call__(self) -> AbstractContextManager[None]:
        if self._states is not None:
            return self._again(self._states)
        if self._seed is not None:
            torch.manual_seed(self._seed)
        self._states = _generator_states()
        return nullcontext()

    @contextmanager
    def _again(self, states: Sequence[Tensor]) -> Iterator[None]:
        now = _generator_states()
        _set_generators(states)
        try:
            with _lent_buffers(self._module):
                yield
        finally:
            _set_generators(now)


@contextmanager
def _lent_buffers(known: nn.Module | None) -> Iterator[None]:
    """Modules in training mode work on copies of their buffers.

    Copies instead of restored values: an original that was written to would not fit a graph that
    another pass through the module has saved it in.
    """
    originals: dict[nn.Module, dict[str, Tensor | None]] = {}

    def lend(called: nn.Module, _: Any = None) -> None:
        for module in called.modules():
            if module.training and module._buffers and module not in originals:
                originals[module] = dict(module._buffers)
                for name, buffer in originals[module].items():
                    module._buffers[name] = None if buffer is None else buffer.clone()

    # A hook on all modules, which torch.compile warns of, only where they are not known.
    hook = register_module_forward_pre_hook(lend) if known is None else None
    try:
        if known is not None:
            lend(known)
        yield
    finally:
        if hook is not None:
            hook.remove()
        for module, buffers in originals.items():
            module._buffers.update(buffers)


def _generator_states() -> Sequence[Tensor]:
    used = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    cuda = torch.cuda.get_rng_state_all() if used else ()
    return torch.get_rng_state(), *cuda


def _set_generators(states: Sequence[Tensor]) -> None:
    torch.set_rng_state(states[0])
    if len(states) > 1:
        torch.cuda.set_rng_state_all(states[1:])

"""Network passes that run again as they ran the first time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_pre_hook


class Replay:
    """The random state of a pass, and all its repetitions from the same state.

    Every call gives a context to run the pass in. The first is like any other code. Later ones see
    the random numbers that the first one saw, and leave both torch's generators (of the CPU and of
    CUDA) and the buffers of modules, such as the running statistics of batch norm, as they were.
    """

    def __init__(self) -> None:
        self._states: Sequence[Tensor] | None = None

    def __call__(self) -> AbstractContextManager[None]:
        if self._states is None:
            self._states = _generator_states()
            return nullcontext()
        return _again(self._states)


@contextmanager
def _again(states: Sequence[Tensor]) -> Iterator[None]:
    now = _generator_states()
    _set_generators(states)
    try:
        with _lent_buffers():
            yield
    finally:
        _set_generators(now)


@contextmanager
def _lent_buffers() -> Iterator[None]:
    """Modules in training mode that are called in this block work on copies of their buffers.

    Copies instead of restored values: an original that was written to would not fit a graph that
    another pass through the module has saved it in.
    """
    originals: dict[nn.Module, dict[str, Tensor | None]] = {}

    def lend(module: nn.Module, _: Any) -> None:
        if module.training and module._buffers and module not in originals:
            originals[module] = dict(module._buffers)
            for name, buffer in originals[module].items():
                module._buffers[name] = None if buffer is None else buffer.clone()

    hook = register_module_forward_pre_hook(lend)
    try:
        yield
    finally:
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

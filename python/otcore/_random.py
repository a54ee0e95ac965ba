"""The `seed` argument of every function that draws at random."""

from __future__ import annotations

import operator

import numpy as np

from ._arrays import Library, torch_type


def core_seed(seed: object, library: Library) -> int:
    """The 64-bit seed of one call into the core.

    Parameters
    ----------
    seed
        None: drawn from the global generator of the data's library (`numpy.random.seed` or
        `torch.manual_seed` governs it). An int from 0 to 2^64 - 1: taken as it is. A
        `numpy.random.Generator` or `torch.Generator`: drawn from it, which advances it.
    library
        The library of the data.
    """
    if seed is None:
        return library.draw_seed()
    if isinstance(seed, np.random.Generator):
        return int(seed.integers(0, 2**64 - 1, dtype=np.uint64, endpoint=True))
    generator = torch_type("Generator")
    if generator is not None and isinstance(seed, generator):
        from .torch._library import TORCH

        return TORCH.draw_seed(seed)
    try:
        number = operator.index(seed)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(
            f"seed: {type(seed).__name__}, expected None, an int, a numpy.random.Generator "
            "or a torch.Generator"
        ) from None
    if not 0 <= number < 2**64:
        raise ValueError(f"seed: {number}, expected an int from 0 to 2**64 - 1")
    return number

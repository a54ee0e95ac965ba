"""Random directions as POT draws them: the same ones for the same seed."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..._arrays import FLOAT64, Array, Library, torch_type


def draw_normal(library: Library, like: Array, shape: tuple[int, ...], seed: Any) -> Array:
    """Normal numbers: float64 for numpy, in the dtype of `like` for torch.

    `seed` is None, an int, or a RandomState (numpy), or a torch.Generator (torch).
    """
    tensor = torch_type("Tensor")
    if tensor is None or not isinstance(like, tensor):
        if isinstance(seed, np.random.RandomState):
            return seed.randn(*shape)
        return np.random.RandomState(seed).randn(*shape)
    if seed is not None and not isinstance(seed, torch_type("Generator")):
        seed = torch_type("Generator")().manual_seed(seed)
    if not like.dtype.is_floating_point:
        like = library.cast(like, FLOAT64)
    return like.new_empty(shape).normal_(generator=seed)


def unit_columns(numbers: Array) -> Array:
    """(d, L), each column scaled to length 1."""
    return numbers / (numbers**2).sum(0) ** 0.5


def orthonormal_pairs(numbers: Array) -> Array:
    """(L, d, 2): the Q of each matrix (d, 2), of either library by LAPACK."""
    if isinstance(numbers, np.ndarray):
        return np.linalg.qr(numbers)[0]
    return numbers.new_tensor(np.linalg.qr(numbers.numpy())[0])

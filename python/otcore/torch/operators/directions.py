"""Random directions as an operator, for compiled functions."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ... import _core
from ..._random import core_seed
from .._library import TORCH
from .registration import define


def draw_directions(X: Tensor, count: int, sampling: str, seed: Any) -> Tensor:
    """Directions for points (..., d), those of `otcore.sliced.sliced_wasserstein` for a seed.

    Parameters
    ----------
    X
        The points.
    count, sampling, seed
        `n_projections`, `directions` and `seed`, as there; a seed of None is drawn by torch, also
        in compiled functions.

    Returns
    -------
    Tensor, shape (d, L)
        float64.
    """
    if seed is None:
        number = torch.randint(2**63 - 1, (), dtype=torch.int64)
    else:
        bits = core_seed(seed, TORCH)
        number = torch.tensor(bits - 2**64 if bits >= 2**63 else bits, dtype=torch.int64)
    dims = X.shape[-1] if X.dim() else 1
    drawn: Tensor = sampled_directions(number, dims, count, sampling)
    return drawn


def _draw(seed: Tensor, dims: int, count: int, sampling: str) -> Tensor:
    bits = int(seed) % 2**64
    rows = _core.sample_directions(dims, count, sampling=sampling, seed=bits)
    return torch.from_numpy(rows).T.contiguous()


sampled_directions = define(
    "sampled_directions(Tensor seed, int dims, int count, str sampling) -> Tensor",
    _draw,
    lambda seed, dims, count, _: seed.new_empty((dims, count), dtype=torch.float64),
    axes=(0, None, None, None),
    alone=(0,),
)

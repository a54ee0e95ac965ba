"""What the tests of sliced transport share: powers, points and masses."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

POWERS = [1, 1.5, 2, 2.7, 3]


def clouds(n: int, m: int, d: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(size=(m, d)) * 1.5 + 0.3


def sphere(n: int, d: int, seed: int = 0) -> np.ndarray:
    points = np.random.default_rng(seed).normal(size=(n, d))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def masses(n: int, m: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    a, b = rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(m))
    if n > 4:
        a[::4] = 0
    return a / a.sum(), b


def tensors(n: int, m: int, d: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    x, y = (torch.as_tensor(z).requires_grad_() for z in clouds(n, m, d, seed))
    return x, y

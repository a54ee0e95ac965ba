"""What the tests of the entropic room's face share: one small problem, and its kinds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

RNG = np.random.default_rng(50)
M = RNG.random((6, 5))
X, Y = RNG.random((6, 3)), RNG.random((5, 3))
A, B = RNG.dirichlet(np.ones(6)), RNG.dirichlet(np.ones(5))

DTYPES = [np.float64, np.float32]
# Arguments of each kind of problem.
KINDS: dict[str, dict[str, Any]] = {
    "sinkhorn": {"reg": 0.2},
    "plain": {"reg": 0.2, "scheme": "plain"},
    "unbalanced": {"reg": 0.2, "unbalanced": 0.5},
    "semi-unbalanced": {"reg": 0.2, "unbalanced": (math.inf, 0.5)},
    "ipot": {"method": "ipot"},
}
EACH_KIND = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def tensors(*arrays: Any) -> tuple[torch.Tensor, ...]:
    return tuple(torch.tensor(array).requires_grad_() for array in arrays)

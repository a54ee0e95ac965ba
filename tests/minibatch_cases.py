"""What the tests of mini-batch transport share: points, and every way to couple batches."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from checks import to_numpy
from otcore.minibatch import bomb_ot, m_ot
from problems import dyadic_weights

Array = NDArray[Any]

RNG = np.random.default_rng(11)
X, Y = RNG.random((40, 3)), RNG.random((35, 3)) + 0.25
A, B = dyadic_weights(RNG, 40), dyadic_weights(RNG, 35)
COUPLINGS: dict[str, Any] = {
    "m": m_ot,
    "diagonal": partial(m_ot, pairs="diagonal"),
    "bomb": bomb_ot,
    "ebomb": partial(bomb_ot, outer_reg=0.05),
}


def assert_same(left: Any, right: Any) -> None:
    """Bit for bit."""
    for name in ("value", "costs", "coupling", "batches_x", "batches_y", "plan"):
        assert np.array_equal(to_numpy_or_float(left, name), to_numpy_or_float(right, name)), name
    assert left.status == right.status


def to_numpy_or_float(result: Any, name: str) -> Array:
    value = getattr(result, name)
    return np.asarray(value if isinstance(value, float) else to_numpy(value))

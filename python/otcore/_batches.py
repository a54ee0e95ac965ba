"""The mini-batches of a call: how many, how large, and which points they hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from . import _core
from ._arrays import Array, Library, open_door, shape_error
from ._options import positive_int
from ._random import core_seed

Indices: TypeAlias = npt.NDArray[np.int64]
Count: TypeAlias = int | tuple[int, int]  # the same for both sides, or one for each

_SAMPLING = ("independent", "disjoint")


@dataclass(frozen=True, slots=True)
class Draw:
    """What a user says about the batches, as it was passed."""

    k: Count | None
    m: Count | None
    sampling: str = "independent"
    replacement: bool = False
    labels_x: Array | None = None
    labels_y: Array | None = None
    batches: Sequence[Array] | None = None
    seed: object = None


def choose_batches(draw: Draw, n_x: int, n_y: int, library: Library) -> tuple[Indices, Indices]:
    """Batches (kx, mx) of the points 0..n_x-1 and (ky, my) of 0..n_y-1: those given, or drawn."""
    if draw.batches is not None:
        return _given_batches(draw)
    k, m = count_pair(draw.k, "k"), count_pair(draw.m, "m")
    sampling = core_sampling(draw.sampling, draw.replacement)
    labels = labels_of(draw.labels_x, "labels_x", n_x), labels_of(draw.labels_y, "labels_y", n_y)
    seed = core_seed(draw.seed, library)
    # One stream of the seed for each side: as the first iteration of barycentric_map.
    sides = zip((n_x, n_y), k, m, labels, (0, 1), "xy", strict=True)
    x, y = (
        _core.sample_batches(
            n, k_side, m_side, sampling=sampling, labels=marks, seed=seed, stream=stream, side=side
        )
        for n, k_side, m_side, marks, stream, side in sides
    )
    return x, y


def count_pair(value: object, name: str) -> tuple[int, int]:
    """`value` for both sides, or a pair of values, as positive ints."""
    if value is None:
        raise TypeError(f"{name}: None, expected an integer, or a pair of them (for X and for Y)")
    if isinstance(value, (tuple, list)):
        if len(value) != 2:
            raise ValueError(f"{name}: {value!r}, expected one integer, or a pair of them")
        return positive_int(value[0], name), positive_int(value[1], name)
    number = positive_int(value, name)
    return number, number


def core_sampling(sampling: str, replacement: bool) -> str:
    """The core's name for how batches are drawn."""
    if sampling not in _SAMPLING:
        choices = ", ".join(map(repr, _SAMPLING))
        raise ValueError(f"sampling: {sampling!r}, expected one of {choices}")
    if not isinstance(replacement, (bool, np.bool_)):
        raise TypeError(f"replacement: {type(replacement).__name__}, expected a bool")
    if replacement and sampling == "disjoint":
        raise ValueError("replacement: True, expected False with sampling='disjoint'")
    return "with_replacement" if replacement else sampling


def _given_batches(draw: Draw) -> tuple[Indices, Indices]:
    """The user's own index arrays, copied: the result refers to them for as long as it lives."""
    for name, default in (
        ("k", None),
        ("m", None),
        ("sampling", "independent"),
        ("replacement", False),
        ("labels_x", None),
        ("labels_y", None),
        ("seed", None),
    ):
        value = getattr(draw, name)
        if value is not default and not (isinstance(value, str) and value == default):
            raise ValueError(f"{name}: given, expected nothing beside batches, which say it all")
    batches: Any = draw.batches
    if not isinstance(batches, (tuple, list)) or len(batches) != 2:
        raise TypeError(
            f"batches: {type(batches).__name__}, expected a pair of index arrays: "
            "(k, m) rows of X and (k, m) rows of Y"
        )
    x, y = (_integers(side, "batches").copy() for side in batches)
    for side in (x, y):
        if side.ndim != 2 or not side.size:
            raise shape_error("batches", side.shape, "(k, m) for each side, not empty")
    return x, y


def labels_of(labels: Array | None, name: str, n: int) -> Indices | None:
    """The classes of n points, checked."""
    if labels is None:
        return None
    array = _integers(labels, name)
    if array.shape != (n,):
        raise shape_error(name, array.shape, f"({n},), the class of each point")
    return array


def _integers(value: Any, name: str) -> Indices:
    """A C-contiguous int64 array; TypeError for what holds no integers."""
    _, (adopted,) = open_door(((name, value),))
    array = np.asarray(adopted)
    if array.dtype.kind not in "biu":
        raise TypeError(f"{name}: dtype {array.dtype}, expected integers")
    return np.ascontiguousarray(array, dtype=np.int64)

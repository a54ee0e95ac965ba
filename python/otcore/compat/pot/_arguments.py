"""Arguments as POT takes them, made into arguments of `otcore.solve`."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

from ..._arrays import FLOAT64, Array, Library, Named, open_door, real_dtype, shape_error
from ..._sparse import is_sparse, take_apart

# POT's default of numItermax. It raises that number to be rid of the limit, so here it is none.
DEFAULT_ITERATIONS = 100_000
# How far POT lets the sums of a and b differ (six decimals), whatever they are.
_POT_MASS_TOLERANCE = 1.5e-6
# How far otcore.solve does, relative to them: with weights in float64, and in less.
_MASS_TOLERANCE = 1e-6
_SINGLE_MASS_TOLERANCE = 1e-4


@dataclass(frozen=True, slots=True)
class Arguments:
    """Costs or points, and weights, of one library."""

    library: Library
    data: tuple[Array, ...]  # (M,), which may be sparse, or (X, Y)
    a: Array | None  # None: uniform
    b: Array | None
    like: Array  # the array whose dtype POT gives to plans, potentials and tensor values

    @property
    def sides(self) -> tuple[int, int]:
        """(n, m) of one problem."""
        return self.data[0].shape[0], self.data[-1].shape[-1 if len(self.data) == 1 else 0]

    @property
    def sides_of_each(self) -> tuple[int, int]:
        """(n, m) of each of a batch of cost matrices or points, or of one."""
        return self.data[0].shape[-2], self.data[-1].shape[-1 if len(self.data) == 1 else -2]


def read_arguments(data: Named, a: Any, b: Any, *, ndim: int | None = 2) -> Arguments:
    """All of them as arrays of one library; empty weights become None.

    Lists take the dtype of the first array, if that is a floating one, and else float64. `ndim` is
    that of the data; None leaves it to the caller.
    """
    names = [*(name for name, _ in data), "a", "b"]
    values = [*(value for _, value in data), *(None if _is_empty(w) else w for w in (a, b))]
    references = [*values[-2:], *values[:-2]]  # POT looks at the weights first
    values = lists_to_arrays(names, values, references)
    named = [
        (name, take_apart(value, name).entries if is_sparse(value) else value)
        for name, value in zip(names, values, strict=True)
    ]
    library, arrays = open_door(named[:-2], named[-2:])
    for name, array in zip(names, arrays, strict=True):
        if array is not None:
            real_dtype(_sample(library, array), name)
    *points, a, b = (
        value if is_sparse(value) else array for value, array in zip(values, arrays, strict=True)
    )
    for (name, _), array in zip(data, points, strict=True):
        if ndim is not None and (array.ndim != ndim or 0 in array.shape):
            raise shape_error(name, array.shape, f"{ndim} axes, none of them empty")
    like = next(array for array in (a, b, *points) if array is not None)
    return Arguments(library, tuple(points), a, b, like)


def lists_to_arrays(
    names: Sequence[str], values: Sequence[Any], references: Sequence[Any]
) -> list[Any]:
    """The values, with lists made arrays of the kind of the first reference that is no list."""
    given = [value for value in references if not isinstance(value, (list, tuple, type(None)))]
    found: list[Any] = []
    for name, value in zip(names, values, strict=True):
        if not isinstance(value, (list, tuple)):
            found.append(value)
            continue
        if given:
            library, (reference, array) = open_door((("reference", given[0]), (name, value)))
        else:
            library, (array,) = open_door(((name, value),))
            reference = None
        array = library.cast(array, FLOAT64)
        if reference is not None and is_floating(library, reference):
            array = library.like(array, reference)
        found.append(array)
    return found


def check_sides(arguments: Arguments) -> None:
    """AssertionError for weights that do not fit the costs or points."""
    for name, weights, side in zip("ab", (arguments.a, arguments.b), arguments.sides, strict=True):
        if weights is not None and weights.shape[:1] != (side,):
            raise AssertionError(
                f"{name}: shape {tuple(weights.shape)}, expected ({side},), one for each point"
            )


def balanced(arguments: Arguments, *, check_marginals: bool) -> Arguments:
    """The arguments with masses that `otcore.solve` takes as equal, b scaled if need be.

    Raises AssertionError if `check_marginals` and the sums differ by more than POT and otcore let
    them.
    """
    library, a, b = arguments.library, arguments.a, arguments.b
    if a is None and b is None:
        return arguments
    sum_a, sum_b = (float(np.sum(total(library, w))) for w in (a, b))
    single = any(w is not None and is_single(library, w) for w in (a, b, *arguments.data))
    relative = _SINGLE_MASS_TOLERANCE if single else _MASS_TOLERANCE
    difference = abs(sum_a - sum_b)
    if difference <= relative * min(sum_a, sum_b):
        return arguments
    if check_marginals and not difference <= _POT_MASS_TOLERANCE:
        raise AssertionError(
            f"a, b: sum(a) = {sum_a:.10g} and sum(b) = {sum_b:.10g}, expected the same sum "
            "(check_marginals=False scales b)"
        )
    if sum_b == 0:
        return arguments
    if b is None:
        m = arguments.sides[1]
        scaled = library.wrap(np.full(m, sum_a / m))
    else:
        scaled = library.cast(b, FLOAT64) * (sum_a / sum_b)
    return replace(arguments, b=scaled)


def widened(arguments: Arguments) -> Arguments:
    """float32 data beside float64 weights in float64, so that the weights are not rounded."""
    library = arguments.library
    weights = [w for w in (arguments.a, arguments.b) if w is not None]
    if all(is_single(library, w) for w in weights):
        return arguments
    data = tuple(library.cast(x, FLOAT64) for x in arguments.data)
    return replace(arguments, data=data)


def warn_of_integers(arguments: Arguments, stacklevel: int) -> None:
    """UserWarning if POT's dtype for the answer is one of integers."""
    if not is_floating(arguments.library, arguments.like):
        warnings.warn(
            "a: integer weights (or integer costs without weights), so the plan and the potentials "
            "are cut to integers, as in POT: pass floats to keep their fractions",
            UserWarning,
            stacklevel=stacklevel + 1,
        )


def iteration_limit(numItermax: object) -> int | None:
    """POT's numItermax as `max_iter`: its default, more than that, and 0 are no limit."""
    if not isinstance(numItermax, Real):
        raise TypeError(f"numItermax: {type(numItermax).__name__}, expected a number")
    number = float(numItermax)
    if not number >= 0:
        raise ValueError(f"numItermax: {number}, expected a number that is not negative")
    return None if number >= DEFAULT_ITERATIONS else int(number) or None


def check_number_threads(numThreads: int | str | None) -> int:
    """Check a number of threads given as POT takes it.

    Parameters
    ----------
    numThreads
        A positive integer, or ``"max"`` or None.

    Returns
    -------
    int
        The number; -1 for ``"max"`` and None.

    Raises
    ------
    ValueError
        Anything else.

    Examples
    --------
    >>> from otcore.compat.pot.utils import check_number_threads
    >>> check_number_threads(2), check_number_threads("max")
    (2, -1)
    """
    if numThreads is None or numThreads == "max":
        return -1
    if not isinstance(numThreads, (int, np.integer)) or numThreads < 1:
        raise ValueError(f'numThreads: {numThreads!r}, expected a positive integer or "max"')
    return int(numThreads)


def thread_limit(numThreads: int | str | None) -> int | None:
    """POT's numThreads as `n_threads`: its default of 1 leaves the choice to otcore."""
    number = check_number_threads(numThreads)
    return number if number > 1 else None


def _is_empty(weights: Any) -> bool:
    if isinstance(weights, (list, tuple)):
        return not weights
    return weights is None or 0 in tuple(getattr(weights, "shape", ()))[:1]


def total(library: Library, weights: Array | None) -> Any:
    """The mass, a float64; of a batch's own weights (B,). None has 1."""
    if weights is None:
        return np.float64(1.0)
    return np.sum(library.to_numpy(weights), axis=-1, dtype=np.float64)


def _sample(library: Library, array: Array) -> npt.NDArray[Any]:
    """An array of the same dtype, as numpy sees it, without reading this one."""
    if is_sparse(array):
        array = take_apart(array, "M").entries
    return library.to_numpy(array[:0] if array.ndim else array)


def is_floating(library: Library, array: Array) -> bool:
    """Whether the array has a dtype of floating numbers."""
    return _sample(library, array).dtype.kind == "f"


def is_single(library: Library, array: Array) -> bool:
    """Whether the array is of float32 or narrower."""
    dtype = _sample(library, array).dtype
    return dtype.kind == "f" and dtype.itemsize <= 4

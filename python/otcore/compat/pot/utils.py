"""POT's ``ot.utils``: what scripts around exact transport use of it."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from ..._arrays import Array, open_door, real_dtype
from ._arguments import check_number_threads, lists_to_arrays
from ._costs import dist, dist0, euclidean_distances
from ._coverage import missing
from ._lazy import LazyTensor
from ._result import OTResult

__all__ = [
    "LazyTensor",
    "OTResult",
    "check_number_threads",
    "check_random_state",
    "clean_zeros",
    "cost_normalization",
    "dist",
    "dist0",
    "euclidean_distances",
    "is_all_finite",
    "list_to_array",
    "proj_simplex",
    "tic",
    "toc",
    "toq",
    "unif",
]


def unif(n: int, type_as: Any = None) -> Array:
    """Uniform weights: n times 1/n.

    Parameters
    ----------
    n
        How many.
    type_as : array, optional
        An array whose library the weights take, and its dtype if that is a floating one.

    Returns
    -------
    array, shape (n,)
        numpy float64 if there is no `type_as`.

    Examples
    --------
    >>> import otcore.compat.pot as ot
    >>> ot.unif(4)
    array([0.25, 0.25, 0.25, 0.25])
    """
    weights = np.ones(n) / n
    if type_as is None:
        return weights
    _, converted = lists_to_arrays(("type_as", "n"), (type_as, weights.tolist()), (type_as,))
    return converted


def cost_normalization(
    C: Array, norm: str | None = None, return_value: bool = False, value: float | None = None
) -> Any:
    """Costs brought to a common size. POT's overwrites C for some norms; this never does.

    Parameters
    ----------
    C : array, shape (n, m)
        The costs.
    norm
        ``"median"`` or ``"max"`` divides by that; ``"log"`` is log(1 + C), ``"loglog"`` that twice;
        None leaves C as it is.
    return_value
        Also return the divisor, None for the other norms.
    value
        A divisor to use in place of C's own.

    Raises
    ------
    ValueError
        An unknown norm.

    Examples
    --------
    >>> import numpy as np
    >>> import otcore.compat.pot as ot
    >>> ot.utils.cost_normalization(np.array([[1.0, 2.0], [4.0, 8.0]]), "max")
    array([[0.125, 0.25 ],
           [0.5  , 1.   ]])
    """
    if norm in ("median", "max"):
        if value is None:
            value = _median(C) if norm == "median" else C.max()
        C = C / value
    elif norm in ("log", "loglog"):
        for _ in range(norm.count("log")):
            C = C.log1p() if hasattr(C, "log1p") else np.log1p(C)
        value = None
    elif norm is not None:
        raise ValueError(f"norm: {norm!r}, expected 'median', 'max', 'log', 'loglog' or None")
    else:
        value = None
    return (C, value) if return_value else C


def clean_zeros(a: Array, b: Array, M: Array) -> tuple[Array, Array, Array]:
    """The weights that are positive, and their rows and columns of the costs.

    Parameters
    ----------
    a : array_like, shape (n,)
    b : array_like, shape (m,)
    M : array_like, shape (n, m)

    Returns
    -------
    tuple of array
        a, b and M without the rest.

    Examples
    --------
    >>> import numpy as np
    >>> import otcore.compat.pot as ot
    >>> ot.utils.clean_zeros(np.array([0.0, 1.0]), np.array([1.0]), np.array([[2.0], [3.0]]))
    (array([1.]), array([1.]), array([[3.]]))
    """
    a, b, M = list_to_array(a, b, M)
    rows, columns = a > 0, b > 0
    return a[rows], b[columns], M[rows][:, columns]


def list_to_array(*lst: Any, nx: Any = None) -> Any:
    """Lists as arrays; arrays stay what they are.

    A list takes the library of the first array and its dtype if that is a floating one; it is
    numpy float64 where all are lists.

    Returns
    -------
    array, or list of array
        One for one argument.

    Examples
    --------
    >>> import otcore.compat.pot as ot
    >>> ot.utils.list_to_array([1, 2])
    array([1., 2.])
    """
    arrays = lists_to_arrays([f"argument {i}" for i in range(len(lst))], lst, lst)
    return arrays[0] if len(arrays) == 1 else arrays


def proj_simplex(v: Array, z: float = 1) -> Array:
    """The nearest points with nonnegative coordinates of sum z, under the Euclidean distance.

    Parameters
    ----------
    v : array_like, shape (n,) or (n, d)
        One point, or one in each column. A tensor's projection is differentiable.
    z
        The sum, positive.

    Returns
    -------
    array of the same shape
        float32 or float64.

    References
    ----------
    J. Duchi, S. Shalev-Shwartz, Y. Singer, T. Chandra, Efficient projections onto the l1-ball for
    learning in high dimensions, ICML 2008, figure 1.

    Examples
    --------
    >>> import numpy as np
    >>> import otcore.compat.pot as ot
    >>> ot.utils.proj_simplex(np.array([0.5, 1.0, -0.5]))
    array([0.25, 0.75, 0.  ])
    """
    library, (array,) = open_door((("v", v),))
    points = library.cast(array, real_dtype(library.to_numpy(array), "v"))
    values = library.to_numpy(points).astype(np.float64)
    ordered = -np.sort(-values, axis=0)
    excess = np.cumsum(ordered, axis=0) - z
    ranks = np.arange(1.0, len(values) + 1).reshape(-1, *(1 for _ in values.shape[1:]))
    support = (ordered * ranks > excess).sum(0)
    last = np.take_along_axis(ordered, np.expand_dims(support - 1, 0), axis=0)
    active = library.like(library.wrap((values >= last).astype(np.float64)), points)
    shift = ((points * active).sum(0) - z) / active.sum(0)
    return (points - shift) * active + 0.0  # + 0.0: no negative zeros


def is_all_finite(*args: Array) -> bool:
    """Whether all entries of all arrays are finite.

    Examples
    --------
    >>> import numpy as np
    >>> import otcore.compat.pot as ot
    >>> ot.utils.is_all_finite(np.ones(3), np.array([1.0, np.nan]))
    False
    """
    library, arrays = open_door([(f"argument {i}", array) for i, array in enumerate(args)])
    return all(bool(np.isfinite(library.to_numpy(array)).all()) for array in arrays)


def check_random_state(seed: Any) -> np.random.RandomState:
    """A legacy random number generator of numpy.

    Parameters
    ----------
    seed
        None for numpy's global one, an integer for a new one, or a generator to get it back.

    Raises
    ------
    ValueError
        Anything else.

    Examples
    --------
    >>> import otcore.compat.pot as ot
    >>> ot.utils.check_random_state(3).randint(10)
    8
    """
    if seed is None or seed is np.random:
        return np.random.mtrand._rand
    if isinstance(seed, (int, np.integer)):
        return np.random.RandomState(seed)
    if isinstance(seed, np.random.RandomState):
        return seed
    raise ValueError(f"seed: {seed!r}, expected None, an integer or a numpy.random.RandomState")


_started = time.perf_counter()


def tic() -> None:
    """Start the clock of `toc` and `toq`."""
    global _started
    _started = time.perf_counter()


def toc(message: str = "Elapsed time : {} s") -> float:
    """Print and return the seconds since `tic`.

    Parameters
    ----------
    message
        What to print, with ``{}`` for the seconds.
    """
    seconds = toq()
    print(message.format(seconds))
    return seconds


def toq() -> float:
    """The seconds since `tic`."""
    return time.perf_counter() - _started


def _median(C: Array) -> Any:
    """The median of all entries, differentiable for a tensor."""
    library, (costs,) = open_door((("C", C),))
    order = np.argsort(library.to_numpy(costs), axis=None)
    middle = order[[(len(order) - 1) // 2, len(order) // 2]]
    return costs.reshape(-1)[middle.tolist()].mean()


def __getattr__(name: str) -> object:
    raise missing(__name__, name, __all__)

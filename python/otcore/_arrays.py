"""The one door between the caller's arrays and the core.

What comes in is a numpy array, a (nested) list or a torch tensor on the CPU; what goes to the core
is C-contiguous float32 or float64 numpy memory: the caller's own where it has that form already,
one visible copy where not. Nothing here reads the data a second time: values that are not finite
and negative weights are found by the core on its own pass.

dtypes: float32 and float64 stay; half floats (float16, bfloat16) become float32; integers and bool
become float64; anything else (complex, long double, object, text) is a TypeError.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = Any  # a numpy array or a torch tensor: what came in decides
Real: TypeAlias = npt.NDArray[np.float32] | npt.NDArray[np.float64]
LinearMap: TypeAlias = Callable[[npt.NDArray[Any]], npt.NDArray[Any]]
Named: TypeAlias = Sequence[tuple[str, object]]  # (argument's name, what the caller passed)

FLOAT32 = np.dtype(np.float32)
FLOAT64 = np.dtype(np.float64)

# By numpy's type characters, which do not tell byte orders apart.
_PROMOTION: dict[str, np.dtype[Any]] = dict.fromkeys("?bBhHiIlLqQ", FLOAT64)
_PROMOTION.update(d=FLOAT64, f=FLOAT32, e=FLOAT32)


class Library(Protocol):
    """An array library: how its arrays enter, and how results leave as the same kind of array.

    `sources` are the caller's arrays that a result depends on. Where they carry gradients, so must
    the result, or refuse.
    """

    def adopt(self, value: object, name: str) -> Array:
        """`value` as an array of this library; TypeError for what it cannot be."""

    def to_numpy(self, array: Array) -> npt.NDArray[Any]:
        """The same memory as a numpy array, where numpy has the dtype."""

    def cast(self, array: Array, dtype: np.dtype[Any]) -> Array:
        """The array as float32 or float64, still differentiable."""

    def like(self, array: Any, reference: Array) -> Any:
        """The array, dense or sparse, in the reference's dtype; differentiable if that is real."""

    def detach(self, array: Any) -> Any:
        """The array, dense or sparse, cut off from gradients."""

    def n_threads(self) -> int:
        """How many threads a call uses that does not say; 0: the core's own default."""

    def draw_seed(self) -> int:
        """64 random bits from the global generator."""

    def wrap(self, array: npt.NDArray[Any], sources: Sequence[Array | None] = ()) -> Array:
        """An array of this library on the same memory; not differentiable in the sources."""

    def cost(self, matrix: Real, x: Array, y: Array, metric: Any) -> Array:
        """A cost matrix, differentiable in the points."""

    def value(self, problem: Any, solution: Any) -> Array:
        """(B,) float64: the values of solutions, differentiable in the problem's sources."""

    def linear_cost(self, problem: Any, solution: Any) -> Array:
        """(B,) float64: the transport costs of entropic plans, differentiable in the sources."""

    def differentiable(self, problem: Any, solution: Any, index: Any) -> Any:
        """Potentials, marginals, plan and products of an entropic solution, as functions of the
        sources; None where there is nothing to differentiate, or no derivative."""

    def minibatch_value(self, problem: Any, solution: Any) -> Array:
        """0-d float64: the value of a mini-batch solution, differentiable in the sources."""

    def needs_gradient(self, sources: Sequence[Array | None]) -> bool:
        """Whether a value that depends on the sources is to be differentiable in any of them."""

    def line_value(self, values: Any, sources: Sequence[Array | None]) -> Array:
        """(B,) float64: values of problems on the line, differentiable in the sources x, y, a, b.

        `values` has the gradients in x and y, and the potentials, where those need them.
        """

    def sliced_value(self, values: Any, sources: Sequence[Array | None]) -> Array:
        """(B,) float64: mean costs of slices, differentiable in X, Y, a, b and the projections.

        `values` has what those that need it are differentiated with.
        """

    def plan_value(
        self, value: float, plan: Any, metric: Any, sources: Sequence[Array | None]
    ) -> Array:
        """0-d float64: the ground cost of a fixed plan, differentiable in the sources X and Y."""

    def scalar(self, value: Array) -> Any:
        """A 0-d array of this library as users like it best."""

    def stack(self, arrays: Sequence[Array], axis: int) -> Array:
        """Arrays of one shape along a new axis, differentiable in each."""

    def root(self, value: Array, power: float) -> Array:
        """value ** (1 / power), where rounding may have left zeros slightly negative."""

    def sparse(
        self,
        rows: npt.NDArray[np.int64],
        cols: npt.NDArray[np.int64],
        mass: Real,
        shape: tuple[int, int],
        sources: Sequence[Array | None],
    ) -> Any:
        """A sparse matrix; entries at the same place are summed."""

    def linear(
        self, forward: LinearMap, adjoint: LinearMap, values: Array, sources: Sequence[Array | None]
    ) -> Array:
        """forward(values) of a linear map and its transpose on numpy arrays; differentiable in
        values.
        """

    def weighted_sum(
        self,
        target: npt.NDArray[np.int64],
        source: npt.NDArray[np.int64],
        mass: npt.NDArray[np.float64],
        values: Array,
        size: int,
        sources: Sequence[Array | None],
    ) -> Array:
        """out[t] = sum of mass * values[s] over the triples (t, s, mass), for t < size.

        values: (k,) or (k, c), float32 or float64, which is also the result's dtype. Differentiable
        in values.
        """


class NumpyLibrary:
    """numpy arrays, lists, and whatever numpy makes an array of."""

    def __reduce__(self) -> str:
        return "NUMPY"  # there is one, also after copying and unpickling

    def adopt(self, value: object, name: str) -> npt.NDArray[Any]:
        if isinstance(value, np.ma.MaskedArray):
            raise TypeError(f"{name}: a masked array, expected an array without a mask")
        issparse = getattr(sys.modules.get("scipy.sparse"), "issparse", None)
        if issparse is not None and issparse(value):
            raise TypeError(f"{name}: a sparse matrix, expected a dense array")
        tensor = torch_type("Tensor")
        if tensor is not None and any(isinstance(leaf, tensor) for leaf in _leaves(value)):
            raise TypeError(f"{name}: a list of tensors, expected a tensor: use torch.stack")
        try:
            return np.asarray(value)
        except ValueError as error:
            raise ValueError(f"{name}: {error}, expected numbers in a regular array") from None

    def to_numpy(self, array: Array) -> npt.NDArray[Any]:
        return array  # type: ignore[no-any-return]

    def cast(self, array: Array, dtype: np.dtype[Any]) -> Array:
        return array.astype(dtype, copy=False)

    def like(self, array: Any, reference: Array) -> Any:
        return array.astype(reference.dtype, copy=False)

    def detach(self, array: Any) -> Any:
        return array

    def n_threads(self) -> int:
        return 0

    def draw_seed(self) -> int:
        # The legacy global generator is the one that numpy.random.seed governs.
        return int(np.random.randint(0, 2**64, dtype=np.uint64))  # noqa: NPY002

    def wrap(
        self, array: npt.NDArray[Any], sources: Sequence[Array | None] = ()
    ) -> npt.NDArray[Any]:
        return array

    def cost(self, matrix: Real, x: Array, y: Array, metric: Any) -> Real:
        return matrix

    def value(self, problem: Any, solution: Any) -> npt.NDArray[np.float64]:
        return solution.value  # type: ignore[no-any-return]

    def linear_cost(self, problem: Any, solution: Any) -> npt.NDArray[np.float64]:
        return solution.value_linear  # type: ignore[no-any-return]

    def differentiable(self, problem: Any, solution: Any, index: Any) -> None:
        return None

    def minibatch_value(self, problem: Any, solution: Any) -> npt.NDArray[np.float64]:
        return np.asarray(solution.value)

    def needs_gradient(self, sources: Sequence[Array | None]) -> bool:
        return False

    def line_value(self, values: Any, sources: Sequence[Array | None]) -> npt.NDArray[np.float64]:
        return values.value  # type: ignore[no-any-return]

    def sliced_value(self, values: Any, sources: Sequence[Array | None]) -> npt.NDArray[np.float64]:
        return values.cost.mean(axis=1)  # type: ignore[no-any-return]

    def plan_value(
        self, value: float, plan: Any, metric: Any, sources: Sequence[Array | None]
    ) -> npt.NDArray[np.float64]:
        return np.asarray(value)

    def scalar(self, value: Array) -> float:
        return float(value)

    def stack(self, arrays: Sequence[Array], axis: int) -> npt.NDArray[Any]:
        return np.stack(arrays, axis)

    def root(self, value: Array, power: float) -> Any:
        root = np.maximum(value, 0.0) ** (1.0 / power)
        return root if root.ndim else float(root)

    def sparse(
        self,
        rows: npt.NDArray[np.int64],
        cols: npt.NDArray[np.int64],
        mass: Real,
        shape: tuple[int, int],
        sources: Sequence[Array | None],
    ) -> Any:
        from ._extras import import_extra

        scipy_sparse = import_extra("scipy.sparse", extra="sparse", purpose="sparse_plan")
        return scipy_sparse.csr_array((mass, (rows, cols)), shape=shape)

    def linear(
        self, forward: LinearMap, adjoint: LinearMap, values: Array, sources: Sequence[Array | None]
    ) -> Array:
        return forward(values)

    def weighted_sum(
        self,
        target: npt.NDArray[np.int64],
        source: npt.NDArray[np.int64],
        mass: npt.NDArray[np.float64],
        values: Array,
        size: int,
        sources: Sequence[Array | None],
    ) -> Real:
        weighted = (mass * values[source].T).T
        return sum_by_index(target, weighted, size).astype(values.dtype, copy=False)


NUMPY = NumpyLibrary()


def torch_type(name: str) -> Any:
    """torch's type of this name; None unless the caller has imported torch, which this does not."""
    return getattr(sys.modules.get("torch"), name, None)


def open_door(data: Named, weights: Named = ()) -> tuple[Library, list[Array]]:
    """The library of the arguments, and all of them as its arrays; weights of None stay None.

    Lists go with any library. Raises TypeError naming both arguments for arrays of two libraries
    or devices.
    """
    named = (*data, *weights)
    absent = [name for name, x in weights if x is None]
    tensor = torch_type("Tensor")
    tensors = [name for name, x in named if tensor is not None and isinstance(x, tensor)]
    if not tensors:
        return NUMPY, [
            x if name in absent or type(x) is np.ndarray else NUMPY.adopt(x, name)
            for name, x in named
        ]
    for name, x in named:
        if name not in tensors and not isinstance(x, (list, tuple, type(None))):
            raise TypeError(
                f"{tensors[0]} is a torch tensor and {name} is not (a {type(x).__name__}): "
                "pass arrays of one library"
            )
    from .torch._library import TORCH

    TORCH.check_devices([(name, x) for name, x in named if name in tensors])
    return TORCH, [None if name in absent else TORCH.adopt(x, name) for name, x in named]


def real_dtype(array: npt.NDArray[Any], name: str) -> np.dtype[Any]:
    """float32 or float64: what an array of this dtype is read as; else TypeError."""
    dtype = _PROMOTION.get(array.dtype.char)
    if dtype is None:
        raise TypeError(f"{name}: dtype {array.dtype}, expected real numbers (float32 or float64)")
    return dtype


def contiguous(array: npt.NDArray[Any], dtype: np.dtype[Any]) -> Real:
    """The array itself if it is C-contiguous and of this dtype, else a copy that is."""
    flags = array.flags
    if array.dtype == dtype and flags.c_contiguous and flags.aligned:
        return array
    with np.errstate(over="ignore"):  # the core reports the infinity
        return np.array(array, dtype=dtype, order="C")


def shape_error(name: str, shape: Sequence[int], expected: str) -> ValueError:
    return ValueError(f"{name}: shape {tuple(shape)}, expected {expected}")


def require_finite(array: Real, name: str) -> None:
    """ValueError with the index of the first NaN or infinity."""
    finite = np.isfinite(array)
    if not finite.all():
        index = tuple(int(i) for i in np.unravel_index(int(np.argmin(finite)), array.shape))
        where = ", ".join(map(str, index))
        raise ValueError(f"{name}: {array[index]} at [{where}], expected finite numbers")


def sum_by_index(
    index: npt.NDArray[np.int64], values: npt.NDArray[np.float64], size: int
) -> npt.NDArray[np.float64]:
    """out[i] = the sum of values[k] over the k with index[k] == i, for i < size."""
    out = np.zeros((size, *values.shape[1:]))
    if index.size:
        order = np.argsort(index, kind="stable")
        ordered = index[order]
        starts = np.flatnonzero(np.diff(ordered, prepend=-1))
        out[ordered[starts]] = np.add.reduceat(values[order], starts, axis=0)
    return out


def _leaves(value: object) -> Iterator[object]:
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _leaves(item)
    else:
        yield value

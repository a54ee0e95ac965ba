"""Pyramids over two clouds of points: trees that bring likely partners together in mini-batches.

Both clouds are clustered into one tree; points that share a node are likely partners. Mini-batches
are filled depth-first, so they hold points that lie near each other on both sides, where random
batches hold points from everywhere. Building is k-means at every node, O(n d) for each level; a
pass that hands out all points is O(n).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from . import _core
from ._arrays import Array, Library, contiguous, open_door, real_dtype
from ._options import check_choice, check_threads, positive_int
from ._problem import checked_weights
from ._random import core_seed
from ._shapes import point_pair

__all__ = ["PyramidStatistics", "PyramidTree"]

_DEEPEST = 64  # levels; the core's own limit
_LEAF_SIZE = 64
_ITERATIONS = 10


class Pass(NamedTuple):
    """All points, batch by batch: batch i is the entries offsets[i] to offsets[i + 1] of a side.

    The masses are None where all points have the same and each is in one batch: equally many on
    both sides, and no weights.
    """

    offsets_x: npt.NDArray[np.int64]  # (B + 1,)
    index_x: npt.NDArray[np.int64]
    mass_x: npt.NDArray[np.float64] | None
    offsets_y: npt.NDArray[np.int64]
    index_y: npt.NDArray[np.int64]
    mass_y: npt.NDArray[np.float64] | None


@dataclass(frozen=True, eq=False)
class PyramidStatistics:
    """What a tree looks like, and where a pass takes its pairs."""

    depth: int
    """The level of the deepest node; the root's is 0."""
    n_nodes: int
    n_leaves: int
    nodes_per_level: npt.NDArray[np.int64]
    """How many nodes each level has, leaves among them: (depth + 1,)."""
    leaf_sizes: npt.NDArray[np.int64]
    """Points of X and of Y in each leaf: (n_leaves, 2)."""
    taken_per_level: npt.NDArray[np.float64]
    """The part of all mass that is coupled at nodes of each level, the same in every pass:
    (depth + 1,), of sum 1. What is taken at level 0 are the leftovers that meet at the root."""


class PyramidTree:
    """A tree of clusters that two clouds of points share (Pyramid Mini-Batching).

    Parameters
    ----------
    X : array_like, shape (n, d)
        The first points: a numpy array (also a memory map), a list or a torch tensor on the CPU.
        float32 and float64 are read where they are; half floats become float32, integers and bool
        float64.
    Y : array_like, shape (m, d)
        The second points. Of two dtypes the wider counts.
    a : array_like, shape (n,), optional
        Masses of X, not negative, with a positive sum, which need not be 1. None is 1/n each. They
        say how much of a point batches take; the tree does not depend on them, but that points
        without mass have no part in it.
    b : array_like, shape (m,), optional
        Masses of Y. The sums of a and b may differ by 1e-6 relative (1e-4 if the points or one of
        the masses are float32 or narrower); that is normalised.
    mode
        ``"joint"``: the centres of a node are those of k-means on its points of X and Y together.
        ``"interleaving"``: on its points of X alone at even levels (the root's is 0), of Y alone
        at odd ones, and all points go to the nearest (algorithm 2 of [1]_). For clouds that hardly
        overlap: it keeps partners together where joint clusters would hold one side each.
    branching
        Children of a node, at least 2; fewer where clusters come out empty.
    depth
        At most so many levels below the root; never more than 64. 0 leaves the root, whose batches
        are random ones. None is no other limit.
    leaf_size
        A node with no more points, of X and Y together, is a leaf. None is 64, or 1 where `depth`
        is given. Small leaves pair near points; more of the pairs are then left to ancestors.
    n_samples
        Grow the tree over at most so many points of each side, drawn at random, then send all
        points down, reading them in order: for data that do not fit in memory. `leaf_size` is then
        that of all points, estimated, and no node of at most `branching` sampled points is split.
        None: over all points.
    n_iter
        At most so many iterations of k-means at each node.
    seed
        None, an int from 0 to 2^64 - 1, or a generator of numpy or torch: of the tree. Passes have
        their own.
    n_threads
        At most so many threads; None is the default. The tree is the same for any number.

    Raises
    ------
    ValueError
        A wrong shape; NaN or infinity (with its index); negative masses, no mass, or masses that
        differ; an argument that is out of range.
    TypeError
        Arrays of two libraries or devices (both named), or not of real numbers.

    Notes
    -----
    Beside the points, which are not kept, a tree takes 4 bytes for each point, and d + 4 numbers of
    8 bytes for each node; building takes some megabytes for each thread and 8 bytes for each point.
    Trees do not change, and can be pickled.

    References
    ----------
    .. [1] Pyramid Mini-Batch Optimal Transport.

    Examples
    --------
    >>> import numpy as np
    >>> import otcore
    >>> X = np.random.default_rng(0).normal(size=(1000, 2))
    >>> Y = np.random.default_rng(1).normal(size=(1000, 2))
    >>> tree = otcore.pyramid.PyramidTree(X, Y, seed=0)
    >>> batches = list(tree.batches(100, seed=0))
    >>> len(batches), len(batches[0][0])
    (10, 100)
    >>> everyone = np.concatenate([index_x for index_x, _ in batches])
    >>> bool((np.sort(everyone) == np.arange(1000)).all())
    True
    """

    def __init__(
        self,
        X: npt.ArrayLike,
        Y: npt.ArrayLike,
        a: npt.ArrayLike | None = None,
        b: npt.ArrayLike | None = None,
        *,
        mode: str = "joint",
        branching: int = 8,
        depth: int | None = None,
        leaf_size: int | None = None,
        n_samples: int | None = None,
        n_iter: int = _ITERATIONS,
        seed: Any = None,
        n_threads: int | None = None,
    ) -> None:
        check_choice("mode", mode, ("joint", "interleaving"))
        children = positive_int(branching, "branching", least=2, most=2**31 - 1)
        levels = _DEEPEST if depth is None else positive_int(depth, "depth", least=0)
        if leaf_size is None:
            leaf_size = _LEAF_SIZE if depth is None else 1
        largest_leaf = positive_int(leaf_size, "leaf_size")
        samples = 0 if n_samples is None else positive_int(n_samples, "n_samples")
        iterations = positive_int(n_iter, "n_iter")
        threads = check_threads(n_threads)
        library, sources = open_door((("X", X), ("Y", Y)), (("a", a), ("b", b)))
        x, y = point_pair(library.to_numpy(sources[0]), library.to_numpy(sources[1]), batched=False)
        (mass_x, mass_y), tolerance = checked_weights(
            library, sources[2:], x.dtype, None, (len(x), len(y))
        )
        core = _core.pyramid_build(
            x,
            y,
            mass_x,
            mass_y,
            interleaving=mode == "interleaving",
            branching=children,
            depth=levels,
            leaf_size=largest_leaf,
            n_samples=samples,
            n_iter=iterations,
            seed=core_seed(seed, library),
            mass_tolerance=tolerance,
            n_threads=threads or library.n_threads(),
        )
        self._set(library, core, mode)

    def batches(self, m: int, *, seed: Any = None) -> Iterator[tuple[Array, Array]]:
        """One full pass over the points: mini-batches (index_x, index_y) of near points.

        Depth-first from the root, children in random order; what a node's children leave over is
        paired at the node, at random, and the rest at the root (algorithm 1 of [1]_). The costs of
        batches, weighted by their mass, add up to that of a plan with the right marginals, an upper
        bound of the transport cost.

        Parameters
        ----------
        m
            Batches of m pairs; the last one may be smaller.
        seed
            As that of the tree.

        Yields
        ------
        index_x, index_y
            int64, of the library that the data came in. Where both clouds have as many points and
            there are no masses, both have m entries and every point is in one batch. Else points
            are coupled by mass: a
            batch has at most m points of each side, their numbers differ, and a point may be in
            several batches; `mass_batches` says with how much of its mass.

        Examples
        --------
        >>> import otcore
        >>> tree = otcore.pyramid.PyramidTree([[0.0], [9.0]], [[9.5], [0.5]], leaf_size=2, seed=0)
        >>> sorted((int(i[0]), int(j[0])) for i, j in tree.batches(1, seed=0))
        [(0, 1), (1, 0)]
        """
        whole = self._pass(m, seed)
        return (
            (self._wrap(whole.index_x[x]), self._wrap(whole.index_y[y]))
            for x, y in zip(_slices(whole.offsets_x), _slices(whole.offsets_y), strict=True)
        )

    def mass_batches(
        self, m: int, *, seed: Any = None
    ) -> Iterator[tuple[Array, Array, Array, Array]]:
        """One full pass as `batches`, with the mass that each batch takes of its points.

        Parameters
        ----------
        m
            At most m points of each side in a batch.
        seed
            As that of the tree.

        Yields
        ------
        index_x, mass_x, index_y, mass_y
            int64 and float64. A batch carries as much mass of X as of Y; over all batches the
            masses of a point add up to its own. One seed gives the same points as `batches`.

        Examples
        --------
        >>> import otcore
        >>> tree = otcore.pyramid.PyramidTree([[0.0], [9.0]], [[4.0]], seed=0)
        >>> for index_x, mass_x, index_y, mass_y in tree.mass_batches(1, seed=0):
        ...     print(index_x, mass_x, index_y, mass_y)
        [1] [0.5] [0] [0.5]
        [0] [0.5] [0] [0.5]
        """
        whole = self._pass(m, seed)
        mass_x, mass_y = whole.mass_x, whole.mass_y
        if mass_x is None or mass_y is None:
            each = self._core.total_mass / len(whole.index_x)
            mass_x = mass_y = np.full(len(whole.index_x), each)
        return (
            (
                self._wrap(whole.index_x[x]),
                self._wrap(mass_x[x]),
                self._wrap(whole.index_y[y]),
                self._wrap(mass_y[y]),
            )
            for x, y in zip(_slices(whole.offsets_x), _slices(whole.offsets_y), strict=True)
        )

    def reassign(
        self,
        X: npt.ArrayLike | None = None,
        Y: npt.ArrayLike | None = None,
        *,
        n_threads: int | None = None,
    ) -> PyramidTree:
        """A tree with the same nodes and centres for points that have moved.

        Much cheaper than building: every point goes down the tree once. Worth it as long as the
        points have not moved far; then a new tree serves better.

        Parameters
        ----------
        X : array_like, shape (n, d), optional
            The first points as they are now, as many as before; None: they have not moved.
        Y : array_like, shape (m, d), optional
            The second points.
        n_threads
            As that of the tree.

        Returns
        -------
        PyramidTree
            A new one; this one stays as it was. Points that have not moved stay in their leaves.

        Raises
        ------
        ValueError
            Another shape than the tree was built on; NaN or infinity (with its index).

        Examples
        --------
        >>> import numpy as np
        >>> import otcore
        >>> X, Y = np.random.default_rng(0).normal(size=(2, 500, 3))
        >>> tree = otcore.pyramid.PyramidTree(X, Y, seed=0)
        >>> tree.reassign(X=X + 0.01).statistics().n_nodes == tree.statistics().n_nodes
        True
        """
        threads = check_threads(n_threads) or self._library.n_threads()
        given = [(name, array) for name, array in (("X", X), ("Y", Y)) if array is not None]
        library, sources = open_door(given)
        points: dict[str, Any] = {"X": None, "Y": None}
        for (name, _), source in zip(given, sources, strict=True):
            array = library.to_numpy(source)
            points[name] = contiguous(array, real_dtype(array, name))
        moved: PyramidTree = object.__new__(type(self))
        moved._set(
            self._library,
            self._core.reassigned(points["X"], points["Y"], n_threads=threads),
            self.mode,
        )
        return moved

    def statistics(self) -> PyramidStatistics:
        """The shape of the tree, and at which levels a pass takes its pairs.

        Examples
        --------
        >>> import numpy as np
        >>> import otcore
        >>> X, Y = np.random.default_rng(0).normal(size=(2, 500, 3))
        >>> statistics = otcore.pyramid.PyramidTree(X, Y, seed=0).statistics()
        >>> statistics.depth, statistics.nodes_per_level[:2].tolist()
        (2, [1, 8])
        >>> bool(np.isclose(statistics.taken_per_level.sum(), 1.0))
        True
        """
        nodes = self._core.nodes.astype(np.int64)
        levels, children = nodes[:, 0], nodes[:, 2]
        leaves = nodes[children == 0]
        depth = int(levels.max())
        return PyramidStatistics(
            depth=depth,
            n_nodes=len(nodes),
            n_leaves=len(leaves),
            nodes_per_level=np.bincount(levels, minlength=depth + 1),
            leaf_sizes=np.stack([leaves[:, 4] - leaves[:, 3], leaves[:, 6] - leaves[:, 5]], axis=1),
            taken_per_level=self._core.taken_per_level(),
        )

    def __repr__(self) -> str:
        nodes = self._core.nodes
        n_x, n_y = nodes[0, 4], nodes[0, 6]
        leaves = int((nodes[:, 2] == 0).sum())
        return (
            f"PyramidTree({self.mode}, {n_x} and {n_y} points, {len(nodes)} nodes, "
            f"{leaves} leaves, depth {nodes[:, 0].max()})"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self._library, self._core, self.mode)

    def _set(self, library: Library, core: _core.Pyramid, mode: str) -> None:
        self._library = library
        self._core = core
        self.mode = mode

    def _pass(self, m: int, seed: Any) -> Pass:
        """All batches of a pass as flat arrays."""
        return Pass(*self._core.batches(positive_int(m, "m"), core_seed(seed, self._library)))

    def _wrap(self, array: npt.NDArray[Any]) -> Array:
        return self._library.wrap(array)


def _slices(offsets: npt.NDArray[np.int64]) -> Iterator[slice]:
    return (slice(start, end) for start, end in pairwise(offsets.tolist()))


def _restore(kind: type[PyramidTree], library: Library, core: Any, mode: str) -> PyramidTree:
    tree = kind.__new__(kind)
    tree._set(library, core, mode)
    return tree

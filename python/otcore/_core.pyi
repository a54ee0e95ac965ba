"""The compiled core. Arrays are C-contiguous and of exactly the dtype shown; nothing is converted.

Bad values raise ValueError with the argument's name. The public functions say what all of it means.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

_Float64: TypeAlias = npt.NDArray[np.float64]
_Real: TypeAlias = npt.NDArray[np.float32] | npt.NDArray[np.float64]

__version__: str

def info() -> dict[str, object]: ...
def num_threads() -> int: ...
def set_num_threads(count: int) -> None: ...
def cost_matrix(X: _Real, Y: _Real, metric: str, p: float, n_threads: int) -> _Real: ...

# The derivatives of sum_e mass[e] |X[rows[e]] - Y[cols[e]]|^2 in X and Y, if asked for.
def plan_gradient(
    X: _Real,  # (n, d)
    Y: _Real,  # (m, d)
    rows: npt.NDArray[np.int64],  # (E,)
    cols: npt.NDArray[np.int64],
    mass: _Float64,
    with_x: bool,
    with_y: bool,
    n_threads: int,
) -> tuple[_Real | None, _Real | None]: ...

class ExactSolution:
    """B problems of n x m; E = n + m - 1 entries of a plan, of which the first `count` are used."""

    @property
    def value(self) -> _Float64: ...  # (B,)
    @property
    def gap(self) -> _Float64: ...  # (B,)
    @property
    def n_iter(self) -> npt.NDArray[np.int64]: ...  # (B,)
    @property
    def potential_a(self) -> _Float64: ...  # (B, n)
    @property
    def potential_b(self) -> _Float64: ...  # (B, m)
    @property
    def count(self) -> npt.NDArray[np.int64]: ...  # (B,)
    @property
    def rows(self) -> npt.NDArray[np.int32]: ...  # (B, E), sorted by row, then column
    @property
    def cols(self) -> npt.NDArray[np.int32]: ...  # (B, E)
    @property
    def mass(self) -> _Float64: ...  # (B, E)
    @property
    def status(self) -> list[str]: ...  # B of "optimal", "max_iter", "infeasible", ...
    @property
    def unfinished(self) -> int: ...  # how many are not optimal
    @property
    def interrupted(self) -> bool: ...  # a KeyboardInterrupt came, and is owed to the caller
    def status_of(self, problem: int) -> str: ...
    def __getstate__(self) -> tuple[object, ...]: ...
    def __setstate__(self, arg0: tuple[object, ...]) -> None: ...

# n_threads 0 is the default number. `progress` is called with (done, total).
def exact_batch(
    M: _Real,
    a: _Float64 | None,
    b: _Float64 | None,
    *,
    start: _Float64 | None,  # (m,)
    mass_tolerance: float,
    max_iter: int | None,
    n_threads: int,
    time_limit: float | None,
    progress: Callable[[int, int], object] | None,
) -> ExactSolution: ...
def exact_batch_points(
    X: _Real,
    Y: _Real,
    a: _Float64 | None,
    b: _Float64 | None,
    metric: str,
    p: float,
    *,
    start: _Float64 | None,  # (m,)
    mass_tolerance: float,
    max_iter: int | None,
    n_threads: int,
    time_limit: float | None,
    progress: Callable[[int, int], object] | None,
    max_memory: int | None,
    start_rows: npt.NDArray[np.int32] | None,  # of arcs of a plan
    start_cols: npt.NDArray[np.int32] | None,
) -> ExactSolution: ...

# One problem in compressed rows, and of one without a plan the rows and columns that show it, with
# their masses.
def exact_sparse(
    starts: npt.NDArray[np.int64],  # (n + 1,)
    cols: npt.NDArray[np.int32],  # (E,)
    M: _Real,  # (E,)
    m: int,
    a: _Float64 | None,
    b: _Float64 | None,
    *,
    start: _Float64 | None,  # (m,)
    mass_tolerance: float,
    max_iter: int | None,
    time_limit: float | None,
    progress: Callable[[int, int], object] | None,
) -> tuple[
    ExactSolution, tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], float, float] | None
]: ...

class EntropicSolution:
    """B problems of n x m."""

    @property
    def value(self) -> _Float64: ...  # (B,)
    @property
    def value_linear(self) -> _Float64: ...  # (B,)
    @property
    def gap(self) -> _Float64: ...  # (B,), NaN in unbalanced problems
    @property
    def marginal_error(self) -> _Float64: ...  # (B,)
    @property
    def tolerance(self) -> _Float64: ...  # (B,), what marginal_error was to come to
    @property
    def n_iter(self) -> npt.NDArray[np.int64]: ...  # (B,)
    @property
    def eps(self) -> _Float64: ...  # (B,), of the plan's formula
    @property
    def potential_a(self) -> _Float64: ...  # (B, n)
    @property
    def potential_b(self) -> _Float64: ...  # (B, m)
    @property
    def marginal_a(self) -> _Float64: ...  # (B, n)
    @property
    def marginal_b(self) -> _Float64: ...  # (B, m)
    @property
    def status(self) -> list[str]: ...  # B of "converged", "stalled", "max_iter", ...
    @property
    def unfinished(self) -> int: ...  # how many have not converged
    @property
    def interrupted(self) -> bool: ...  # a KeyboardInterrupt came, and is owed to the caller
    def status_of(self, problem: int) -> str: ...
    def __getstate__(self) -> tuple[object, ...]: ...
    def __setstate__(self, arg0: tuple[object, ...]) -> None: ...

class EntropicPlan:
    """P_ij = a_i b_j exp((f_i + g_j - C_ij) / eps), n x m; keeps its arrays alive."""

    def apply(self, V: _Float64) -> _Float64: ...  # (m, k) to (n, k)
    def apply_t(self, V: _Float64) -> _Float64: ...  # (n, k) to (m, k)
    def dense(self) -> _Real: ...  # (n, m)

    # Those of at least threshold * min(a_i, b_j), by rows: starts (n + 1,), columns, masses.
    def entries(
        self, threshold: float
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], _Float64]: ...

# method: "sinkhorn", "plain", "ipot" or "symmetric"; rho infinite: the marginal is a constraint.
def entropic_batch(
    M: _Real,
    a: _Float64 | None,
    b: _Float64 | None,
    *,
    method: str,
    reg: float,
    rho_a: float,
    rho_b: float,
    tol: float | None,
    inner_iter: int,
    start: _Float64 | None,  # (m,)
    mass_tolerance: float,
    max_iter: int | None,
    n_threads: int,
    time_limit: float | None,
    progress: Callable[[int, int], object] | None,
) -> EntropicSolution: ...
def entropic_batch_points(
    X: _Real,
    Y: _Real,
    a: _Float64 | None,
    b: _Float64 | None,
    metric: str,
    p: float,
    *,
    method: str,
    reg: float,
    rho_a: float,
    rho_b: float,
    tol: float | None,
    inner_iter: int,
    start: _Float64 | None,  # (m,)
    mass_tolerance: float,
    max_iter: int | None,
    n_threads: int,
    time_limit: float | None,
    progress: Callable[[int, int], object] | None,
) -> EntropicSolution: ...
def entropic_plan(
    M: _Real,
    a: _Float64,
    b: _Float64,
    f: _Float64,
    g: _Float64,
    *,
    eps: float,
    n_threads: int,
) -> EntropicPlan: ...
def entropic_plan_points(
    X: _Real,
    Y: _Real,
    a: _Float64,
    b: _Float64,
    f: _Float64,
    g: _Float64,
    metric: str,
    p: float,
    *,
    eps: float,
    n_threads: int,
) -> EntropicPlan: ...

class LineValues:
    """Values of B problems on the line, and what their gradients are made of, or None."""

    @property
    def value(self) -> _Float64: ...  # (B,)
    @property
    def gradient_x(self) -> _Float64 | None: ...  # (B, n)
    @property
    def gradient_y(self) -> _Float64 | None: ...  # (B, m)
    @property
    def potential_a(self) -> _Float64 | None: ...  # (B, n)
    @property
    def potential_b(self) -> _Float64 | None: ...  # (B, m)

# Rows of one dimension serve all problems.
def line_values(
    x: _Real,  # (n,) or (B, n)
    y: _Real,
    a: _Float64 | None,
    b: _Float64 | None,
    p: float,
    *,
    mass_tolerance: float,
    n_threads: int,
    with_gradients: bool,
    with_potentials: bool,
) -> LineValues: ...
def line_batch(
    x: _Real,
    y: _Real,
    a: _Float64 | None,
    b: _Float64 | None,
    p: float,
    *,
    mass_tolerance: float,
    n_threads: int,
) -> ExactSolution: ...

class SlicedValues:
    """Costs of the slices of B problems, and what their gradients are made of, or None."""

    @property
    def cost(self) -> _Float64: ...  # (B, L)
    @property
    def gradient_x(self) -> _Float64 | None: ...  # (B, n, d), of the mean cost
    @property
    def gradient_y(self) -> _Float64 | None: ...  # (B, m, d)
    @property
    def gradient_directions(self) -> _Float64 | None: ...  # (B, rows, d), of each slice's cost
    @property
    def potential_a(self) -> _Float64 | None: ...  # (B, n), means over the slices
    @property
    def potential_b(self) -> _Float64 | None: ...  # (B, m)

class SlicedPlans:
    """Plans of L slices and their ground costs; E = n + m - 1 entries, `count` of them used."""

    @property
    def cost(self) -> _Float64: ...  # (L,)
    @property
    def count(self) -> npt.NDArray[np.int64] | None: ...  # (L,)
    @property
    def rows(self) -> npt.NDArray[np.int32] | None: ...  # (L, E)
    @property
    def cols(self) -> npt.NDArray[np.int32] | None: ...  # (L, E)
    @property
    def mass(self) -> _Float64 | None: ...  # (L, E)

# Directions are rows: one for each slice, two that span the plane of a circle.
def sliced_values(
    X: _Real,  # (B, n, d)
    Y: _Real,
    a: _Float64 | None,  # (n,) or (B, n)
    b: _Float64 | None,
    directions: _Real,
    p: float,
    *,
    circles: bool,
    mass_tolerance: float,
    n_threads: int,
    with_x: bool,
    with_y: bool,
    with_directions: bool,
    with_potentials: bool,
) -> SlicedValues: ...
def sliced_maximum(
    X: _Real,  # (1, n, d)
    Y: _Real,
    a: _Float64 | None,
    b: _Float64 | None,
    directions: _Real,
    p: float,
    *,
    mass_tolerance: float,
    max_iter: int,
    tolerance: float,
    n_threads: int,
) -> tuple[float, _Float64, int, bool]: ...  # value, direction, iterations, converged
def sliced_plans(
    X: _Real,  # (1, n, d)
    Y: _Real,
    a: _Float64 | None,
    b: _Float64 | None,
    directions: _Real,
    metric: str,
    p: float,
    *,
    mass_tolerance: float,
    n_threads: int,
    with_plans: bool,
) -> SlicedPlans: ...
def sample_directions(
    dims: int, count: int, *, sampling: str, seed: int, stream: int = 0
) -> _Float64: ...  # (count, dims)
def sample_planes(dims: int, count: int, *, seed: int) -> _Float64: ...

class Pyramid:
    """A tree of clusters over n points of X and m of Y, those with mass. It has N nodes."""

    # A full pass: offsets, points and masses of the batches of X, then of Y. The masses are None
    # where each point is in one batch, with all it has.
    def batches(
        self, m: int, seed: int
    ) -> tuple[
        npt.NDArray[np.int64],
        npt.NDArray[np.int64],
        _Float64 | None,
        npt.NDArray[np.int64],
        npt.NDArray[np.int64],
        _Float64 | None,
    ]: ...
    # The same nodes for points that have moved, or None for those that have not.
    def reassigned(self, X: _Real | None, Y: _Real | None, *, n_threads: int) -> Pyramid: ...
    def taken_per_level(self) -> _Float64: ...  # of sum 1
    @property
    def shape(self) -> tuple[int, int]: ...  # n and m, with those that have no mass
    @property
    def total_mass(self) -> float: ...
    # (N, 7): level, first child, number of children, then from where to where the points of the
    # node stand in order_x, and in order_y. The root is the first.
    @property
    def nodes(self) -> npt.NDArray[np.int32]: ...
    @property
    def centres(self) -> _Float64: ...  # (N, d)
    @property
    def order_x(self) -> npt.NDArray[np.int32]: ...
    @property
    def order_y(self) -> npt.NDArray[np.int32]: ...
    def __getstate__(self) -> tuple[object, ...]: ...
    def __setstate__(self, arg0: tuple[object, ...]) -> None: ...

def pyramid_build(
    X: _Real,  # (n, d)
    Y: _Real,  # (m, d)
    a: _Float64 | None,
    b: _Float64 | None,
    *,
    interleaving: bool,
    branching: int,
    depth: int,
    leaf_size: int,
    n_samples: int,  # 0: all points
    n_iter: int,
    seed: int,
    mass_tolerance: float,
    n_threads: int,
) -> Pyramid: ...

# Streams of one seed are independent; `side` ("x" or "y") names the argument in errors.
def sample_batches(
    n: int,
    k: int,
    m: int,
    *,
    sampling: str,  # "independent", "with_replacement", "disjoint"
    labels: npt.NDArray[np.int64] | None,  # (n,)
    seed: int,
    stream: int,
    side: str,
) -> npt.NDArray[np.int64]: ...  # (k, m)

class InnerOptions:
    """How the problem between two batches is solved."""

    def __init__(
        self,
        *,
        method: str,  # "exact", which needs none of the rest, "sinkhorn", "ipot"
        reg: float,  # 0: IPOT's default step
        rho: tuple[float, float],  # infinity: balanced
        linear: bool,
        tol: float | None,
        max_iter: int | None,
        inner_iter: int,
    ) -> None: ...

class MiniBatchAnswer:
    """Transport between batches. Tables are (kx, ky), or (k,) for the diagonal coupling."""

    @property
    def cost(self) -> _Float64: ...
    @property
    def coupling(self) -> _Float64: ...
    @property
    def value(self) -> float: ...
    @property
    def outer_gap(self) -> float: ...
    @property
    def outer_error(self) -> float: ...  # of the coupling's marginals, L1
    @property
    def outer_iter(self) -> int: ...
    @property
    def inner_linear(self) -> bool: ...  # the costs' derivatives hold the inner plans fixed
    @property
    def inner_error(self) -> float: ...  # the largest of the inner problems' marginals, L1
    @property
    def inner_status(self) -> str: ...  # "optimal", "converged", "stalled", "max_iter", ...
    @property
    def outer_status(self) -> str: ...
    @property
    def status(self) -> str: ...  # the worse of the two
    @property
    def interrupted(self) -> bool: ...  # a KeyboardInterrupt came, and is owed to the caller

class MiniBatchSolution(MiniBatchAnswer):
    """Inner problems that have plans."""

    @property
    def gap(self) -> _Float64: ...  # of the inner problems

    # sum_p weights[p] * (plan of pair p) as (rows, cols, mass) between all points; places repeat.
    def aggregate(
        self, weights: _Float64
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], _Float64]: ...
    # d value / d W_p^p of every pair, to be aggregated for the gradient in the ground costs; with
    # slopes that of sum_p slopes[p] * cost[p].
    def pair_gradient(self, slopes: _Float64 | None = None) -> _Float64: ...
    # d value / d a (n,) and d value / d b (n',).
    def weight_gradient(self) -> tuple[_Float64, _Float64]: ...

def minibatch_transport(
    X: _Real,  # (n, d)
    Y: _Real,  # (n', d)
    a: _Float64 | None,  # (n,)
    b: _Float64 | None,
    batches_x: npt.NDArray[np.int64],  # (kx, mx)
    batches_y: npt.NDArray[np.int64],
    metric: str,
    p: float,
    *,
    inner: InnerOptions,
    coupling: str,  # "diagonal", "product", "exact", "entropic"
    outer_reg: float,  # for entropic
    by_mass: bool,
    root: bool,
    n_threads: int,
) -> MiniBatchSolution: ...

class SlicedMiniBatches(MiniBatchAnswer):
    """Sliced inner problems."""

    # As that of MiniBatchSolution.
    def pair_gradient(self, slopes: _Float64 | None = None) -> _Float64: ...
    # The derivatives of sum_p weights[p] * W_p^p(pair p) in X (n, d) and Y (n', d), if asked for.
    def points_gradient(
        self, weights: _Float64, with_x: bool, with_y: bool
    ) -> tuple[_Real | None, _Real | None]: ...
    # d value / d a (n,) and d value / d b (n',).
    def weight_gradient(self) -> tuple[_Float64, _Float64]: ...

def minibatch_sliced(
    X: _Real,  # (n, d)
    Y: _Real,  # (n', d)
    a: _Float64 | None,  # (n,)
    b: _Float64 | None,
    batches_x: npt.NDArray[np.int64],  # (kx, mx)
    batches_y: npt.NDArray[np.int64],
    directions: _Real,  # (L, d)
    p: float,
    *,
    coupling: str,
    outer_reg: float,
    by_mass: bool,
    root: bool,
    keep: bool,  # what gradients in the points need
    n_threads: int,
) -> SlicedMiniBatches: ...

class BatchCoupling:
    """A coupling of batches: tables are of the shape of the costs."""

    @property
    def coupling(self) -> _Float64: ...
    @property
    def cost_gradient(self) -> _Float64: ...  # d value / d cost
    @property
    def value(self) -> float: ...
    @property
    def gap(self) -> float: ...
    @property
    def marginal_error(self) -> float: ...  # L1
    @property
    def n_iter(self) -> int: ...
    @property
    def status(self) -> str: ...
    @property
    def interrupted(self) -> bool: ...

# The outer problem of `minibatch_transport` alone.
def couple_batches(
    cost: _Float64,  # (kx, ky), or (k,) for the diagonal coupling
    u: _Float64 | None,  # (kx,), of sum 1; None: all the same
    v: _Float64 | None,
    *,
    coupling: str,
    outer_reg: float,
) -> BatchCoupling: ...

class PassSolution:
    """The B batches of a pass, and the plan that they make up, of the weights' total mass."""

    @property
    def cost(self) -> _Float64: ...  # (B,), of batches of mass 1
    @property
    def gap(self) -> _Float64: ...
    @property
    def weight(self) -> _Float64: ...  # as given
    @property
    def rows(self) -> npt.NDArray[np.int64]: ...  # the plan, batch by batch
    @property
    def cols(self) -> npt.NDArray[np.int64]: ...
    @property
    def mass(self) -> _Float64: ...
    @property
    def inner_error(self) -> float: ...  # the largest of the batches' marginals, L1
    @property
    def status(self) -> str: ...
    @property
    def interrupted(self) -> bool: ...

def minibatch_pass(
    X: _Real,  # (n, d)
    Y: _Real,  # (n', d)
    offsets_x: npt.NDArray[np.int64],  # (B + 1,)
    index_x: npt.NDArray[np.int64],
    mass_x: _Float64 | None,  # of the entries
    offsets_y: npt.NDArray[np.int64],
    index_y: npt.NDArray[np.int64],
    mass_y: _Float64 | None,
    weight: _Float64,  # (B,), of the batches
    metric: str,
    p: float,
    *,
    inner: InnerOptions,
    n_threads: int,
    progress: Callable[[int, int], object] | None,
) -> PassSolution: ...

class MiniBatchMap:
    @property
    def map(self) -> _Float64: ...  # (n, d)
    @property
    def mass(self) -> _Float64: ...  # (n,)
    @property
    def iterations(self) -> int: ...
    @property
    def filled(self) -> int: ...
    @property
    def value(self) -> float: ...
    @property
    def inner_gap(self) -> float: ...
    @property
    def outer_gap(self) -> float: ...
    @property
    def outer_error(self) -> float: ...
    @property
    def inner_error(self) -> float: ...
    @property
    def inner_status(self) -> str: ...
    @property
    def outer_status(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def interrupted(self) -> bool: ...

# Iteration t draws its x batches from stream 2 t of the seed and its y batches from stream 2 t + 1.
def minibatch_map(
    X: _Real,
    Y: _Real,
    a: _Float64 | None,
    b: _Float64 | None,
    metric: str,
    p: float,
    *,
    k: tuple[int, int],
    m: tuple[int, int],
    iterations: int,
    sampling: str,
    inner: InnerOptions,
    coupling: str,
    outer_reg: float,
    by_mass: bool,
    root: bool,
    seed: int,
    n_threads: int,
    progress: Callable[[int, int], object] | None,
) -> MiniBatchMap: ...

"""The costs of slices, with what gradients need of them."""

from __future__ import annotations

from . import _core
from ._options import check_threads
from ._sliced_result import SlicedResult
from ._slices import Slices


def slice_values(
    slices: Slices, power: float, n_threads: int | None, *, circles: bool
) -> _core.SlicedValues:
    threads = check_threads(n_threads)
    library, sources = slices.library, slices.sources
    return _core.sliced_values(
        slices.x,
        slices.y,
        slices.a,
        slices.b,
        slices.directions,
        power,
        circles=circles,
        mass_tolerance=slices.mass_tolerance,
        n_threads=threads or library.n_threads(),
        with_x=library.needs_gradient(sources[:1]),
        with_y=library.needs_gradient(sources[1:2]),
        with_directions=library.needs_gradient(sources[4:]),
        with_potentials=not circles and library.needs_gradient(sources[2:4]),
    )


def solve_slices(
    slices: Slices, power: float, n_threads: int | None, *, circles: bool
) -> SlicedResult:
    values = slice_values(slices, power, n_threads, circles=circles)
    value = slices.library.sliced_value(values, slices.sources)
    return SlicedResult(slices, values.cost, value, power)

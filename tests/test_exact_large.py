"""Exact problems beyond the small dense ones: hostile, scaled, stopped, in batches, on threads."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import ot
import pytest
from scipy.optimize import linear_sum_assignment

import otcore
from checks import (
    assert_same,
    check_cost_scaling,
    check_mass_scaling,
    check_problem,
    check_result,
    check_shift,
    check_symmetry,
)
from hostile import CASES, KNOWN, OBLONG, Case, far_clusters, known, make, points, slow_problem
from problems import reference_costs
from shared_data import load

FLOAT32 = [name for name in CASES if make(name).float32]


def solve(case: Case, **options: Any) -> otcore.OTResult:
    return otcore.solve(case.M, case.a, case.b, **options)


# ---------------------------------------------------------------------------------------------
# Hostile problems


@pytest.mark.parametrize("name", KNOWN)
def test_known_answer(name: str) -> None:
    problem = known(name).as_matrix()
    check_problem(otcore.solve(problem.M, problem.a, problem.b), problem)


@pytest.mark.parametrize("name", CASES)
def test_certified(name: str) -> None:
    case = make(name)
    check_result(solve(case), case.M, case.a, case.b)


@pytest.mark.parametrize("name", FLOAT32)
def test_certified_float32(name: str) -> None:
    case = make(name).astype(np.float32)
    check_result(solve(case), case.M, case.a, case.b)


@pytest.mark.parametrize("name", OBLONG)
def test_certified_oblong(name: str) -> None:
    case = make(name)
    check_result(solve(case), case.M, case.a, case.b)


def test_denormal_costs() -> None:
    """Where costs have few digits left, the answer is that of the same numbers scaled up."""
    M = make("just-large").M * 1e-310
    assert 0 < M.max() < np.finfo(np.float64).tiny
    result, large = otcore.solve(M), otcore.solve(M * 2.0**100)
    check_result(large, M * 2.0**100)
    assert result.status == "optimal"
    assert result.value == pytest.approx(large.value / 2.0**100, rel=1e-9)


@pytest.mark.parametrize("layout", ["transposed", "strided", "reversed", "fortran"])
def test_layout_of_memory(layout: str) -> None:
    """Any strides: the answer is that of a copy in rows."""
    case = make("plane-weighted")
    n, m = case.M.shape
    if layout == "transposed":
        M = np.ascontiguousarray(case.M.T).T
    elif layout == "strided":
        M = np.full((2 * n, 3 * m), np.nan)[::2, ::3]
        M[:] = case.M
    elif layout == "reversed":
        M = np.ascontiguousarray(case.M[::-1, ::-1])[::-1, ::-1]
    else:
        M = np.asfortranarray(case.M)
    assert not M.flags.c_contiguous
    assert_same(otcore.solve(M, case.a, case.b), solve(case))


def test_points_and_their_costs_agree() -> None:
    rng = np.random.default_rng(5)
    X, Y = rng.random((900, 3)), rng.random((700, 3))
    result = otcore.solve_sample(X, Y)
    M = reference_costs(X, Y)
    check_result(result, (X, Y), expected_value=otcore.solve(M).value)


# ---------------------------------------------------------------------------------------------
# Symmetries


@pytest.mark.parametrize("name", ["planted", "ties", "zeros"])
def test_symmetries(name: str) -> None:
    """Transposed, with more mass, and with a constant added to each row and column."""
    problem = known(name)
    rng = np.random.default_rng(3)
    n, m = problem.shape
    check_symmetry(otcore.solve, problem)
    check_mass_scaling(otcore.solve, problem, 3.0)
    check_shift(otcore.solve, problem, rng.normal(size=n), rng.normal(size=m))
    check_shift(otcore.solve, problem, 1e6 * rng.normal(size=n), np.zeros(m))


@pytest.mark.parametrize("exponent", [-900, -3, 20, 900])
@pytest.mark.parametrize("name", ["planted", "permutation-ties"])
def test_costs_scaled_by_a_power_of_two(name: str, exponent: int) -> None:
    check_cost_scaling(otcore.solve, known(name), exponent)


@pytest.mark.parametrize("total", [1e-300, 1e-30, 1e30, 1e300])
def test_any_total_mass(total: float) -> None:
    check_mass_scaling(otcore.solve, known("planted"), total)


# ---------------------------------------------------------------------------------------------
# Oracles


def oracle_case(name: str) -> Case:
    kinds = {
        "plane": points(1200, 1200, 2, weighted=False),
        "plane-weighted": points(1000, 1400, 2, weighted=True),
        "64-dimensional": points(800, 900, 64, weighted=True),
        "far-clusters": far_clusters(800, 800),
    }
    return kinds[name](np.random.default_rng(1)) if name in kinds else make(name)


@pytest.mark.parametrize(
    "name",
    [
        "plane",
        "plane-weighted",
        "64-dimensional",
        "far-clusters",
        "ties-weighted",
        "same-grid",
        "unstructured",
        "negative",
        "product",
        "zero-weights",
    ],
)
def test_against_pot(name: str) -> None:
    case = oracle_case(name)
    a, b = (
        ot.unif(size) if w is None else w
        for w, size in zip((case.a, case.b), case.M.shape, strict=True)
    )
    expected = float(ot.emd2(a, b, case.M, numItermax=10**8))
    assert solve(case).value == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    "name", ["plane", "16-dimensional", "ties", "binary", "unstructured-square", "outliers"]
)
def test_assignment_against_scipy(name: str) -> None:
    case = make(name)
    side = min(case.M.shape)
    M = case.M[:side, :side].copy()
    rows, cols = linear_sum_assignment(M)
    expected = math.fsum(M[rows, cols]) / side
    assert otcore.solve(M).value == pytest.approx(expected, rel=1e-9)


# ---------------------------------------------------------------------------------------------
# The same answer everywhere

EVERYWHERE = ["plane-weighted", "ties", "zero-weights", "far-clusters"]


@pytest.mark.parametrize("name", EVERYWHERE)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_any_number_of_threads_gives_the_same_bits(name: str, dtype: Any) -> None:
    case = make(name).astype(dtype)
    first = solve(case, n_threads=1)
    for n_threads in (2, 3):
        assert_same(first, solve(case, n_threads=n_threads))


@pytest.mark.parametrize("n_threads", [1, 2, 4])
def test_a_batch_equals_its_problems(n_threads: int) -> None:
    """More threads than problems solve one after another, fewer solve several at once."""
    cases = [points(600, 700, d, weighted=True)(np.random.default_rng(d)) for d in (1, 2, 8)]
    M, a, b = (np.stack([getattr(case, name) for case in cases]) for name in ("M", "a", "b"))
    batch = otcore.solve_batch(M, a, b, n_threads=n_threads)
    for k, case in enumerate(cases):
        check_result(batch[k], case.M, case.a, case.b)
        assert_same(batch[k], solve(case))


@pytest.mark.isa
@pytest.mark.parametrize("name", ["planted", "permutation-ties", "zeros", "heavy"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_known_answer_at_this_level(name: str, dtype: Any) -> None:
    problem = known(name).as_matrix().astype(dtype)
    check_problem(otcore.solve(problem.M, problem.a, problem.b), problem)


LEVELS = """
import hashlib, json, sys
import numpy as np
import otcore
from hostile import make

answers = {}
for name in json.loads(sys.argv[1]):
    for dtype in (np.float64, np.float32):
        case = make(name).astype(dtype)
        result = otcore.solve(case.M, case.a, case.b)
        bits = [result.sparse_plan.data, result.potential_a, result.potential_b]
        digest = hashlib.sha256(b"".join(array.tobytes() for array in bits)).hexdigest()
        answers[f"{name} {dtype.__name__}"] = [result.value, result.n_iter, digest]
json.dump({"isa": otcore.info()["isa"], "answers": answers}, sys.stdout)
"""


def test_every_level_gives_the_same_bits() -> None:
    outputs = {}
    for isa in otcore.info()["isa_supported"]:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", LEVELS, json.dumps(EVERYWHERE)],
            cwd=Path(__file__).parent,
            env={**os.environ, "OTCORE_ISA": isa},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{isa}: {done.stderr}"
        outputs[isa] = json.loads(done.stdout)
        assert outputs[isa]["isa"] == isa
    first, *others = outputs.values()
    assert len(first["answers"]) == 2 * len(EVERYWHERE)
    for other in others:
        assert other["answers"] == first["answers"]


# ---------------------------------------------------------------------------------------------
# Stopped

# What may pass between a limit and the return: the look at the whole matrix that is under way, a
# plan for what the auction left, and the certificate. A loaded machine needs a multiple of it.
SOON = 5.0


@pytest.fixture(scope="module")
def slow() -> Case:
    return slow_problem()


@pytest.mark.parametrize("limit", [1e-3, 5e-3, 0.02, 0.1, 0.2, 0.3])
@pytest.mark.parametrize("n_threads", [1, 2])
def test_time_limit_at_any_stage(slow: Case, limit: float, n_threads: int) -> None:
    """While costs are ranged, candidates chosen, the auction runs, the simplex pivots."""
    start = time.monotonic()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = solve(slow, time_limit=limit, n_threads=n_threads)
    assert time.monotonic() - start < limit + SOON
    assert result.status in (["time_limit"] if limit < 0.01 else ["time_limit", "optimal"])
    warned = [str(w.message) for w in caught if w.category is otcore.ConvergenceWarning]
    assert len(warned) == (result.status == "time_limit")
    assert all("gap" in message for message in warned)
    check_result(result, slow.M, slow.a, slow.b, status=result.status)


@pytest.mark.parametrize("name", ["40x20000", "2x200000", "200000x3", "1x400000"])
def test_time_limit_of_an_oblong_problem(name: str) -> None:
    case = make(name)
    start = time.monotonic()
    with pytest.warns(otcore.ConvergenceWarning, match="gap"):
        result = solve(case, time_limit=1e-4)
    assert time.monotonic() - start < SOON
    check_result(result, case.M, case.a, case.b, status="time_limit")


@pytest.mark.parametrize("max_iter", [1, 100, 1000])
@pytest.mark.parametrize("name", ["plane", "far-clusters"])
def test_max_iter(name: str, max_iter: int) -> None:
    case = make(name)
    best = solve(case)
    assert best.n_iter > max_iter
    with pytest.warns(otcore.ConvergenceWarning, match="gap"):
        result = solve(case, max_iter=max_iter)
    check_result(result, case.M, case.a, case.b, status="max_iter")
    assert result.n_iter <= max_iter
    assert result.value - result.gap <= best.value <= result.value * (1 + 1e-12)
    assert result.value - result.gap > 0.9 * best.value  # what the start proves already


def test_limits_that_suffice_change_nothing() -> None:
    case = make("far-clusters")
    assert_same(solve(case, max_iter=10**9, time_limit=600.0), solve(case))


@pytest.mark.parametrize("n_threads", [1, 2])
def test_ctrl_c_carries_the_result_so_far(slow: Case, n_threads: int) -> None:
    """SIGINT once the solve is under way."""

    def interrupt(done: int, total: int) -> None:
        if done < total:
            signal.raise_signal(signal.SIGINT)

    start = time.monotonic()
    with pytest.raises(otcore.SolveInterrupted) as caught:
        solve(slow, progress=interrupt, n_threads=n_threads)
    assert time.monotonic() - start < SOON
    check_result(caught.value.result, slow.M, slow.a, slow.b, status="interrupted")


def test_progress_of_one_problem(slow: Case) -> None:
    calls: list[tuple[int, int]] = []
    solve(slow, progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (5, 5)
    assert calls == sorted(calls)
    assert {total for _, total in calls} == {5}
    assert len({done for done, _ in calls}) > 2


def test_progress_of_several_problems_counts_them(slow: Case) -> None:
    calls: list[tuple[int, int]] = []
    otcore.solve_batch(
        np.stack([slow.M[:600, :600]] * 2), progress=lambda done, total: calls.append((done, total))
    )
    assert calls[-1] == (2, 2)
    assert {total for _, total in calls} == {2}


def test_progress_of_a_small_problem_with_a_start() -> None:
    calls: list[tuple[int, int]] = []
    M = np.random.default_rng(0).random((30, 40))
    otcore.solve(
        M,
        potentials_init=(np.zeros(30), np.zeros(40)),
        progress=lambda done, total: calls.append((done, total)),
    )
    assert calls[-1] == (5, 5)


# ---------------------------------------------------------------------------------------------
# Real data


def images(side: int, first: int, second: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two of DOTmark's images as weights of sum 1, and the squared distances of their pixels."""
    (pictures,) = load("dotmark", f"ClassicImages_{side}")
    a, b = (pictures[k].ravel() / pictures[k].sum() for k in (first, second))
    axis = np.square(np.subtract.outer(np.arange(side), np.arange(side)) * 1.0)
    M = axis[:, None, :, None] + axis[None, :, None, :]
    return np.ascontiguousarray(M.reshape(side**2, side**2)), a, b


@pytest.mark.parametrize(("first", "second"), [(0, 1), (2, 7), (4, 9)])
def test_images_against_pot(first: int, second: int) -> None:
    M, a, b = images(32, first, second)
    expected = float(ot.emd2(a, b, M, numItermax=10**8))
    check_result(otcore.solve(M, a, b), M, a, b, expected_value=expected)


@pytest.mark.parametrize(("first", "second"), [(0, 1), (3, 8)])
def test_images_at_full_size(first: int, second: int) -> None:
    M, a, b = images(64, first, second)
    check_result(otcore.solve(M, a, b), M, a, b)


@pytest.mark.parametrize("side", [32, 64])
def test_images_with_black_pixels(side: int) -> None:
    """The darker half of each image is set to zero."""
    M, a, b = images(side, 5, 6)
    a, b = (np.where(w > np.median(w), w, 0.0) for w in (a, b))
    a, b = a / a.sum(), b / b.sum()
    check_result(otcore.solve(M, a, b), M, a, b)


# ---------------------------------------------------------------------------------------------
# Twenty thousand points

HUGE = 20_000


@pytest.mark.skipif(
    os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") < 8 * 2**30,
    reason="needs 8 GB of memory",
)
def test_twenty_thousand_points_in_float32() -> None:
    """A matrix of 1.6 GB. The certificate is recomputed in blocks of rows, in float64."""
    rng = np.random.default_rng(7)
    X, Y = (rng.random((HUGE, 2)).astype(np.float32) for _ in "XY")
    M = np.empty((HUGE, HUGE), np.float32)
    blocks = [slice(start, start + 500) for start in range(0, HUGE, 500)]
    for rows in blocks:
        M[rows] = otcore.cost.cost_matrix(X[rows], Y)
    result = otcore.solve(M)
    assert result.status == "optimal"

    plan = result.sparse_plan.tocoo()
    rows, cols = plan.coords
    assert plan.nnz == HUGE  # a vertex: a permutation
    assert np.array_equal(np.sort(rows), np.arange(HUGE))
    assert np.array_equal(np.sort(cols), np.arange(HUGE))
    assert np.array_equal(plan.data, np.full(HUGE, 1 / HUGE, np.float32))
    value = math.fsum(M[rows, cols].astype(np.float64)) / HUGE
    assert result.value == pytest.approx(value, rel=1e-12)

    f, g = result.potentials
    transform, largest = np.empty(HUGE), 0.0
    for rows in blocks:
        costs = M[rows].astype(np.float64)
        largest = max(largest, float(costs.max()))
        costs -= g
        transform[rows] = costs.min(axis=1)
    size = largest + float(np.abs(f).max()) + float(np.abs(g).max())
    rounding = 4 * 2.0**-53 * size
    assert (transform - f).min() >= -rounding
    dual = (math.fsum(transform) + math.fsum(g)) / HUGE
    assert -2 * rounding <= value - dual <= 1e-9 * value + 64 * 2.0**-53 * largest
    assert result.gap == pytest.approx(value - dual, abs=2 * rounding)

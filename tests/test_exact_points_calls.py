"""Exact transport between large point clouds: threads, levels, warm starts, early stops."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import otcore
from checks import assert_same
from comparison.optimality import certify, require_optimal
from points_cases import Clouds, far_clusters, make, normal
from problems import Metric

# What may pass between a limit and the return: a pass over all pairs that is under way, and the
# certificate. A loaded machine needs a multiple of it.
SOON = 5.0


def check(result: otcore.OTResult, clouds: Clouds, metric: Metric = "sqeuclidean") -> None:
    require_optimal(result, clouds.X, clouds.Y, clouds.a, clouds.b, metric=metric)


# ---------------------------------------------------------------------------------------------
# The same answer everywhere

EVERYWHERE = ["plane-weighted", "16-dimensional", "duplicated", "far-clusters", "zero-weights"]


@pytest.mark.parametrize("name", EVERYWHERE)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_any_number_of_threads_gives_the_same_bits(name: str, dtype: Any) -> None:
    clouds = make(name).astype(dtype)
    first = clouds.solve(n_threads=1)
    for n_threads in (2, 3):
        assert_same(first, clouds.solve(n_threads=n_threads))


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
def test_any_number_of_threads_under_other_metrics(metric: Metric) -> None:
    clouds = normal(2000, 1800, 20)(np.random.default_rng(0))
    first, other = (clouds.solve(metric=metric, n_threads=n) for n in (1, 2))
    assert np.array_equal(first.potential_b, other.potential_b)
    assert first.value == other.value
    assert first.n_iter == other.n_iter


def test_the_same_call_gives_the_same_bits() -> None:
    clouds = normal(2000, 1800, 3)(np.random.default_rng(0))
    first, second = clouds.solve(), clouds.solve()
    digests = [
        hashlib.sha256(r.potential_b.tobytes() + r.sparse_plan.data.tobytes()).digest()
        for r in (first, second)
    ]
    assert digests[0] == digests[1]


LEVELS = """
import json, sys
import numpy as np
sys.path.insert(0, sys.argv[2])
import otcore
from comparison.optimality import require_optimal
from points_cases import make

answers = {}
for name in json.loads(sys.argv[1]):
    for metric in ("sqeuclidean", "cityblock"):
        for dtype in (np.float64, np.float32):
            case = make(name).astype(dtype)
            result = case.solve(metric=metric)
            require_optimal(result, case.X, case.Y, case.a, case.b, metric=metric)
            answers[f"{name} {metric} {dtype.__name__}"] = result.value
json.dump({"isa": otcore.info()["isa"], "answers": answers}, sys.stdout)
"""


def test_levels_agree() -> None:
    """Costs that are computed from points agree to rounding, so values do."""
    outputs = {}
    bench = Path(__file__).parents[1] / "bench"
    for isa in otcore.info()["isa_supported"]:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", LEVELS, json.dumps(EVERYWHERE), str(bench)],
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
    assert len(first["answers"]) == 4 * len(EVERYWHERE)
    for other in others:
        assert other["answers"] == pytest.approx(first["answers"], rel=1e-9)


# ---------------------------------------------------------------------------------------------
# Started from potentials


def drifted(clouds: Clouds, by: float) -> Clouds:
    """Each point of X moved by so much of the spread."""
    rng = np.random.default_rng(3)
    steps = by * clouds.X.std() * rng.normal(size=clouds.X.shape)
    return Clouds(clouds.X + steps, clouds.Y, clouds.a, clouds.b)


@pytest.mark.parametrize("name", ["plane-weighted", "16-dimensional", "ring-and-bar", "scaled"])
@pytest.mark.parametrize("by", [0.0, 0.01, 1.0])
def test_points_that_moved(name: str, by: float) -> None:
    before = make(name)
    after = drifted(before, by)
    cold, first = after.solve(), before.solve()
    for start in (first, tuple(torch.as_tensor(p).float() for p in first.potentials)):
        warm = after.solve(potentials_init=start)
        check(warm, after)
        assert warm.value == pytest.approx(cold.value, rel=1e-9)


def test_weights_that_changed() -> None:
    clouds = make("plane-weighted")
    uniform = Clouds(clouds.X, clouds.Y)
    check(uniform.solve(potentials_init=clouds.solve()), uniform)


@pytest.mark.parametrize("metric", ["euclidean", "cityblock", "cosine", ("minkowski", 3.0)])
def test_start_under_other_metrics(metric: Metric) -> None:
    before = normal(700, 600, 3, weighted=True)(np.random.default_rng(4))
    after = drifted(before, 0.01)
    start = before.solve(metric=metric)
    check(after.solve(metric=metric, potentials_init=start), after, metric)
    # Potentials of another cost are potentials like any.
    check(after.solve(metric=metric, potentials_init=before.solve()), after, metric)


@pytest.mark.parametrize("kind", ["zeros", "noise", "huge", "opposite", "one-column"])
def test_useless_potentials(kind: str) -> None:
    clouds = make("plane-weighted")
    cold = clouds.solve()
    n, m = len(clouds.X), len(clouds.Y)
    rng = np.random.default_rng(5)
    one = np.zeros(m)
    one[7] = 1e12
    g = {
        "zeros": np.zeros(m),
        "noise": rng.normal(size=m),
        "huge": rng.normal(size=m) * 1e307,
        "opposite": -10 * cold.potential_b,
        "one-column": one,
    }[kind]
    result = clouds.solve(potentials_init=(np.zeros(n), g))
    check(result, clouds)
    assert result.value == pytest.approx(cold.value, rel=1e-9)


# ---------------------------------------------------------------------------------------------
# Stopped


@pytest.fixture(scope="module")
def slow() -> Clouds:
    """Takes longer than the tests wait that stop it."""
    return far_clusters(np.random.default_rng(0), 4500, 4500)


def check_stopped(result: otcore.OTResult, clouds: Clouds, status: str) -> None:
    """A feasible plan, and a gap that is what its potentials prove."""
    assert result.status == status
    found = certify(result, clouds.X, clouds.Y, clouds.a, clouds.b)
    assert not found.infeasibilities
    assert result.gap >= 0 or not found.faults
    assert result.gap == pytest.approx(found.gap, rel=1e-9, abs=found.gap_allowed)


@pytest.mark.parametrize("limit", [1e-4, 5e-3, 0.02, 0.1, 0.3])
@pytest.mark.parametrize("n_threads", [1, 2])
def test_time_limit_at_any_stage(slow: Clouds, limit: float, n_threads: int) -> None:
    start = time.monotonic()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = slow.solve(time_limit=limit, n_threads=n_threads)
    assert time.monotonic() - start < limit + SOON
    assert result.status in (["time_limit"] if limit < 1e-3 else ["time_limit", "optimal"])
    warned = [str(w.message) for w in caught if w.category is otcore.ConvergenceWarning]
    assert len(warned) == (result.status == "time_limit")
    assert all("gap" in message for message in warned)
    check_stopped(result, slow, result.status)


@pytest.mark.parametrize("name", ["40x20000", "1x300000"])
def test_time_limit_of_few_against_many(name: str) -> None:
    clouds = make(name)
    with pytest.warns(otcore.ConvergenceWarning, match="gap"):
        result = clouds.solve(time_limit=1e-5)
    check_stopped(result, clouds, "time_limit")


@pytest.mark.parametrize("dims", [3, 300])
def test_a_stop_places_the_rest_at_once(dims: int) -> None:
    """Not by a look at all pairs for every point."""
    clouds = normal(12_000, 12_000, dims)(np.random.default_rng(0)).astype(np.float32)
    start = time.monotonic()
    clouds.solve()
    whole = time.monotonic() - start
    start = time.monotonic()
    with pytest.warns(otcore.ConvergenceWarning, match="gap"):
        stopped = clouds.solve(time_limit=1e-6)
    assert time.monotonic() - start < 0.8 * whole
    assert stopped.status == "time_limit"


@pytest.mark.parametrize("max_iter", [1, 100, 300])
@pytest.mark.parametrize("name", ["plane-weighted", "far-clusters", "16-dimensional"])
def test_max_iter(name: str, max_iter: int) -> None:
    clouds = make(name)
    best = clouds.solve()
    assert best.n_iter > max_iter
    with pytest.warns(otcore.ConvergenceWarning, match="gap"):
        result = clouds.solve(max_iter=max_iter)
    check_stopped(result, clouds, "max_iter")
    assert result.n_iter <= max_iter
    assert result.value - result.gap <= best.value <= result.value * (1 + 1e-12)
    assert result.value - result.gap > 0.9 * best.value  # what the start proves already


def test_limits_that_suffice_change_nothing() -> None:
    clouds = make("plane-weighted")
    assert_same(clouds.solve(max_iter=10**9, time_limit=600.0), clouds.solve())


@pytest.mark.parametrize("name", ["plane-weighted", "16-dimensional", "far-clusters"])
def test_less_memory_gives_the_same_value(name: str) -> None:
    clouds = make(name)
    free = clouds.solve()
    with pytest.raises(ValueError, match="max_memory: 1 bytes, expected at least") as caught:
        clouds.solve(max_memory=1)
    least = int(re.search(r"at least (\d+)", str(caught.value))[1])
    for limit in (least, 2 * least):
        result = clouds.solve(max_memory=limit)
        check(result, clouds)
        assert result.value == pytest.approx(free.value, rel=1e-9)


def test_going_on_from_where_a_limit_came() -> None:
    """The potentials of a stopped call are a start for the next."""
    clouds = make("far-clusters")
    with pytest.warns(otcore.ConvergenceWarning):
        stopped = clouds.solve(max_iter=100)
    check(clouds.solve(potentials_init=stopped), clouds)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_ctrl_c_carries_the_result_so_far(slow: Clouds, n_threads: int) -> None:
    """SIGINT once the solve is under way."""

    def interrupt(done: int, total: int) -> None:
        if done < total:
            signal.raise_signal(signal.SIGINT)

    start = time.monotonic()
    with pytest.raises(otcore.SolveInterrupted) as caught:
        slow.solve(progress=interrupt, n_threads=n_threads)
    assert time.monotonic() - start < SOON
    check_stopped(caught.value.result, slow, "interrupted")


def test_progress(slow: Clouds) -> None:
    calls: list[tuple[int, int]] = []
    slow.solve(progress=lambda done, total: calls.append((done, total)))
    total = calls[-1][1]
    assert calls[-1][0] == total
    assert calls == sorted(calls)
    assert {each for _, each in calls} == {total}
    assert len({done for done, _ in calls}) > 2


def test_an_exception_in_progress_reaches_the_caller(slow: Clouds) -> None:
    def fail(done: int, total: int) -> None:
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        slow.solve(progress=fail)

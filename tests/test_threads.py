"""Threads, processes, and calls that are stopped: the same answers, no deadlock, no lost result.

What forks or is sent signals runs in a Python of its own with a time limit, so that a deadlock is a
failure and not a hanging test run.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import otcore
from checks import assert_same, check_result
from hostile import slow_problem
from problems import dyadic_weights

HERE = Path(__file__).parent
THREADS = [2, 3, 5]


def run_script(script: str, *, timeout: float = 60, **env: str) -> str:
    """Runs Python code in a new process beside the tests' modules; returns what it printed."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(script)],
        cwd=HERE,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# ---------------------------------------------------------------------------------------------
# The same bits for any number of threads


@pytest.mark.parametrize("n_threads", THREADS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_batches_are_bit_identical(n_threads: int, weighted: bool, dtype: Any) -> None:
    rng = np.random.default_rng(0)
    M = rng.random((100, 20, 20)).astype(dtype)
    a, b = (dyadic_weights(rng, 20).astype(dtype) if weighted else None for _ in "ab")
    first = otcore.solve_batch(M, a, b, n_threads=1)
    other = otcore.solve_batch(M, a, b, n_threads=n_threads)
    for k in range(100):
        assert_same(first[k], other[k])


@pytest.mark.parametrize("n_threads", THREADS)
@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean", "cosine"])
def test_batches_of_points_are_bit_identical(n_threads: int, metric: str) -> None:
    rng = np.random.default_rng(0)
    X, Y = rng.random((50, 30, 5)), rng.random((50, 25, 5))
    first = otcore.solve_sample_batch(X, Y, metric=metric, n_threads=1)
    other = otcore.solve_sample_batch(X, Y, metric=metric, n_threads=n_threads)
    for k in range(50):
        assert_same(first[k], other[k])


@pytest.mark.parametrize("n_threads", THREADS)
def test_one_large_problem_is_bit_identical(n_threads: int) -> None:
    """Large enough that its own scans may be shared between threads."""
    rng = np.random.default_rng(0)
    M = rng.random((400, 300))
    a, b = dyadic_weights(rng, 400), dyadic_weights(rng, 300)
    assert_same(otcore.solve(M, a, b, n_threads=1), otcore.solve(M, a, b, n_threads=n_threads))
    square = rng.random((300, 300))
    assert_same(otcore.solve(square, n_threads=1), otcore.solve(square, n_threads=n_threads))


def test_set_num_threads_changes_no_answer() -> None:
    M = np.random.default_rng(0).random((40, 15, 15))
    before = otcore.info()["threads"]
    try:
        results = []
        for count in (1, 2, 3, 5):
            otcore.set_num_threads(count)
            assert otcore.info()["threads"] == count
            results.append(otcore.solve_batch(M))
    finally:
        otcore.set_num_threads(before)
    for other in results[1:]:
        assert np.array_equal(other.value, results[0].value)
        assert np.array_equal(other.plan, results[0].plan)


@pytest.mark.parametrize("variable", ["OTCORE_NUM_THREADS", "OMP_NUM_THREADS"])
def test_environment_limits_the_threads(variable: str) -> None:
    printed = run_script("import otcore; print(otcore.info()['threads'])", **{variable: "1"})
    assert printed.strip() == "1"


def test_eight_python_threads_solve_at_once() -> None:
    rng = np.random.default_rng(0)
    batches = [rng.random((200, 12, 12)) for _ in range(8)]
    expected = [otcore.solve_batch(M, n_threads=1).value for M in batches]
    start = threading.Barrier(8)

    def work(k: int) -> list[np.ndarray]:
        start.wait(timeout=30)
        return [otcore.solve_batch(batches[k], n_threads=1 + k % 3).value for _ in range(5)]

    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(work, k) for k in range(8)]
        for k, future in enumerate(futures):
            for value in future.result(timeout=60):
                assert np.array_equal(value, expected[k])


# ---------------------------------------------------------------------------------------------
# Forked children

FORK = """
    import multiprocessing, os, warnings
    import numpy as np, otcore

    # Newer Pythons warn of any fork beside live threads; that it works is what is tested here.
    warnings.filterwarnings("ignore", ".*fork.*", DeprecationWarning)
    M = np.random.default_rng(0).random((300, 15, 15))

    def work(seed):
        return otcore.solve_batch(M, n_threads=3).value

    if __name__ == "__main__":
        expected = work(0)
        context = multiprocessing.get_context("fork")
        for _ in range(3):
            with context.Pool(2) as pool:
                for value in pool.map_async(work, range(4)).get(timeout=30):
                    assert np.array_equal(value, expected)
            assert np.array_equal(work(0), expected)
        print("done")
"""


def test_forked_children_solve_after_the_parent_did() -> None:
    assert run_script(FORK).strip() == "done"


def test_fork_while_another_thread_solves() -> None:
    """The pool's locks may be held by a thread that the child does not have."""
    printed = run_script("""
        import os, threading, warnings
        import numpy as np, otcore

        warnings.filterwarnings("ignore", ".*fork.*", DeprecationWarning)
        M = np.random.default_rng(0).random((500, 12, 12))
        expected = otcore.solve_batch(M).value
        stop = threading.Event()

        def busy():
            while not stop.is_set():
                otcore.solve_batch(M, n_threads=2)

        thread = threading.Thread(target=busy)
        thread.start()
        codes = []
        for _ in range(10):
            child = os.fork()
            if child == 0:
                same = np.array_equal(otcore.solve_batch(M, n_threads=2).value, expected)
                os._exit(0 if same else 1)
            codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        stop.set()
        thread.join()
        print(codes)
    """)
    assert printed.strip() == str([0] * 10)


def test_data_loader_workers_solve_after_the_parent_did() -> None:
    printed = run_script("""
        import warnings
        import numpy as np, otcore, torch
        from torch.utils.data import DataLoader, Dataset

        warnings.filterwarnings("ignore", ".*fork.*", DeprecationWarning)
        warnings.filterwarnings("ignore", ".*worker processes.*", UserWarning)  # one CPU

        class Distances(Dataset):
            def __init__(self):
                generator = torch.Generator().manual_seed(0)
                self.X = torch.rand((12, 20, 3), generator=generator)

            def __len__(self):
                return 12

            def __getitem__(self, k):
                return otcore.solve_sample(self.X[k], self.X[0]).value

        if __name__ == "__main__":
            data = Distances()
            expected = torch.stack([data[k] for k in range(12)])
            otcore.solve_sample_batch(data.X, data.X, n_threads=2)
            loader = DataLoader(data, batch_size=4, num_workers=2, timeout=30)
            assert torch.equal(torch.cat(list(loader)), expected)
            print("done")
    """)
    assert printed.strip() == "done"


# ---------------------------------------------------------------------------------------------
# Stopped: time limits, Ctrl-C, progress


def test_time_limit_gives_a_feasible_plan_and_says_so() -> None:
    case = slow_problem()
    M, a, b = case.M, case.a, case.b
    start = time.monotonic()
    with pytest.warns(otcore.ConvergenceWarning, match="gap"):
        result = otcore.solve(M, a, b, time_limit=0.02)
    assert time.monotonic() - start < 5
    check_result(result, M, a, b, status="time_limit")


@pytest.mark.parametrize(("limit", "n_threads"), [(1e-9, 1), (1e-3, 2)])
def test_time_limit_of_a_batch_leaves_feasible_plans(limit: float, n_threads: int) -> None:
    """Over after the first problem, and, but on the fastest machines, after some more."""
    M = np.random.default_rng(0).random((20, 300, 300))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        batch = otcore.solve_batch(M, time_limit=limit, n_threads=n_threads)
    statuses = list(batch.status)
    assert set(statuses) <= {"time_limit", "optimal"}
    assert limit > 1e-6 or "time_limit" in statuses
    assert len(caught) == ("time_limit" in statuses)
    assert all(w.category is otcore.ConvergenceWarning for w in caught)
    for k, status in enumerate(statuses):
        check_result(batch[k], M[k], status=status)


def test_time_limit_that_suffices_changes_nothing() -> None:
    M = np.random.default_rng(0).random((30, 30))
    assert_same(otcore.solve(M, time_limit=60.0), otcore.solve(M))


def test_ctrl_c_carries_the_result_so_far() -> None:
    """SIGINT from another thread, as the terminal sends it, while the solve runs."""
    case = slow_problem()
    M, a, b = case.M, case.a, case.b
    timer = threading.Timer(0.02, os.kill, (os.getpid(), signal.SIGINT))
    start = time.monotonic()
    timer.start()
    with pytest.raises(otcore.SolveInterrupted) as caught:
        otcore.solve(M, a, b, n_threads=1)
    timer.join()
    assert time.monotonic() - start < 5
    assert isinstance(caught.value, KeyboardInterrupt)
    check_result(caught.value.result, M, a, b, status="interrupted")


def test_ctrl_c_in_a_batch() -> None:
    rng = np.random.default_rng(0)
    M = rng.random((200, 400, 300), dtype=np.float32)
    a, b = dyadic_weights(rng, 400), dyadic_weights(rng, 300)

    def interrupt(done: int, total: int) -> None:
        if done < total:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(otcore.SolveInterrupted) as caught:
        otcore.solve_batch(M, a, b, progress=interrupt, n_threads=2)
    batch = caught.value.result
    assert len(batch) == 200
    for k in range(200):
        status = batch[k].status
        assert status in ("optimal", "interrupted")
        check_result(batch[k], M[k], a, b, status=status)
    otcore.solve_batch(M[:1])  # and the next call is not disturbed


def test_ctrl_c_ends_a_script() -> None:
    """Uncaught, it ends a program as KeyboardInterrupt does."""
    script = """
        import os, signal, threading
        import otcore
        from hostile import slow_problem
        case = slow_problem()
        threading.Timer(0.02, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            otcore.solve(case.M, case.a, case.b, n_threads=1)
        except KeyboardInterrupt as error:
            print(type(error).__name__, error.result.status)
    """
    assert run_script(script).split() == ["SolveInterrupted", "interrupted"]


def test_progress_counts_up_to_the_total() -> None:
    M = np.random.default_rng(0).random((60, 150, 150))
    calls: list[tuple[int, int]] = []
    otcore.solve_batch(M, progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (60, 60)
    assert calls == sorted(calls)
    assert {total for _, total in calls} == {60}


def test_an_exception_in_progress_reaches_the_caller() -> None:
    M = np.random.default_rng(0).random((60, 150, 150))

    def fail(done: int, total: int) -> None:
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        otcore.solve_batch(M, progress=fail)
    assert np.isfinite(otcore.solve_batch(M[:2]).value).all()

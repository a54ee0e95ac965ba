"""Barycentric maps of many mini-batch plans."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import otcore
from minibatch_cases import A, B, X, Y
from otcore.minibatch import barycentric_map, bomb_ot, m_ot


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("bomb", {}),
        ("bomb", {"outer_reg": 0.02}),
        ("bomb", {"batch_weights": "mass", "root": True}),
        ("m", {}),
        ("m", {"pairs": "diagonal"}),
    ],
)
def test_map_equals_a_loop(method: str, options: dict[str, Any]) -> None:
    from otcore import _core

    iterations, (k_x, k_y), (m_x, m_y), seed = 60, (3, 3), (5, 4), 9
    result = barycentric_map(
        X,
        Y,
        A,
        B,
        k=(k_x, k_y),
        m=(m_x, m_y),
        iterations=iterations,
        method=method,
        seed=seed,
        **options,
    )
    image, mass, values = np.zeros(X.shape), np.zeros(len(X)), []
    solve = bomb_ot if method == "bomb" else m_ot
    for t in range(iterations):
        batches = [
            _core.sample_batches(
                n, k, m, sampling="independent", labels=None, seed=seed, stream=2 * t + s, side=side
            )
            for s, (n, k, m, side) in enumerate(((40, k_x, m_x, "x"), (35, k_y, m_y, "y")))
        ]
        one = solve(X, Y, A, B, batches=batches, **options)
        values.append(one.value)
        image += one.plan @ Y
        mass += one.plan.sum(1)
    assert result.n_filled == 0
    assert mass.min() > 0
    np.testing.assert_allclose(result.map, image / mass[:, None], rtol=1e-12)
    np.testing.assert_allclose(result.mass, mass, rtol=1e-12)
    assert result.value == pytest.approx(np.mean(values), rel=1e-12)
    assert result.iterations == iterations
    assert result.status == ("converged" if "outer_reg" in options else "optimal")


def test_one_iteration_is_bomb_ot() -> None:
    one = bomb_ot(X, Y, k=2, m=5, seed=7)
    result = barycentric_map(X, Y, k=2, m=5, iterations=1, seed=7)
    assert result.value == one.value
    assert result.n_filled == np.count_nonzero(~one.drawn_x) > 0
    assert np.isfinite(result.map).all()
    assert (result.mass > 0).all()
    # The further pass draws x batches of 10 points in all, too.
    assert result.mass.sum() == pytest.approx(1 + np.ceil(result.n_filled / 10))


@pytest.mark.parametrize(
    ("sampling", "replacement"),
    [("independent", False), ("independent", True), ("disjoint", False)],
)
def test_map_reaches_every_point(sampling: str, replacement: bool) -> None:
    for m in (1, 3, 20):
        result = barycentric_map(
            X,
            Y,
            k=(1, 2) if m == 20 else 2,
            m=(m, 4),
            iterations=1,
            sampling=sampling,
            replacement=replacement,
            seed=0,
        )
        assert np.isfinite(result.map).all()
        assert (result.map >= Y.min(0)).all()
        assert (result.map <= Y.max(0)).all()


def test_map_of_a_partition_by_exact_ot() -> None:
    """With m = n every iteration is full OT, whose map is that of the exact plan."""
    result = barycentric_map(X, Y, A, B, k=2, m=(40, 35), iterations=3, seed=0)
    exact = otcore.solve_sample(X, Y, A, B).barycentric_map()
    np.testing.assert_allclose(result.map, exact, rtol=1e-12)


@pytest.mark.parametrize("n_threads", [2, 3, 5])
@pytest.mark.parametrize("method", ["bomb", "m"])
def test_map_is_bit_identical_for_any_threads(method: str, n_threads: int) -> None:
    one, other = (
        barycentric_map(X, Y, k=4, m=5, iterations=300, method=method, seed=1, n_threads=count)
        for count in (1, n_threads)
    )
    assert np.array_equal(one.map, other.map)
    assert np.array_equal(one.mass, other.mass)
    assert one.value == other.value


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_map_of_tensors(dtype: torch.dtype) -> None:
    x, y = torch.as_tensor(X).to(dtype), torch.as_tensor(Y).to(dtype)
    result = barycentric_map(x, y, k=3, m=4, iterations=30, seed=0)
    arrays = barycentric_map(x.numpy(), y.numpy(), k=3, m=4, iterations=30, seed=0)
    assert result.map.dtype == dtype
    assert np.array_equal(result.map.numpy(), arrays.map)
    assert result.mass.dtype == torch.float64
    assert repr(result) == (
        "BarycentricMap(40 points in 3 dimensions, iterations=30, "
        f"n_filled={result.n_filled}, status='optimal')"
    )


def test_map_tells_its_progress() -> None:
    reports: list[tuple[int, int]] = []
    barycentric_map(
        X, Y, k=2, m=3, iterations=50, progress=lambda *report: reports.append(report), seed=0
    )
    assert reports[-1] == (50, 50)


def test_interrupted_map_carries_what_was_done() -> None:
    def stop(done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(otcore.SolveInterrupted) as caught:
        barycentric_map(X, Y, k=2, m=3, iterations=10**9, progress=stop, seed=0)
    result = caught.value.result
    assert 0 < result.iterations < 10**9
    assert result.status == "interrupted"
    assert result.n_filled == 0
    assert np.array_equal(np.isnan(result.map[:, 0]), result.mass == 0)


def test_ctrl_c_stops_a_table() -> None:
    from test_threads import run_script

    printed = run_script("""
        import os, signal, threading
        import numpy as np, otcore

        x = np.random.default_rng(0).random((2000, 3))
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            otcore.minibatch.bomb_ot(x, x, k=2000, m=100, seed=0)
        except otcore.SolveInterrupted as stopped:
            result = stopped.result
            solved = np.isfinite(result.costs).mean()
            print(result.status, 0 < solved < 1, result.value)
    """)
    assert printed.strip() == "interrupted True nan"

"""Mini-batches with sliced inner problems, against a loop over `otcore.sliced`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import otcore
from minibatch_cases import COUPLINGS, RNG, A, Array, B, X, Y, to_numpy_or_float
from otcore.minibatch import barycentric_map, bomb_ot, m_ot
from otcore.sliced import sliced_wasserstein
from test_threads import run_script

DIRECTIONS = RNG.normal(size=(3, 21))
POWERS = [1, 1.5, 2, 2.7, 3]


def batches(k: Any, m: Any, seed: int = 0) -> tuple[Array, Array]:
    result = m_ot(X, Y, k=k, m=m, seed=seed)
    return np.asarray(result.batches_x), np.asarray(result.batches_y)


def loop(sides: tuple[Array, Array], a: Array | None, b: Array | None, p: float) -> Array:
    """The costs of all pairs, each by a call of its own."""
    return np.array(
        [
            [
                sliced_wasserstein(
                    X[i],
                    Y[j],
                    None if a is None else a[i] / a[i].sum(),
                    None if b is None else b[j] / b[j].sum(),
                    projections=DIRECTIONS,
                    p=p,
                ).value
                for j in sides[1]
            ]
            for i in sides[0]
        ]
    )


@pytest.mark.parametrize("p", POWERS)
@pytest.mark.parametrize("m", [5, 20, (7, 4), (1, 3)])
@pytest.mark.parametrize("weighted", ["", "a", "ab"])
def test_costs_are_those_of_a_loop(p: float, m: Any, weighted: str) -> None:
    sides = batches((6, 9), m)
    a, b = A if "a" in weighted else None, B if "b" in weighted else None
    arguments: Any = {"inner": "sliced", "inner_projections": DIRECTIONS, "inner_p": p}
    result = bomb_ot(X, Y, a, b, batches=sides, **arguments)
    costs = loop(sides, a, b, p)
    np.testing.assert_allclose(result.costs, costs, rtol=1e-13)
    assert result.value == pytest.approx(otcore.solve(costs).value, rel=1e-12)
    assert result.status == "optimal"
    assert (result.inner_gap, result.inner_error) == (0.0, 0.0)
    assert np.array_equal(result.projections, DIRECTIONS)
    assert result.distance == pytest.approx(result.value ** (1 / p))

    rooted = m_ot(X, Y, a, b, batches=sides, root=True, **arguments)
    np.testing.assert_allclose(rooted.costs, costs ** (1 / p), rtol=1e-13)
    assert rooted.value == pytest.approx(np.mean(costs ** (1 / p)), rel=1e-12)
    assert rooted.distance == rooted.value


@pytest.mark.parametrize("m", [35, (35, 30)])
def test_float32(m: Any) -> None:
    sides = batches(3, m)
    x, y = X.astype(np.float32), Y.astype(np.float32)
    result = m_ot(x, y, batches=sides, inner="sliced", inner_projections=DIRECTIONS)
    np.testing.assert_allclose(result.costs, loop(sides, None, None, 2), rtol=2e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("p", [1, 2])
def test_batches_that_are_too_long_for_a_network(dtype: Any, p: int) -> None:
    n = 40_000  # sorted row by row at every level
    rng = np.random.default_rng(3)
    x, y = rng.random((2, n, 1)).astype(dtype)
    order = np.arange(n).reshape(1, -1)
    result = m_ot(
        x, y, batches=(order, order), inner="sliced", inner_projections=[[1.0]], inner_p=p
    )
    expected = otcore.oned.wasserstein(x[:, 0], y[:, 0], p=p)
    assert result.value == pytest.approx(expected, rel=1e-6 if dtype == np.float32 else 1e-12)


def test_diagonal_pairs() -> None:
    sides = batches(70, 6)
    result = m_ot(
        X, Y, batches=sides, pairs="diagonal", inner="sliced", inner_projections=DIRECTIONS
    )
    np.testing.assert_allclose(result.costs, np.diag(loop(sides, None, None, 2)), rtol=1e-13)
    weighted = m_ot(
        X, Y, A, batches=sides, pairs="diagonal", inner="sliced", inner_projections=DIRECTIONS
    )
    np.testing.assert_allclose(weighted.costs, np.diag(loop(sides, A, None, 2)), rtol=1e-13)


def test_couplings_are_ordered_and_a_set_with_itself_costs_nothing() -> None:
    options: Any = {"k": 8, "m": 10, "inner": "sliced", "seed": 4}
    values = [COUPLINGS[name](X, Y, **options).value for name in ("bomb", "ebomb", "m")]
    assert values[0] < values[1] < values[2]
    sides = batches(5, 8)[0], batches(5, 8)[0]
    for p in POWERS:
        assert bomb_ot(X, X, batches=sides, inner="sliced", inner_p=p).value == 0.0
        assert m_ot(X, X, batches=sides, inner="sliced", inner_p=p).value > 0.0


@pytest.mark.parametrize("name", COUPLINGS)
@pytest.mark.parametrize("m", [9, (9, 8)])
@pytest.mark.parametrize("weighted", [False, True])
def test_any_threads_give_the_same_bits(name: str, m: Any, weighted: bool) -> None:
    def solve(n_threads: int) -> list[Array]:
        x, y, a, b = (torch.tensor(part, requires_grad=True) for part in (X, Y, A, B))
        weights = (a, b) if weighted else ()
        result = COUPLINGS[name](
            x, y, *weights, k=11, m=m, seed=3, inner="sliced", n_threads=n_threads
        )
        result.value.backward()
        grads = [to_numpy_or_float(leaf, "grad") for leaf in (x, y, *weights)]
        return [to_numpy_or_float(result, part) for part in ("costs", "coupling")] + grads

    first = solve(1)
    for n_threads in (2, 5):
        for one, other in zip(first, solve(n_threads), strict=True):
            assert np.array_equal(one, other)


def test_directions_have_a_stream_of_their_own() -> None:
    options: Any = {"k": 4, "m": 5, "inner": "sliced", "seed": 8}
    first = bomb_ot(X, Y, **options)
    assert first.projections.shape == (3, 50)
    np.testing.assert_allclose(np.linalg.norm(first.projections, axis=0), 1.0)
    assert np.array_equal(first.batches_x, m_ot(X, Y, k=4, m=5, seed=8).batches_x)
    more = bomb_ot(X, Y, inner_projections=70, **options)
    assert np.array_equal(more.projections[:, :50], first.projections)
    drawn = sliced_wasserstein(X, Y, seed=8).projections
    assert not np.array_equal(first.projections, drawn)
    # With given batches, the seed is that of the directions alone.
    given = bomb_ot(X, Y, batches=batches(4, 5, 8), inner="sliced", seed=8)
    assert given.value == first.value
    generator = np.random.default_rng(2), np.random.default_rng(2)
    options["seed"] = generator[0]
    assert bomb_ot(X, Y, **options).value == bomb_ot(X, Y, **options | {"seed": generator[1]}).value


def leaves(weighted: bool) -> list[torch.Tensor]:
    parts = (X[:12], Y[:11], A[:12], B[:11]) if weighted else (X[:12], Y[:11])
    return [
        torch.tensor(part + (0.1 if part.ndim == 1 else 0.0), requires_grad=True) for part in parts
    ]


@pytest.mark.parametrize("root", [False, True])
@pytest.mark.parametrize("p", POWERS)
@pytest.mark.parametrize("name", COUPLINGS)
@pytest.mark.parametrize("weighted", [False, True])
def test_gradcheck(name: str, p: float, root: bool, weighted: bool) -> None:
    def value(*tensors: torch.Tensor) -> torch.Tensor:
        return COUPLINGS[
            name
        ](  # type: ignore[no-any-return]
            *tensors,
            k=3,
            m=(4, 5) if weighted else 4,
            seed=5,
            inner="sliced",
            inner_projections=torch.tensor(DIRECTIONS[:, :4]),
            inner_p=p,
            root=root,
        ).value

    assert torch.autograd.gradcheck(value, leaves(weighted))


@pytest.mark.parametrize("p", POWERS)
def test_gradient_is_that_of_the_pairs(p: float) -> None:
    sides = batches(6, 7)
    directions = torch.tensor(DIRECTIONS)
    x, y, a, b = (torch.tensor(part, requires_grad=True) for part in (X, Y, A + 0.1, B + 0.1))
    result = bomb_ot(
        x, y, a, b, batches=sides, inner="sliced", inner_projections=directions, inner_p=p
    )
    grads = torch.autograd.grad(result.value, (x, y, a, b))
    loss: Any = 0.0
    for i, j in zip(*np.nonzero(result.coupling.detach().numpy()), strict=True):
        rows, cols = sides[0][i], sides[1][j]
        cost = sliced_wasserstein(
            x[rows],
            y[cols],
            a[rows] / a[rows].sum(),
            b[cols] / b[cols].sum(),
            projections=directions,
            p=p,
        ).value
        loss = loss + result.coupling.detach()[i, j] * cost
    for one, other in zip(grads, torch.autograd.grad(loss, (x, y, a, b)), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", COUPLINGS)
@pytest.mark.parametrize(("p", "tolerance"), [(1, 2e-2), (2, 1e-5)])
def test_float32_gradients_have_the_accuracy_of_their_points(
    name: str, p: float, tolerance: float
) -> None:
    """Slopes and short sums are float32 there. For p = 1 they jump where points meet."""
    sides = batches(9, 20)
    grads = []
    for dtype in (torch.float32, torch.float64):
        x, y = (torch.tensor(part, dtype=dtype, requires_grad=True) for part in (X, Y))
        directions = torch.tensor(np.random.default_rng(5).normal(size=(3, 300)), dtype=dtype)
        result = COUPLINGS[name](
            x, y, batches=sides, inner="sliced", inner_projections=directions, inner_p=p
        )
        (1e-3 * result.value).backward()
        assert x.grad is not None
        assert y.grad is not None
        assert x.grad.dtype == dtype
        grads.append((x.grad.double(), y.grad.double()))
    for one, other in zip(*grads, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=tolerance * float(other.abs().max()))


def test_an_unknown_factor_makes_an_unknown_gradient() -> None:
    x = torch.tensor(X, requires_grad=True)
    result = bomb_ot(x, torch.tensor(Y), k=3, m=4, inner="sliced", seed=0)
    (result.value * torch.nan).backward()
    drawn = np.unique(result.batches_x)
    assert x.grad is not None
    assert x.grad[drawn].isnan().all()


def test_there_is_no_plan() -> None:
    result = bomb_ot(X, Y, k=3, m=4, inner="sliced", seed=0)
    for name in ("sparse_plan", "plan", "marginal_a", "marginals", "drawn_x"):
        with pytest.raises(AttributeError, match="inner='sliced' couples projections, not points"):
            getattr(result, name)
    with pytest.raises(AttributeError, match="there is no plan"):
        result.barycentric_map()
    with pytest.raises(ValueError, match="inner: 'sliced', which has no plan to map by"):
        barycentric_map(X, Y, k=3, m=4, iterations=2, inner="sliced")
    assert bomb_ot(X, Y, k=3, m=4, seed=0).projections is None


BAD: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"metric": "euclidean"}, ValueError, "metric: 'euclidean', expected 'sqeuclidean' with inner"),
    ({"inner_p": 0.5}, ValueError, "inner_p: 0.5, expected a finite number >= 1"),
    ({"inner_p": "2"}, TypeError, "inner_p: str, expected a number"),
    ({"inner_projections": 0}, ValueError, "inner_projections: 0, expected an integer from 1"),
    ({"inner_projections": True}, TypeError, "inner_projections: bool, expected an integer"),
    ({"inner_projections": DIRECTIONS.T}, ValueError, r"inner_projections: shape \(21, 3\), expec"),
    ({"inner_projections": DIRECTIONS * np.nan}, ValueError, r"inner_projections\[0, 0\] is nan"),
    ({"inner_projections": torch.tensor(DIRECTIONS)}, TypeError, "inner_projections is a torch"),
    ({"inner_reg": 1.0}, ValueError, "inner_reg: 1.0, expected None with inner='sliced'"),
    ({"inner_tol": 1.0}, ValueError, "inner_tol: 1.0, expected None with inner='sliced'"),
    ({"inner_value": "linear"}, ValueError, "inner_value: 'linear', expected 'objective' with"),
    ({"inner": "exact", "inner_p": 2}, ValueError, "inner_p: 2, expected None with inner='exact'"),
    ({"inner": "exact", "inner_projections": 9}, ValueError, "inner_projections: given, expected"),
    ({"X": X * 1e200}, ValueError, "X, Y, inner_projections: the projections or their costs over"),
    ({"X": X * 1e200, "m": (4, 3)}, ValueError, "X, Y, inner_projections: the projections or"),
    ({"X": X * np.nan}, ValueError, r"X\[\d+, 0\] is nan, expected finite"),
    ({"a": -A}, ValueError, r"a\[\d+\] is -0\.\d+, expected finite weights, not negative"),
]


@pytest.mark.parametrize(("changes", "error", "message"), BAD)
def test_bad_input(changes: dict[str, Any], error: type[Exception], message: str) -> None:
    arguments = {"X": X, "Y": Y, "k": 3, "m": 4, "inner": "sliced"} | changes
    for call in (m_ot, bomb_ot):
        with pytest.raises(error, match=message):
            call(**arguments)


def test_directions_that_require_a_gradient_are_refused() -> None:
    directions = torch.tensor(DIRECTIONS, requires_grad=True)
    with pytest.raises(ValueError, match="inner_projections: requires a gradient"):
        bomb_ot(
            torch.tensor(X),
            torch.tensor(Y),
            k=3,
            m=4,
            inner="sliced",
            inner_projections=directions,
        )


def test_ctrl_c_stops_a_table() -> None:
    printed = run_script("""
        import os, signal, threading
        import numpy as np, otcore

        x = np.random.default_rng(0).random((2000, 3))
        for m in (100, (100, 90)):
            threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
            try:
                otcore.minibatch.bomb_ot(
                    x, x, k=1000, m=m, inner="sliced", inner_projections=10**5, seed=0
                )
            except otcore.SolveInterrupted as stopped:
                print(stopped.result.status, stopped.result.value, stopped.result.costs[0, 0])
    """)
    assert printed.split() == ["interrupted", "nan", "nan"] * 2


SCRIPT = """
import numpy as np
from otcore.minibatch import m_ot
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(2, 300, 4))
for dtype in (np.float32, np.float64):
    for p in (1, 1.5, 2):
        for m in (9, 100, (100, 60)):
            result = m_ot(X.astype(dtype), Y.astype(dtype), k=5, m=m, seed=0, inner="sliced",
                          inner_p=p)
            print(*result.costs.ravel().tolist())
"""


def test_levels_agree() -> None:
    costs = []
    for isa in otcore.info()["isa_supported"]:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            cwd=Path(__file__).parent,
            env={**os.environ, "OTCORE_ISA": isa},
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        costs.append(
            np.array([list(map(float, line.split())) for line in done.stdout.splitlines()])
        )
    for other in costs[1:]:
        np.testing.assert_allclose(other[:9], costs[0][:9], rtol=1e-5)
        np.testing.assert_allclose(other[9:], costs[0][9:], rtol=1e-12)

"""Calls of the entropic room: which arguments go together, warm starts, early ends."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import torch

import otcore
from entropic_cases import EACH_KIND, A, B, M, X, Y


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"reg": 0.0}, ValueError, r"^reg: 0\.0, expected a positive"),
        ({"reg": -1.0}, ValueError, r"^reg: "),
        ({"reg": math.nan}, ValueError, r"^reg: nan"),
        ({"reg": math.inf}, ValueError, r"^reg: inf"),
        ({"reg": "1"}, TypeError, r"^reg: str"),
        ({"reg": True}, TypeError, r"^reg: bool"),
        ({"reg": 0.1, "method": "exact"}, ValueError, r"^reg: 0\.1, expected None"),
        ({"reg": 0.1, "method": "sinkhorn2"}, ValueError, r"^method: 'sinkhorn2'"),
        ({"method": "sinkhorn"}, ValueError, r"^reg: None, expected .*sinkhorn"),
        ({"unbalanced": 1.0}, ValueError, r"^reg: None, expected .*unbalanced"),
        ({"unbalanced": 1.0, "method": "exact"}, ValueError, r"^unbalanced: 1\.0"),
        ({"unbalanced": 1.0, "method": "ipot"}, ValueError, r"^unbalanced: 1\.0"),
        ({"reg": 0.1, "unbalanced": 0.0}, ValueError, r"^unbalanced: 0"),
        ({"reg": 0.1, "unbalanced": -1.0}, ValueError, r"^unbalanced: -1"),
        ({"reg": 0.1, "unbalanced": math.nan}, ValueError, r"^unbalanced: nan"),
        ({"reg": 0.1, "unbalanced": (1.0, 0.0)}, ValueError, r"^unbalanced: 0"),
        ({"reg": 0.1, "unbalanced": (1.0, 1.0, 1.0)}, ValueError, r"^unbalanced: 3 numbers"),
        ({"reg": 0.1, "unbalanced": "kl"}, (TypeError, ValueError), r"^unbalanced: "),
        ({"reg": 0.1, "unbalanced_type": "l2"}, ValueError, r"^unbalanced_type: 'l2'"),
        ({"tol": 1e-3}, ValueError, r"^tol: 0\.001, expected None"),
        ({"reg": 0.1, "tol": -1.0}, ValueError, r"^tol: -1"),
        ({"reg": 0.1, "tol": math.nan}, ValueError, r"^tol: nan"),
        ({"reg": 0.1, "inner_iter": 2}, ValueError, r"^inner_iter: 2, expected 1"),
        ({"method": "ipot", "inner_iter": 0}, ValueError, r"^inner_iter: 0"),
        ({"method": "ipot", "inner_iter": 1.5}, TypeError, r"^inner_iter: float"),
        ({"method": "ipot", "scheme": "plain"}, ValueError, r"^scheme: 'plain'"),
        ({"scheme": "plain"}, ValueError, r"^scheme: 'plain'"),
        ({"reg": 0.1, "scheme": "fast"}, ValueError, r"^scheme: 'fast'"),
    ],
    ids=repr,
)
def test_arguments_without_meaning(
    arguments: dict[str, Any], error: type[Exception], text: str
) -> None:
    for call in (
        lambda: otcore.solve(M, **arguments),
        lambda: otcore.solve_sample(X, Y, **arguments),
        lambda: otcore.solve_batch(M[None], **arguments),
        lambda: otcore.solve_sample_batch(X[None], Y[None], **arguments),
    ):
        with pytest.raises(error, match=text):
            call()


def test_other_arguments_without_meaning() -> None:
    with pytest.raises(ValueError, match=r"^M: a sparse matrix"):
        otcore.solve(scipy.sparse.csr_array(M), reg=0.1)
    with pytest.raises(ValueError, match=r"^potentials_init: .*ipot"):
        otcore.solve(M, method="ipot", potentials_init=otcore.solve(M))


@EACH_KIND
def test_bad_data(kind: dict[str, Any]) -> None:
    bad = M.copy()
    bad[2, 3] = np.nan
    with pytest.raises(ValueError, match=r"^M: M\[2, 3\] is nan"):
        otcore.solve(bad, **kind)
    with pytest.raises(ValueError, match=r"^M: M\[1, 2, 3\] is nan"):
        otcore.solve_batch(np.stack([M, bad]), **kind)
    far = X.copy()
    far[4, 1] = np.inf
    with pytest.raises(ValueError, match=r"^X: X\[4, 1\] is inf"):
        otcore.solve_sample(far, Y, **kind)
    with pytest.raises(ValueError, match=r"^Y: "):
        otcore.solve_sample(X, np.where(Y[0, 0] == Y, np.nan, Y), **kind)
    with pytest.raises(ValueError, match=r"overflows"):
        otcore.solve_sample(1e30 * X.astype(np.float32), Y.astype(np.float32), **kind)
    with pytest.raises(ValueError, match=r"zero vector"):
        otcore.solve_sample(np.zeros((3, 2)), np.ones((4, 2)), metric="cosine", **kind)
    negative = A.copy()
    negative[1] = -0.1
    with pytest.raises(ValueError, match=r"^a: a\[1\] is -0\.1"):
        otcore.solve(M, negative, **kind)
    with pytest.raises(ValueError, match=r"^b: "):
        otcore.solve(M, None, np.zeros(5), **kind)
    if "unbalanced" not in kind:
        with pytest.raises(ValueError, match=r"^a, b: .*differ"):
            otcore.solve(M, A, 2 * B, **kind)


def test_infinite_rho_is_balanced() -> None:
    expected = otcore.solve(M, A, B, reg=0.1)
    result = otcore.solve(M, A, B, reg=0.1, unbalanced=math.inf)
    assert result.value == expected.value
    assert result.gap == expected.gap
    assert otcore.solve(M, unbalanced=math.inf).status == "optimal"


def test_auto_takes_sinkhorn_where_there_is_reg() -> None:
    assert otcore.solve(M).status == "optimal"
    auto, named = otcore.solve(M, reg=0.1), otcore.solve(M, reg=0.1, method="sinkhorn")
    assert auto.status == "converged"
    assert auto.value == named.value


def test_starting_from_a_similar_problem() -> None:
    rng = np.random.default_rng(51)
    x, y = rng.random((2, 80, 2))
    first = otcore.solve_sample(x, y, reg=0.005)
    cold = otcore.solve_sample(x + 1e-4, y, reg=0.005)
    for start in (first, first.potentials, tuple(map(torch.as_tensor, first.potentials))):
        warm = otcore.solve_sample(x + 1e-4, y, reg=0.005, potentials_init=start)
        assert warm.n_iter < cold.n_iter
        assert warm.value == pytest.approx(cold.value, abs=1e-5)


def test_the_warning_states_error_and_tolerance() -> None:
    rng = np.random.default_rng(55)
    costs = rng.random((3, 30, 30))
    with pytest.warns(
        otcore.ConvergenceWarning,
        match=r"stopped \(max_iter\) after 3 .* error of [\d.e-]+ \(tolerance 1e-09\)",
    ) as caught:
        result = otcore.solve(costs[0], reg=0.01, max_iter=3, tol=1e-9)
    assert caught[0].filename == __file__
    assert result.status == "max_iter"
    assert result.marginal_error > 1e-9
    with pytest.warns(otcore.ConvergenceWarning, match=r"3 of 3 problems .*max_iter.* up to"):
        otcore.solve_batch(costs, reg=0.01, max_iter=3)
    with pytest.warns(otcore.ConvergenceWarning) as caught:
        otcore.entropic.self_transport(costs[0], reg=1e-3, max_iter=1)
    assert caught[0].filename == __file__


def test_a_tolerance_below_rounding_stalls() -> None:
    rng = np.random.default_rng(56)
    x, y = rng.random((2, 60, 2)).astype(np.float32)
    with pytest.warns(otcore.ConvergenceWarning, match="stalled"):
        result = otcore.solve_sample(x, y, reg=0.01, tol=1e-12)
    assert result.status == "stalled"
    assert result.marginal_error < 1e-3


def test_time_limit_and_interrupt() -> None:
    rng = np.random.default_rng(57)
    x, y = rng.random((2, 1500, 2))
    with pytest.warns(otcore.ConvergenceWarning, match="time_limit"):
        late = otcore.solve_sample(x, y, reg=1e-6, time_limit=0.05)
    assert late.status == "time_limit"
    assert np.isfinite(late.value)

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(otcore.SolveInterrupted) as caught:
        otcore.solve_sample(x, y, reg=1e-6, progress=stop)
    assert caught.value.result.status == "interrupted"
    assert np.isfinite(caught.value.result.marginal_error)

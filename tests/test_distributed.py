"""Several ranks: that they find what one process finds, and that none is left waiting.

All jobs are in ranks_job.py, which runs them in one go.
"""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from otcore._ranks import balanced

Outcomes: TypeAlias = dict[str, list[dict[str, Any] | None]]

SCRIPT = Path(__file__).with_name("ranks_job.py")
LOADS = [[1] * 8, [1] * 5, [4, 1, 1, 1, 1], [3.0], [0.0, 0.0, 2.0, 0.0]]
OTHERS = "others on rank 1 than on rank 0, expected the same on all ranks"


@pytest.fixture(scope="module")
def outcomes() -> Outcomes:
    """Of each job, what each rank came to; None for a process that was killed."""
    done = subprocess.run(
        [sys.executable, SCRIPT], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


@pytest.mark.parametrize("loads", LOADS)
@pytest.mark.parametrize("parts", [1, 2, 3, 7])
def test_runs_are_balanced(loads: list[float], parts: int) -> None:
    bounds = balanced(loads, parts)
    assert (bounds[0], bounds[-1], len(bounds)) == (0, len(loads), parts + 1)
    sums = [sum(loads[start:stop]) for start, stop in pairwise(bounds)]
    assert max(sums) <= sum(loads) / parts + max(loads)


@pytest.mark.parametrize(
    "job",
    [
        "same_values",
        "same_passes",
        "rank_zero_draws",
        "read_from_disk",
        "same_gradients",
        "same_gradients_of_wrapped",
        "learned_loss",
        "dropout",
        "bad_arguments",
    ],
)
def test_ranks_agree_with_one_process(outcomes: Outcomes, job: str) -> None:
    for outcome in outcomes[job]:
        assert outcome is not None
        assert not outcome["error"], outcome["trace"]


@pytest.mark.parametrize(
    ("job", "errors"),
    [
        ("other_batches", [f"ValueError: batches, k, m, seed: {OTHERS}"] * 2),
        ("other_noise", [f"ValueError: batches: {OTHERS}"] * 2),
        (
            "bad_row",
            [
                "RankError: rank 1 of 2 has failed: ValueError: Y: Y[3, 0] is nan, expected finite "
                "numbers",
                "ValueError: Y: Y[3, 0] is nan, expected finite numbers",
            ],
        ),
        (
            "forward_raises",
            [
                "RankError: rank 1 of 2 has failed: FloatingPointError: no batch today",
                "FloatingPointError: no batch today",
            ],
        ),
        (
            "raises_between",
            [
                "RankError: rank 1 of 2 has failed: FloatingPointError: no data today",
                "FloatingPointError: no data today",
            ],
        ),
        ("late", ["RankError: another rank has ended, or did not answer within 1 s"] * 2),
    ],
)
def test_an_error_ends_all_ranks(outcomes: Outcomes, job: str, errors: list[str]) -> None:
    assert [outcome and outcome["error"] for outcome in outcomes[job]] == errors


@pytest.mark.parametrize("job", ["killed", "killed_while_summing"])
def test_a_killed_rank_ends_the_other(outcomes: Outcomes, job: str) -> None:
    survivor, killed = outcomes[job]
    assert killed is None
    assert survivor is not None
    assert survivor["error"] == "RankError: another rank has ended, or did not answer within 20 s"
    assert survivor["seconds"] < 10  # noticed, not waited for

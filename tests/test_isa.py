"""Every instruction set level gives the same answers up to rounding."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import otcore
from catalogue import LARGE, METRICS, SMALL
from checks import same_value
from problems import reference_costs

SCRIPT = """
import json, sys
import numpy as np
import otcore
from checks import check_problem
from catalogue import LARGE, METRICS, SMALL

values = {}
for problem in SMALL + LARGE:
    if problem.M is not None:
        result = otcore.solve(problem.M, problem.a, problem.b)
    else:
        result = otcore.solve_sample(
            problem.X, problem.Y, problem.a, problem.b, metric=problem.metric
        )
    check_problem(result, problem)
    values[problem.name] = result.value
rng = np.random.default_rng(0)
M = rng.random((50, 20, 20))
batch = otcore.solve_batch(M)
X, Y = rng.normal(size=(37, 11)), rng.normal(size=(29, 11))
costs = {str(metric): otcore.cost.cost_matrix(X, Y, metric=metric).tolist() for metric in METRICS}
json.dump({"isa": otcore.info()["isa"], "values": values, "batch": batch.value.tolist(),
           "costs": costs}, sys.stdout)
"""


def run(script: str, isa: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=Path(__file__).parent,
        env={**os.environ, "OTCORE_ISA": isa},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_levels_agree() -> None:
    """In a process per level: every catalogue problem passes the checker, and values agree."""
    outputs = {}
    for isa in otcore.info()["isa_supported"]:
        done = run(SCRIPT, isa)
        assert done.returncode == 0, f"{isa}: {done.stderr}"
        outputs[isa] = json.loads(done.stdout)
        assert outputs[isa]["isa"] == isa
    first, *others = outputs.values()
    rng = np.random.default_rng(0)
    M = rng.random((50, 20, 20))
    X, Y = rng.normal(size=(37, 11)), rng.normal(size=(29, 11))
    for other in others:
        for problem in SMALL + LARGE:
            left, right = first["values"][problem.name], other["values"][problem.name]
            assert same_value(left, right, problem.costs(), float(problem.weights()[0].sum()))
        for left, right, costs in zip(first["batch"], other["batch"], M, strict=True):
            assert same_value(left, right, costs, 1.0)
        for metric in METRICS:
            np.testing.assert_allclose(
                first["costs"][str(metric)], other["costs"][str(metric)], rtol=1e-13
            )
            np.testing.assert_allclose(
                first["costs"][str(metric)], reference_costs(X, Y, metric), rtol=1e-13
            )


def test_levels_are_listed() -> None:
    info = otcore.info()
    assert info["isa"] in info["isa_supported"]
    assert set(info["isa_supported"]) <= set(info["isa_compiled"])
    assert info["isa_supported"][0] in ("baseline", "neon")


@pytest.mark.parametrize("isa", ["sse9", "AVX2!", " "])
def test_unknown_level(isa: str) -> None:
    done = run("import otcore; print(otcore.solve([[0.0]]).value)", isa)
    assert done.returncode != 0
    assert "OTCORE_ISA" in done.stderr
    assert isa in done.stderr
    assert otcore.info()["isa_supported"][0] in done.stderr  # names what it could be


def test_default_is_the_highest_level() -> None:
    done = run(
        "import os; del os.environ['OTCORE_ISA']\nimport otcore; print(otcore.info()['isa'])", ""
    )
    assert done.stdout.strip() == otcore.info()["isa_supported"][-1]

"""The examples run with small sizes and end in a picture; those that can do without torch."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeAlias

import pytest
from PIL import Image

Run: TypeAlias = tuple[list[str], Path]

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
RUN = (
    "import runpy, sys; del sys.argv[0]; runpy.run_path(sys.argv[0], run_name='__main__'); "
    "assert ('torch' in sys.modules) == {needs_torch}, 'torch was imported'"
)
SMALL = {
    "color_transfer": ["--colors", "60", "--iterations", "20"],
    "minibatch_plans": [],
    "train_generator": ["-k", "2", "-m", "30", "--iterations", "40"],
}
NEED_TORCH = {"train_generator"}


@pytest.fixture(scope="module")
def run_example(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Run]:
    """Runs an example, once for all tests: the lines that it prints, and its picture."""

    @cache
    def run(name: str) -> Run:
        picture = tmp_path_factory.mktemp(name) / "new" / "picture.png"
        code = RUN.format(needs_torch=name in NEED_TORCH)
        script = [sys.executable, "-W", "error", "-c", code, EXAMPLES / f"{name}.py"]
        done = subprocess.run(
            [*script, "--output", picture, *SMALL[name]],
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return done.stdout.splitlines(), picture

    return run


def test_every_example_is_here() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(SMALL)


@pytest.mark.parametrize("name", SMALL)
def test_a_picture_of_more_than_one_colour(name: str, run_example: Callable[[str], Run]) -> None:
    lines, picture = run_example(name)
    assert lines[-1] == f"picture: {picture}"
    with Image.open(picture) as image:
        assert min(image.size) > 800
        assert len(image.convert("RGB").resize((64, 64)).getcolors(64 * 64)) > 100


def test_the_table_of_colour_transfer(run_example: Callable[[str], Run]) -> None:
    (head, *rows, _), _ = run_example("color_transfer")
    columns = ["method", "seconds", "iterations/s", "W2", "before", "W2", "after", "filled"]
    assert head.split() == columns
    after = {row[:10].strip(): float(row.split()[-2]) for row in rows}
    before = {float(row.split()[-3]) for row in rows}
    assert set(after) == {"Exact OT", "m-OT", "BoMb-OT"}
    assert len(before) == 1
    assert after["Exact OT"] == 0.0
    assert after["BoMb-OT"] < after["m-OT"] < 0.9 * before.pop()


def test_the_table_of_plans(run_example: Callable[[str], Run]) -> None:
    (_, *rows, _), _ = run_example("minibatch_plans")
    cells = [row.rsplit(maxsplit=3) for row in rows]
    error = {(setting, method): float(error) for setting, method, _, error in cells}
    settings = {setting for setting, _ in error}
    assert len(settings) == 4
    for setting in settings:
        assert error[setting, "BoMb-OT"] < error[setting, "m-OT"]


def test_the_distance_of_the_generator_falls(run_example: Callable[[str], Run]) -> None:
    (speed, distances, _), _ = run_example("train_generator")
    assert re.fullmatch(r"\d+\.\d iterations/s", speed)
    before, after = map(float, re.findall(r"\d+\.\d{3}", distances))
    assert after < 0.8 * before


def test_several_processes_train_together(tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    script = [EXAMPLES / "train_generator.py", "--output", picture]
    done = subprocess.run(
        [*torchrun, "--nproc-per-node", "2", *script, "-k", "2", "-m", "30", "--iterations", "10"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    speed, distances, last = done.stdout.splitlines()  # of one process
    assert "iterations/s" in speed
    before, after = map(float, re.findall(r"\d+\.\d{3}", distances))
    assert after < before
    assert last == f"picture: {picture}"
    assert picture.stat().st_size > 10_000

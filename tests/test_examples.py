"""The examples run, with small sizes, end in a picture and a table, and do not need torch."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
RUN = (
    "import runpy, sys; del sys.argv[0]; runpy.run_path(sys.argv[0], run_name='__main__'); "
    "assert 'torch' not in sys.modules, 'torch was imported'"
)
SMALL = {
    "color_transfer": ["--colors", "60", "--iterations", "20"],
    "minibatch_plans": [],
}


def run_example(name: str, picture: Path) -> list[str]:
    """The lines that an example prints."""
    script = EXAMPLES / f"{name}.py"
    command = [sys.executable, "-W", "error", "-c", RUN, script, "--output", picture]
    done = subprocess.run(
        [*command, *SMALL[name]], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_every_example_is_here() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(SMALL)


@pytest.mark.parametrize("name", SMALL)
def test_a_picture_of_more_than_one_colour(name: str, tmp_path: Path) -> None:
    picture = tmp_path / "new" / "picture.png"
    assert run_example(name, picture)[-1] == f"picture: {picture}"
    with Image.open(picture) as image:
        assert min(image.size) > 800
        assert len(image.convert("RGB").resize((64, 64)).getcolors(64 * 64)) > 100


def test_the_table_of_colour_transfer(tmp_path: Path) -> None:
    head, *rows, _ = run_example("color_transfer", tmp_path / "picture.png")
    columns = ["method", "seconds", "iterations/s", "W2", "before", "W2", "after", "filled"]
    assert head.split() == columns
    after = {row[:10].strip(): float(row.split()[-2]) for row in rows}
    before = {float(row.split()[-3]) for row in rows}
    assert set(after) == {"Exact OT", "m-OT", "BoMb-OT"}
    assert len(before) == 1
    assert after["Exact OT"] == 0.0
    assert after["BoMb-OT"] < after["m-OT"] < 0.9 * before.pop()


def test_the_table_of_plans(tmp_path: Path) -> None:
    _, *rows, _ = run_example("minibatch_plans", tmp_path / "picture.png")
    cells = [row.rsplit(maxsplit=3) for row in rows]
    error = {(setting, method): float(error) for setting, method, _, error in cells}
    settings = {setting for setting, _ in error}
    assert len(settings) == 4
    for setting in settings:
        assert error[setting, "BoMb-OT"] < error[setting, "m-OT"]

"""The scripts on the pyramid paper run, with small sizes, and end in a picture and tables."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from shared_data import load

SCRIPTS = Path(__file__).resolve().parents[1] / "bench" / "papers"
SMALL = {
    "flow": "--points 200 --centres 10 --batches 10 50 --until 2 --step 0.2",
    "dotmark": "--images 2 --side 32 --until 0.5 --alignments 1",
    "labels": "--points 200 --passes 1",
    "bomb": "--points 300 --dimensions 2 --outer-points 200 --m 20 --near 3",
}
DATA = {"dotmark": ("dotmark", "ClassicImages_32"), "labels": ("office", "amazon_y")}


def run(name: str, picture: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    script = SCRIPTS / f"pyramid_{name}.py"
    command = [sys.executable, "-W", "error", script, "-o", picture, *SMALL[name].split()]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=os.environ | environment,
    )


def tables(printed: str) -> list[list[str]]:
    """The cells of all rows."""
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in printed.splitlines()
        if line.startswith("| ")
    ]


def test_every_script_is_here() -> None:
    scripts = {path.stem.removeprefix("pyramid_") for path in SCRIPTS.glob("pyramid_*.py")}
    assert scripts == {*SMALL, "common"}


@pytest.mark.parametrize("name", SMALL)
def test_tables_and_a_picture(name: str, tmp_path: Path) -> None:
    if name in DATA:
        load(*DATA[name])
    picture = tmp_path / "new" / "picture.png"
    done = run(name, picture)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == f"picture: {picture}"
    assert {"random", "joint"} <= {cell for row in tables(done.stdout) for cell in row}
    with Image.open(picture) as image:
        assert min(image.size) > 400
        assert len(image.convert("RGB").resize((64, 64)).getcolors(64 * 64)) > 20


def test_pyramid_flows_leave_less(tmp_path: Path) -> None:
    head, _, *rows = tables(run("flow", tmp_path / "picture.png").stdout)
    assert head == ["centres", "method", "m = 10 (paper)", "m = 50 (paper)"]
    left = {row[1]: [float(cell.split()[0]) for cell in row[2:]] for row in rows[:3]}
    for method in ("interleaving", "joint"):
        assert all(ours < theirs for ours, theirs in zip(left[method], left["random"], strict=True))


@pytest.mark.parametrize("name", DATA)
def test_absent_data_are_named(name: str, tmp_path: Path) -> None:
    done = run(name, tmp_path / "picture.png", OTCORE_SHARED_DATA=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.startswith(f"data not present: {tmp_path}")

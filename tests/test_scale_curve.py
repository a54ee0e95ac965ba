"""The script that draws how exact transport grows runs, and ends in a table and a picture."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

pytest.importorskip("threadpoolctl")

SCRIPT = Path(__file__).resolve().parents[1] / "bench" / "scale_curve.py"


def test_a_small_curve(tmp_path: Path) -> None:
    picture = tmp_path / "pictures" / "curve.png"
    options = ["--largest", "2000", "--dimensions", "2", "5", "--check", "-o", str(picture)]
    done = subprocess.run(
        [sys.executable, "-W", "error", str(SCRIPT), *options],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    rows = [line.strip("| ").split(" | ") for line in done.stdout.splitlines() if "|" in line]
    assert [row[0] for row in rows] == ["n = m", "---", "1000", "2000", "exponent"]
    assert rows[0][1:] == ["d = 2", "d = 5"]
    for cell in (*rows[2][1:], *rows[3][1:]):
        assert re.fullmatch(r"\d+\.?\d*(e-\d+)? s, (\d+ MB|\?)", cell)
    with Image.open(picture) as image:
        assert image.width > 600

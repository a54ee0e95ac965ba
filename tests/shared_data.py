"""The one way to real data that is not part of the project: a folder next to the checkout.

``OTCORE_SHARED_DATA`` names another folder. Tests that need a file that is not there are skipped.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

FOLDER = Path(
    os.environ.get("OTCORE_SHARED_DATA", Path(__file__).resolve().parents[2] / "shared" / "data")
)


def load(name: str, *keys: str) -> list[NDArray[Any]]:
    """The named arrays of FOLDER/name.npz; skips the calling test where the file is absent."""
    path = FOLDER / f"{name}.npz"
    if not path.is_file():
        pytest.skip(f"real data not present: {path}")
    with np.load(path) as arrays:
        return [arrays[key] for key in keys]

"""Real data, where they are at hand: archives in a folder beside the checkout, or in another."""

from __future__ import annotations

import os
from pathlib import Path


def archive(name: str) -> Path | None:
    """The file `name`.npz of the folder, which OTCORE_SHARED_DATA may name; None without it."""
    folder = os.environ.get("OTCORE_SHARED_DATA")
    root = Path(folder) if folder else Path(__file__).resolve().parents[3] / "shared" / "data"
    path = root / f"{name}.npz"
    return path if path.exists() else None

"""How Hypothesis runs: repeatably by default; ``HYPOTHESIS_PROFILE=search`` looks further."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile(
    "repeatable", derandomize=True, database=None, deadline=None, max_examples=60
)
settings.register_profile("search", deadline=None, max_examples=2000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

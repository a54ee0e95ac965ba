"""How Hypothesis runs: repeatably by default; ``HYPOTHESIS_PROFILE=search`` looks further.

And which warning of a peer is no failure, and that Ctrl-C is heard.
"""

from __future__ import annotations

import os
import signal

import pytest
from hypothesis import settings

settings.register_profile(
    "repeatable", derandomize=True, database=None, deadline=None, max_examples=60
)
settings.register_profile("search", deadline=None, max_examples=2000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

# A shell that starts the tests in the background lets them, and what they start, ignore it.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """POT makes sparse tensors without saying whether they are to be checked, of which torch tells
    once in a process: in whichever test comes first."""
    quiet = pytest.mark.filterwarnings("ignore:Sparse invariant checks:UserWarning")
    for item in items:
        if item.path.name.startswith("test_compat_pot"):
            item.add_marker(quiet)

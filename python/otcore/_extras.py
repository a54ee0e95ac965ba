"""Packages that only some users have: imported where used, with an error that names the extra."""

from __future__ import annotations

import importlib
from typing import Any


def import_extra(module: str, *, extra: str, purpose: str) -> Any:
    """Import `module`, or raise an ImportError that says how to get it.

    Parameters
    ----------
    module
        Dotted name, such as ``"scipy.sparse"``.
    extra
        The extra of otcore that brings it, such as ``"sparse"``.
    purpose
        What needs it, for the message.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise ImportError(
            f"{purpose} needs {package}, which cannot be imported ({error}): "
            f"pip install 'otcore[{extra}]'"
        ) from error

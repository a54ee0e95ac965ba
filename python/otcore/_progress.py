"""The `progress` argument: nothing, a bar, or the caller's own function."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TypeAlias

from ._extras import import_extra

Report: TypeAlias = Callable[[int, int], object]
Progress: TypeAlias = bool | Report

_SILENT: AbstractContextManager[Report | None] = nullcontext()


def reporter(progress: Progress, description: str) -> AbstractContextManager[Report | None]:
    """Gives what the core calls with (done, total), about 20 times a second; None: no reports.

    True shows a tqdm bar, which is closed at the end of the block.
    """
    if progress is False:
        return _SILENT
    if progress is True:
        return _bar(description)
    if callable(progress):
        return nullcontext(progress)
    raise TypeError(
        f"progress: {type(progress).__name__}, expected a bool or a callable(done, total)"
    )


@contextmanager
def _bar(description: str) -> Iterator[Report]:
    tqdm = import_extra("tqdm", extra="cli", purpose="progress=True").tqdm
    with tqdm(desc=description) as bar:

        def report(done: int, total: int) -> None:
            bar.total = total or None
            bar.n = done
            bar.refresh()

        yield report

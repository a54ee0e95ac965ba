"""How much memory a call needs beyond what is there before it: the peak, its result included."""

from __future__ import annotations

import ctypes
import multiprocessing
import re
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median_low

_STATUS = Path("/proc/self/status")
_CLEAR_REFS = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"  # man 5 proc: sets VmHWM, the peak resident size, to the present one


def peak_extra_memory(
    run: Callable[[], object], small: Callable[[], object], times: int
) -> int | None:
    """Bytes by which the resident size grows at most during ``run()``; None off Linux.

    The median of some measurements, which differ by up to 2 MB: a huge page, or the kernel's
    counters, which add up pages in steps.

    Measured in a forked child, which has the inputs but whose peak is its own. There ``small()``
    first loads the code and starts the threads, and freed memory is given back to the kernel:
    otherwise the call could reuse it unseen.
    """
    if not (_CLEAR_REFS.exists() and _STATUS.exists()):
        return None
    return median_low(_measure_in_child(run, small) for _ in range(times))


def peak_extra_memory_here(run: Callable[[], object]) -> int | None:
    """The same in this process, for libraries whose threads do not outlive a fork.

    What `run` could reuse of the memory that was freed before is not seen, so less of it is kept.
    """
    if not (_CLEAR_REFS.exists() and _STATUS.exists()):
        return None
    return _growth(run)


def _measure_in_child(run: Callable[[], object], small: Callable[[], object]) -> int:
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_measure, args=(run, small, sender))
    with warnings.catch_warnings():
        # Python 3.12 and newer warn of forks beside threads; here no thread holds a lock.
        warnings.simplefilter("ignore", DeprecationWarning)
        child.start()
    sender.close()
    try:
        grown: int = receiver.recv()
    except EOFError:
        raise RuntimeError("the child that measures memory died") from None
    finally:
        child.join()
    return grown


def _measure(run: Callable[[], object], small: Callable[[], object], sender: Connection) -> None:
    small()
    sender.send(_growth(run))


def _growth(run: Callable[[], object]) -> int:
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it, musl does not
    if trim is not None:
        trim(0)
    _CLEAR_REFS.write_text(_RESET_PEAK)
    before = _status("VmRSS")
    run()
    return max(0, _status("VmHWM") - before)


def _status(field: str) -> int:
    match = re.search(rf"^{field}:\s+(\d+) kB$", _STATUS.read_text(), flags=re.MULTILINE)
    assert match, f"{_STATUS} has no {field}"
    return int(match[1]) * 1024

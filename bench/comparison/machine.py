"""The machine: what it is, and what it can do at most, measured."""

from __future__ import annotations

import os
import platform
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

import otcore

THREADS = 2  # of otcore, BLAS and OpenMP
PACKAGES = ("numpy", "scipy", "POT")

_MATRIX = 1536  # float64: three of them are 54 MiB, and 7 GFLOP a product
_COPIED = 256 << 20  # bytes, far beyond any cache
_REPEATS = 5


@dataclass(frozen=True)
class Limits:
    """Peak rates: flop/s of one thread and of all, bytes/s of all, read and written together."""

    flops_single: float
    flops: float
    bandwidth: float

    def floor(self, flops: float, traffic: float) -> float:
        """Seconds that so many operations or so many bytes take at least, whichever is more."""
        return max(flops / self.flops, traffic / self.bandwidth)

    def __str__(self) -> str:
        return (
            f"{self.flops / 1e9:.0f} GFLOP/s by a float64 matrix product "
            f"({self.flops_single / 1e9:.0f} on one thread), "
            f"{self.bandwidth / 1e9:.0f} GB/s by a copy (read + written)"
        )


def measure_limits() -> Limits:
    """The best of a few tries: a matrix product by numpy's BLAS, and a copy by all threads."""
    a = np.random.default_rng(0).random((_MATRIX, _MATRIX))
    product = np.empty_like(a)
    operations = 2.0 * _MATRIX**3

    def multiply() -> None:
        np.matmul(a, a, out=product)

    with threadpool_limits(1):
        single = operations / _best(multiply)
    with threadpool_limits(THREADS):
        together = operations / _best(multiply)

    source = np.ones(_COPIED // 8)
    target = np.zeros_like(source)
    parts = list(zip(np.array_split(target, THREADS), np.array_split(source, THREADS), strict=True))
    with ThreadPoolExecutor(THREADS) as pool:

        def copy() -> None:
            list(pool.map(lambda part: np.copyto(*part), parts))  # numpy releases the GIL

        bandwidth = 2 * source.nbytes / _best(copy)
    return Limits(single, together, bandwidth)


def describe() -> str:
    """One sentence: date, processor, build, versions."""
    info = otcore.info()
    blas = {
        f"{each['internal_api']} {each['version']} ({each.get('architecture', '?')})"
        for each in threadpool_info()
        if each["user_api"] == "blas"
    }
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    parts = [
        f"{date.today():%Y-%m-%d}, {_processor()}, {os.cpu_count()} CPUs, {THREADS} threads",
        f"otcore {info['version']} ({info['isa']}, {info['compiler']})",
        f"Python {platform.python_version()}, {packages}, {', '.join(sorted(blas))}",
        f"load average at the start {os.getloadavg()[0]:.1f}",
    ]
    if coretype := os.environ.get("OPENBLAS_CORETYPE"):
        parts.append(f"OPENBLAS_CORETYPE={coretype}")
    return "; ".join(parts)


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        match = re.search(r"^model name\s*:\s*(.+)$", cpuinfo.read_text(), flags=re.MULTILINE)
        if match:
            return match[1]
    return platform.processor() or platform.machine()


def _best(run: Callable[[], object]) -> float:
    run()
    times = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)

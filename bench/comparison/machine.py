"""The machine: what it is, and what it can do at most, measured."""

from __future__ import annotations

import ctypes
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

import otcore

THREADS = 2  # of otcore, BLAS and OpenMP
PACKAGES = ("numpy", "scipy", "POT")
# Of the extra `bench-entropic`, named where they are installed.
MORE_PACKAGES = ("torch", "ott-jax", "jax", "geomloss", "pykeops")

_MATRIX = 1536  # float64: three of them are 54 MiB, and 7 GFLOP a product
_COPIED = 256 << 20  # bytes, far beyond any cache
_REPEATS = 5


_PEAK = Path(__file__).with_name("peak.cpp")
# Denormals, rounding and order stay as they are: no -ffast-math.
_PEAK_FLAGS = (
    *("-std=c++20", "-O3", "-march=native", "-ffp-contract=fast", "-fno-math-errno"),
    *("-fno-trapping-math", "-shared", "-fPIC"),
)
_PEAK_SECONDS = 0.05  # of one try


@dataclass(frozen=True)
class Work:
    """What a piece of work cannot do without.

    Additions and multiplications in float64; bytes read from memory once; fused multiply-adds and
    exponentials in float32, which share the processor's units and so add up.
    """

    flops: float = 0.0
    traffic: float = 0.0
    multiply_adds: float = 0.0
    exponentials: float = 0.0


@dataclass(frozen=True)
class Limits:
    """Peak rates: flop/s of one thread and of all, bytes/s of all, read and written together.

    `multiply_adds` and `exponentials` are float32 operations per second of all threads, infinite
    where there is no compiler to measure them with.
    """

    flops_single: float
    flops: float
    bandwidth: float
    multiply_adds: float
    exponentials: float

    def floor(self, work: Work) -> float:
        """Seconds that the arithmetic or the bytes take at least, whichever is more."""
        arithmetic = work.flops / self.flops + work.multiply_adds / self.multiply_adds
        return max(
            arithmetic + work.exponentials / self.exponentials, work.traffic / self.bandwidth
        )

    def __str__(self) -> str:
        return (
            f"{self.flops / 1e9:.0f} GFLOP/s by a float64 matrix product "
            f"({self.flops_single / 1e9:.0f} on one thread), "
            f"{self.bandwidth / 1e9:.0f} GB/s by a copy (read + written), "
            f"{self.multiply_adds / 1e9:.0f} float32 multiply-adds and "
            f"{self.exponentials / 1e9:.1f} exponentials per ns in registers"
        )


def measure_limits() -> Limits:
    """The best of a few tries: a matrix product by numpy's BLAS, a copy, loops in registers."""
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
        multiply_adds, exponentials = _register_rates(pool)
    return Limits(single, together, bandwidth, multiply_adds, exponentials)


def _register_rates(pool: ThreadPoolExecutor) -> tuple[float, float]:
    """Multiply-adds and exponentials per second, of all threads, by peak.cpp."""
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "peak.so"
        compiler = os.environ.get("CXX", "c++")
        try:
            subprocess.run([compiler, *_PEAK_FLAGS, str(_PEAK), "-o", str(library)], check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"the peak rates of float32 are unknown: {error}", file=sys.stderr)
            return float("inf"), float("inf")
        peak = ctypes.CDLL(str(library))  # its functions run without the GIL
        peak.operations_per_round.restype = ctypes.c_int64
        return (_rate(peak.multiply_adds, peak, pool), _rate(peak.exponentials, peak, pool))


def _rate(loop: ctypes._NamedFuncPointer, peak: ctypes.CDLL, pool: ThreadPoolExecutor) -> float:
    loop.argtypes, loop.restype = [ctypes.c_int64], ctypes.c_float
    rounds = 100_000
    start = time.perf_counter()
    loop(rounds)
    rounds = max(rounds, int(rounds * _PEAK_SECONDS / (time.perf_counter() - start)))
    seconds = _best(lambda: list(pool.map(loop, [rounds] * THREADS)))
    return float(THREADS * rounds * peak.operations_per_round() / seconds)


def describe() -> str:
    """One sentence: date, processor, build, versions."""
    info = otcore.info()
    blas = {
        f"{each['internal_api']} {each['version']} ({each.get('architecture', '?')})"
        for each in threadpool_info()
        if each["user_api"] == "blas"
    }
    packages = ", ".join(
        f"{name} {found}" for name in PACKAGES + MORE_PACKAGES if (found := _version(name))
    )
    parts = [
        f"{date.today():%Y-%m-%d}, {_processor()}, {os.cpu_count()} CPUs, {THREADS} threads",
        f"otcore {info['version']} ({info['isa']}, {info['compiler']})",
        f"Python {platform.python_version()}, {packages}, {', '.join(sorted(blas))}",
        f"load average at the start {os.getloadavg()[0]:.1f}",
    ]
    if coretype := os.environ.get("OPENBLAS_CORETYPE"):
        parts.append(f"OPENBLAS_CORETYPE={coretype}")
    return "; ".join(parts)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


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

"""A comparison: the same work done by otcore and by other libraries, checked and timed in turns."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from .memory import peak_extra_memory

Values: TypeAlias = npt.NDArray[np.float64]

# How far two answers to one problem may be apart, relative to the peer's.
AGREEMENT = 1e-9


@dataclass(frozen=True)
class Contender:
    """One library's way of doing the work."""

    name: str
    run: Callable[[], object]  # what is timed: everything from the Python call on
    answers: Callable[[], Values]  # what must agree, for inputs that all contenders share
    small: Callable[[], object]  # the same code on little data, before memory is measured


@dataclass(frozen=True)
class Rival:
    """A peer, and how many times faster than it otcore is meant to be."""

    peer: Contender
    target: float


@dataclass(frozen=True)
class Contest:
    """One piece of work.

    `flops` and `traffic` are the part of it that has a known least time: the additions and
    multiplications that form the costs, and the bytes of the input, read once. `rounds` is for work
    that takes long: at most so many turns, and memory is measured once.
    """

    work: str
    ours: Contender
    rivals: tuple[Rival, ...]
    flops: float
    traffic: float
    rounds: int | None = None


@dataclass(frozen=True)
class Effort:
    """How long to measure."""

    rounds: int  # turns of each contender
    turn: float  # seconds that a turn lasts, at least


_PAUSE = 0.1  # seconds; OpenBLAS's threads spin for some 2^26 cycles
_LONG = 2.0  # seconds


@dataclass(frozen=True)
class Row:
    """One line of the table: otcore against one peer. Times in seconds, memory in bytes."""

    contest: Contest
    rival: Rival
    ours_time: float
    peer_time: float
    ratios: tuple[float, ...]  # of each turn of the peer to otcore's turn just before
    disagreement: float  # the largest relative difference of two answers
    ours_memory: int | None
    peer_memory: int | None

    @property
    def ratio(self) -> float:
        return self.peer_time / self.ours_time

    @property
    def agrees(self) -> bool:
        return self.disagreement <= AGREEMENT

    @property
    def met(self) -> bool:
        return self.agrees and self.ratio >= self.rival.target


def hold(contest: Contest, effort: Effort) -> list[Row]:
    """Measure memory, compare the answers, then time all contenders in turns."""
    contenders = [contest.ours, *(rival.peer for rival in contest.rivals)]
    times_measured = 3 if contest.rounds is None else 1
    memory = [peak_extra_memory(each.run, each.small, times_measured) for each in contenders]
    ours, *theirs = (_answers(each) for each in contenders)
    rounds = min(effort.rounds, contest.rounds or effort.rounds)
    times = _turns([each.run for each in contenders], rounds, effort.turn)
    return [
        Row(
            contest,
            rival,
            ours_time=median(times[0]),
            peer_time=median(times[i]),
            ratios=tuple(p / o for p, o in zip(times[i], times[0], strict=True)),
            disagreement=_disagreement(ours, theirs[i - 1]),
            ours_memory=memory[0],
            peer_memory=memory[i],
        )
        for i, rival in enumerate(contest.rivals, start=1)
    ]


def _answers(contender: Contender) -> Values | None:
    """None where the library warned: it says that it gave up before the optimum."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("error", RuntimeWarning)
        try:
            return np.asarray(contender.answers(), dtype=np.float64)
        except (UserWarning, RuntimeWarning) as warning:
            print(f"{contender.name} gave up: {warning}", file=sys.stderr)
            return None


def _disagreement(ours: Values | None, theirs: Values | None) -> float:
    """The largest relative difference; infinite where there is no number to compare."""
    if ours is None or theirs is None or ours.shape != theirs.shape:
        return float("inf")
    if not (np.isfinite(ours).all() and np.isfinite(theirs).all()):
        return float("inf")
    difference = np.abs(ours - theirs)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(difference == 0, 0.0, difference / np.abs(theirs))
    return float(relative.max())


def _turns(runs: list[Callable[[], object]], rounds: int, turn: float) -> list[list[float]]:
    """Seconds a call, by contender and round; a turn repeats short calls and takes their mean.

    In turns, so that whatever slows the machine for a while slows everybody. Before each there is a
    pause, because threads of the one before (OpenBLAS's) keep a core busy for a while as they
    wait, and a call that does not count, to be warm again after it. Calls of seconds need none.
    """
    once = []
    for run in runs:
        once.append(_seconds(run, 1))
        if once[-1] < _LONG:
            once[-1] = _seconds(run, 1)
    times: list[list[float]] = [[] for _ in runs]
    for _ in range(rounds):
        for run, seconds, mine in zip(runs, once, times, strict=True):
            time.sleep(_PAUSE)
            if seconds < _LONG:
                run()
            count = max(1, round(turn / seconds))
            mine.append(_seconds(run, count) / count)
    return times


def _seconds(run: Callable[[], object], calls: int) -> float:
    start = time.perf_counter()
    for _ in range(calls):
        run()
    return time.perf_counter() - start

"""A comparison: the same work done by otcore and by other libraries, checked and timed in turns."""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from .machine import Limits, Work
from .memory import peak_extra_memory, peak_extra_memory_here

Values: TypeAlias = npt.NDArray[np.float64]

# How far two answers to one problem may be apart, relative to the peer's, unless a contest says
# otherwise.
AGREEMENT = 1e-9


@dataclass(frozen=True)
class Contender:
    """One library's way of doing the work.

    `times` is for work that would take minutes: `run` is a part of it, and the whole takes so many
    times as long. The name says so.
    """

    name: str
    run: Callable[[], object]  # what is timed: everything from the Python call on
    # What must agree, for inputs that all contenders share; None where it cannot.
    answers: Callable[[], Values] | None
    small: Callable[[], object] | None  # the same code on little data, before memory is measured
    times: float = 1.0


@dataclass(frozen=True)
class Rival:
    """A peer, and how many times faster than it otcore is meant to be."""

    peer: Contender
    target: float


@dataclass(frozen=True)
class Contest:
    """One piece of work.

    `floor` is the part of it that has a known least time on this machine. Where `share` is given,
    that least time is a rival of its own: the part of otcore's time that it is meant to be.
    `rounds` is for work that takes long: at most so many turns, and memory is measured once; 1 is
    for minutes: where nothing forks, one call in all, of what takes long. `forked` is False where a
    library's threads do not outlive the fork in which memory is measured. `memory` is the most that
    otcore's call may need, in bytes.
    """

    work: str
    ours: Contender
    rivals: tuple[Rival, ...]
    floor: Work
    share: float | None = None
    agreement: float = AGREEMENT
    rounds: int | None = None
    forked: bool = True
    memory: float | None = None


@dataclass(frozen=True)
class Trial:
    """Work that only otcore does, in parts that are alike: each has a limit, in seconds and bytes.

    `answers` of a part that does not stand its check has a NaN.
    """

    work: str
    parts: Sequence[Contender]
    seconds: float
    memory: float | None = None


@dataclass(frozen=True)
class Count:
    """Work that is counted rather than timed, in `unit`: the fewer the better."""

    work: str
    unit: str
    ours: int
    peer: str
    theirs: int
    target: float  # theirs over ours, at least


@dataclass(frozen=True)
class Effort:
    """How long to measure."""

    rounds: int  # turns of each contender
    turn: float  # seconds that a turn lasts, at least


_PAUSE = 0.1  # seconds; OpenBLAS's threads spin for some 2^26 cycles
_LONG = 2.0  # seconds


@dataclass(frozen=True)
class Row:
    """One line of the table: otcore against one peer. Memory in bytes."""

    work: str
    peer: str
    target: float
    ours: float
    theirs: float
    unit: str = "s"
    ratios: tuple[float, ...] = ()  # of each turn of the peer to otcore's turn just before
    disagreement: float | None = None  # the largest relative difference of two answers
    agreement: float = AGREEMENT
    ours_memory: int | None = None
    peer_memory: int | None = None
    share: float | None = None  # of otcore's time that the machine needs at least

    @property
    def ratio(self) -> float:
        return self.theirs / self.ours

    @property
    def agrees(self) -> bool:
        return self.disagreement is None or self.disagreement <= self.agreement

    @property
    def met(self) -> bool:
        return self.agrees and self.ratio >= self.target


def hold(contest: Contest | Trial | Count, effort: Effort, limits: Limits) -> list[Row]:
    """Measure memory, compare the answers, then time all contenders in turns."""
    if isinstance(contest, Count):
        c = contest
        return [Row(c.work, c.peer, c.target, c.ours, c.theirs, unit=c.unit)]
    if isinstance(contest, Trial):
        return _stand(contest)
    contenders = [contest.ours, *(rival.peer for rival in contest.rivals)]
    rounds = min(effort.rounds, contest.rounds or effort.rounds)
    if rounds == 1 and not contest.forked:
        memory, times = _single_calls(contenders)
    else:
        memory = [_memory(each, contest) for each in contenders]
        times = _turns([each.run for each in contenders], rounds, effort.turn)
    ours, *theirs = (_answers(each) for each in contenders)
    times = [
        [seconds * each.times for seconds in mine]
        for each, mine in zip(contenders, times, strict=True)
    ]
    least = limits.floor(contest.floor)
    share = least / median(times[0])
    rows = [
        Row(
            contest.work,
            rival.peer.name,
            rival.target,
            ours=median(times[0]),
            theirs=median(times[i]),
            ratios=tuple(p / o for p, o in zip(times[i], times[0], strict=True)),
            disagreement=_disagreement(ours, theirs[i - 1]) if rival.peer.answers else None,
            agreement=contest.agreement,
            ours_memory=memory[0],
            peer_memory=memory[i],
            share=share,
        )
        for i, rival in enumerate(contest.rivals, start=1)
    ]
    if contest.share is not None:
        rows.append(
            Row(
                contest.work,
                "the machine's limit",
                contest.share,
                ours=median(times[0]),
                theirs=least,
                ratios=tuple(least / seconds for seconds in times[0]),
                ours_memory=memory[0],
                share=share,
            )
        )
    return rows + _memory_row(contest.work, memory[0], contest.memory)


def _stand(trial: Trial) -> list[Row]:
    """Each part once: the mean, and the slowest, of several parts."""
    memory, times = _single_calls(trial.parts)
    seconds = [mine[0] for mine in times]
    found = [_answers(part) for part in trial.parts]
    faulty = any(each is None or not np.isfinite(each).all() for each in found)
    known = [each for each in memory if each is not None]
    most = max(known) if known else None
    kinds = {"mean": sum(seconds) / len(seconds), "slowest": max(seconds)}
    rows = [
        Row(
            trial.work if len(seconds) == 1 else f"{trial.work}, {kind}",
            f"limit of {trial.seconds:g} s",
            target=1.0,
            ours=ours,
            theirs=trial.seconds,
            disagreement=float("inf") if faulty else None,
            ours_memory=most,
        )
        for kind, ours in kinds.items()
    ]
    return rows[: len(seconds)] + _memory_row(trial.work, most, trial.memory)


def _memory_row(work: str, ours: int | None, limit: float | None) -> list[Row]:
    if ours is None or limit is None:
        return []
    peer = f"limit of {limit / 1e6:g} MB"
    return [Row(work, peer, 1.0, max(ours, 1) / 1e6, limit / 1e6, unit="MB", ours_memory=ours)]


def _memory(contender: Contender, contest: Contest) -> int | None:
    if contest.forked:
        assert contender.small is not None, contender.name
        times = 3 if contest.rounds is None else 1
        return peak_extra_memory(contender.run, contender.small, times)
    contender.run()  # loads and compiles
    return peak_extra_memory_here(contender.run)


def _single_calls(contenders: Sequence[Contender]) -> tuple[list[int | None], list[list[float]]]:
    """Memory and time of one call each; of short calls the median of three."""
    memory, times = [], []
    for contender in contenders:
        if contender.small is not None:
            contender.small()
        seconds: list[float] = []
        run = partial(_append_seconds, contender.run, seconds)
        memory.append(peak_extra_memory_here(run))
        if not seconds:  # no memory to be seen on this system
            run()
        if seconds[0] < _LONG:
            run()
            run()
        times.append([median(seconds)])
    return memory, times


def _append_seconds(run: Callable[[], object], seconds: list[float]) -> None:
    seconds.append(_seconds(run, 1))


def _answers(contender: Contender) -> Values | None:
    """None where the library warned: it says that it gave up before the optimum."""
    if contender.answers is None:
        return None
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

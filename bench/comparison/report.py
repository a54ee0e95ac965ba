"""The comparison as a markdown table, on the terminal and in the README."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .contest import AGREEMENT, Effort, Row
from .machine import Limits

BEGIN, END = "<!-- peers:begin -->", "<!-- peers:end -->"

_HEADER = (
    "work",
    "otcore",
    "peer",
    "peer's time",
    "times faster (range)",
    "target",
    "met",
    "agreement",
    "memory, otcore / peer",
    "of the machine",
)


def report(rows: Sequence[Row], limits: Limits, machine: str, effort: Effort) -> str:
    """The table, and below it what was measured where and what the columns mean."""
    return "\n\n".join(
        [
            _table([_HEADER, *map(_cells, rows)]),
            f"Measured {machine}. This machine reaches {limits}.",
            f"Times are medians of {effort.rounds} turns, otcore's and the peer's in alternation "
            "(of three, or one, where a call takes seconds); "
            "the range is that of the ratios of neighbouring turns. otcore uses all threads, the "
            "exact solvers of POT and SciPy one, which is part of the ratio. *Agreement*: the "
            f"largest relative difference of two answers, FAILED above {AGREEMENT:.0e} or what "
            "stands beside it, for iterates in float32. *Memory*: "
            "how far the resident size rises during the call, the result included, in a forked "
            "child (up to 2 MB are noise); otcore's results hold all plans and potentials, those "
            "of `emd2` and SciPy's loop a number for each problem. *Of the machine*: the time to "
            "form the costs (and, of entropic problems, one exponential for each pair and "
            "iteration) at the peak rates, or to read the input once from memory, whichever is "
            "longer, over otcore's time. The rest is the search for the plans, which has no such "
            "yardstick.",
        ]
    )


def write_readme(path: Path, text: str) -> None:
    """Put `text` between the marks in a file; ValueError where they are not there once."""
    old = path.read_text(encoding="utf-8")
    head, begin, rest = old.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end) or BEGIN in tail or END in head + tail:
        raise ValueError(f"{path}: expected one {BEGIN} and after it one {END}")
    path.write_text(f"{head}{BEGIN}\n{text}\n{END}{tail}", encoding="utf-8")


def _cells(row: Row) -> tuple[str, ...]:
    low, high = min(row.ratios, default=row.ratio), max(row.ratios, default=row.ratio)
    return (
        row.work,
        _amount(row.ours, row.unit),
        row.peer,
        _amount(row.theirs, row.unit),
        f"{_ratio(row.ratio)} ({_ratio(low)}..{_ratio(high)})",
        f">= {row.target:g}",
        "yes" if row.met else "**no**",
        _agreement(row),
        f"{_megabytes(row.ours_memory)} / {_megabytes(row.peer_memory)} MB",
        "-" if not row.share else f"{row.share:.1%}" if row.share < 0.1 else f"{row.share:.0%}",
    )


def _ratio(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio < 1 else f"{ratio:.1f}"


def _agreement(row: Row) -> str:
    if row.disagreement is None:
        return "-"
    text = f"{row.disagreement:.0e}"
    if row.agreement != AGREEMENT:
        text += f" (<= {row.agreement:.0e})"
    return text if row.agrees else f"**FAILED** {text}"


def _amount(amount: float, unit: str) -> str:
    if unit != "s":
        return f"{amount:.0f} {unit}"
    milliseconds = 1e3 * amount
    return f"{milliseconds:#.3g} ms" if milliseconds < 100 else f"{milliseconds:.0f} ms"


def _megabytes(count: int | None) -> str:
    return "?" if count is None else f"{count / 1e6:.1f}"


def _table(lines: Sequence[Sequence[str]]) -> str:
    def joined(cells: Sequence[str]) -> str:
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        return f"| {' | '.join(padded)} |"

    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([joined(lines[0]), rule, *map(joined, lines[1:])])

"""otcore beside other libraries: the same inputs, one process, answers checked, in turns.

    python bench/peers.py exact minibatch oned
    python bench/peers.py entropic
    python bench/peers.py scale
    python bench/peers.py exact --only "random weights"
    python bench/peers.py all --write-readme

Needs the extra ``otcore[bench]``, and ``otcore[bench-entropic]`` for all rows of the entropic room:
those whose library is missing are left out, with the reason. The room scale takes half an hour and
5 GB. The exit code is 1 where the answers disagree; a target that is missed shows in the table
only. Run it on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from pathlib import Path

from threadpoolctl import threadpool_limits

import otcore
from comparison.contest import Effort, hold
from comparison.machine import THREADS, describe, measure_limits
from comparison.report import report, write_readme

ROOMS = ("exact", "entropic", "minibatch", "oned", "pyramid", "scale", "sliced", "torch")
README = Path(__file__).resolve().parents[1] / "README.md"

FULL = Effort(rounds=9, turn=0.1)
QUICK = Effort(rounds=3, turn=0.02)


def main() -> int:
    arguments = parse()
    effort = QUICK if arguments.quick else FULL
    chosen = ROOMS if "all" in arguments.rooms else tuple(dict.fromkeys(arguments.rooms))

    machine = describe()  # before our own work shows in the load average
    cpus = os.cpu_count() or 1
    if os.getloadavg()[0] > 0.5 * cpus:
        print("warning: where other programs run, times are not reliable", file=sys.stderr)
    if cpus < THREADS:
        print(f"warning: {THREADS} threads on {cpus} CPU", file=sys.stderr)

    otcore.set_num_threads(THREADS)
    rows = []
    with threadpool_limits(THREADS):
        limits = measure_limits()
        for room in chosen:
            for contest in import_module(f"comparison.{room}").contests():
                if arguments.only and arguments.only not in contest.work:
                    continue
                print(f"{room}: {contest.work}", file=sys.stderr, flush=True)
                rows += hold(contest, effort, limits)

    text = report(rows, limits, machine, effort)
    print(text)
    if not all(row.agrees for row in rows):
        print("error: the answers disagree", file=sys.stderr)
        return 1
    if arguments.write_readme:
        write_readme(README, text)
    return 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare otcore with other libraries.")
    parser.add_argument("rooms", nargs="+", choices=(*ROOMS, "all"), help="what to compare")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter turns: for a look")
    parser.add_argument(
        "--write-readme", action="store_true", help="replace the table in README.md as well"
    )
    parser.add_argument("--only", metavar="TEXT", help="only the rows whose work has TEXT in it")
    arguments = parser.parse_args()
    if arguments.write_readme and (arguments.quick or arguments.only):
        parser.error("--write-readme: for whole tables, measured with care; not --quick or --only")
    return arguments


if __name__ == "__main__":
    sys.exit(main())

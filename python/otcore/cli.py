"""The ``otcore`` command.

Results go to standard output, a progress bar and errors to standard error. An error is one line and
exit status 2; Ctrl-C is exit status 130.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import NoReturn

from . import __version__, color_transfer, info, solve_sample
from ._files import (
    FileError,
    Picture,
    check_picture_output,
    load_points,
    load_weights,
    read_picture,
    write_picture,
)

_METRICS = ["sqeuclidean", "euclidean", "cityblock", "minkowski", "cosine"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with `argv` (default: the process's arguments); returns its exit status."""
    arguments = _parser().parse_args(argv)
    try:
        arguments.run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print(f"otcore {arguments.command}: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader left (`otcore info | head -1`). Python's flush at exit must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except (FileError, ValueError, TypeError, ImportError, MemoryError) as error:
        message = " ".join(str(error).split()) or "out of memory"
        print(f"otcore {arguments.command}: error: {message}", file=sys.stderr)
        return 2
    return 0


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="otcore", description="Optimal transport at the command line.")
    parser.add_argument("--version", action="version", version=f"otcore {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    transfer = commands.add_parser(
        "color-transfer",
        help="give a photograph the colours of another",
        description="Give the photograph SOURCE the colours of TARGET: K-means palettes, a map of "
        "one palette onto the other, every pixel moved as its palette colour moves. The exact map "
        "has no use for -k, -m and --iterations.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    transfer.set_defaults(run=_color_transfer)
    transfer.add_argument("source", metavar="SOURCE", help="image to recolour")
    transfer.add_argument("target", metavar="TARGET", help="image that gives the colours")
    transfer.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        required=True,
        default=argparse.SUPPRESS,
        help="image to write; its extension says the format",
    )
    transfer.add_argument(
        "--method", choices=list(color_transfer.METHODS), default="bomb", help="how to map"
    )
    count = _integer(1)
    transfer.add_argument("-k", type=count, default=10, help="mini-batches a side and iteration")
    transfer.add_argument("-m", type=count, default=10, help="colours of a mini-batch")
    transfer.add_argument(
        "--iterations", type=count, default=5000, metavar="T", help="mini-batch iterations"
    )
    transfer.add_argument("--colors", type=count, default=3000, metavar="N", help="palette size")
    transfer.add_argument("--seed", type=_integer(0), default=0, help="of palettes and draws")
    _add_threads(transfer)

    distance = commands.add_parser(
        "distance",
        help="optimal transport distance between two point clouds",
        description="The exact optimal transport distance between the points (rows) of A and B. "
        "Files: .npy, .npz (file.npz:key where it holds several arrays), .csv.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    distance.set_defaults(run=_distance)
    distance.add_argument("a", metavar="A", help="points, one a row")
    distance.add_argument("b", metavar="B", help="points, one a row")
    distance.add_argument("--metric", choices=_METRICS, default="sqeuclidean", help="ground cost")
    distance.add_argument(
        "--p", type=float, default=argparse.SUPPRESS, help="power of minkowski, at least 1"
    )
    distance.add_argument("--method", choices=["auto", "exact"], default="auto", help="solver")
    for side in "ab":
        distance.add_argument(
            f"--weights-{side}",
            metavar="FILE",
            default=argparse.SUPPRESS,
            help=f"weights of the points of {side.upper()} (default: uniform)",
        )
    distance.add_argument("--json", action="store_true", help="print a JSON object")
    _add_threads(distance)

    about = commands.add_parser("info", help="version, instruction sets, threads")
    about.set_defaults(run=_info)
    return parser


def _add_threads(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--threads",
        type=_integer(1),
        metavar="N",
        default=argparse.SUPPRESS,
        help="threads (default: all the process may use)",
    )


def _integer(least: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least:
            raise argparse.ArgumentTypeError(f"{text!r}, expected an integer >= {least}")
        return value

    return parse


def _color_transfer(arguments: argparse.Namespace) -> None:
    n_threads: int | None = getattr(arguments, "threads", None)
    source = read_picture(arguments.source)
    target = read_picture(arguments.target)
    check_picture_output(arguments.output, source)

    start = time.perf_counter()
    palette, goal = (
        color_transfer.fit_palette(picture.rgb, arguments.colors, seed=arguments.seed)
        for picture in (source, target)
    )
    palette_seconds = time.perf_counter() - start
    mapped = color_transfer.map_palette(
        palette.colors,
        goal.colors,
        method=arguments.method,
        k=arguments.k,
        m=arguments.m,
        iterations=arguments.iterations,
        seed=arguments.seed,
        n_threads=n_threads,
        progress=sys.stderr.isatty(),
    )
    before, after = (
        color_transfer.palette_distance(colors, goal.colors, n_threads=n_threads)
        for colors in (palette.colors, mapped.colors)
    )
    result = Picture(color_transfer.recolor(source.rgb, palette, mapped.colors), source.alpha)
    write_picture(arguments.output, result)

    n_colors, n_goal = len(palette.colors), len(goal.colors)
    rows: dict[str, object] = {
        "method": color_transfer.METHODS[arguments.method],
        "palettes": f"{n_colors} and {n_goal} colours, {palette_seconds:.2f} s",
        "map": f"{mapped.seconds:.2f} s",
    }
    if mapped.n_iter:
        speed = mapped.n_iter / mapped.seconds
        rows["method"] = f"{rows['method']}, k = {arguments.k}, m = {arguments.m}"
        rows["map"] = f"{mapped.n_iter} iterations, {rows['map']}, {speed:.0f} iterations/s"
        rows["filled"] = f"{mapped.n_filled} of {n_colors} colours by the further pass"
    facts = info()
    height, width = palette.labels.shape
    rows |= {
        "distance": f"{before:.4g} before, {after:.4g} after (W2 of the palettes, levels 0-255)",
        "machine": f"{n_threads or facts['threads']} threads, {facts['isa']}",
        "written": f"{arguments.output} ({width} x {height})",
    }
    _print_rows(rows)


def _distance(arguments: argparse.Namespace) -> None:
    metric: str | tuple[str, float] = arguments.metric
    p: float | None = getattr(arguments, "p", None)
    if (metric == "minkowski") != (p is not None):
        raise ValueError("--p: goes with --metric minkowski, and that needs it")
    if p is not None:
        metric = ("minkowski", p)
    weights = [
        load_weights(vars(arguments)[key]) if key in arguments else None
        for key in ("weights_a", "weights_b")
    ]
    result = solve_sample(
        load_points(arguments.a),
        load_points(arguments.b),
        *weights,
        metric=metric,
        method=arguments.method,
        n_threads=getattr(arguments, "threads", None),
    )
    rows: dict[str, object] = {
        "value": float(result.value),
        "distance": getattr(result, "distance", None),  # cosine has none
        "gap": float(result.gap),
        "status": result.status,
    }
    if arguments.json:
        print(json.dumps(rows))
    else:
        _print_rows(rows)


def _info(arguments: argparse.Namespace) -> None:
    facts = info()
    _print_rows(
        {
            name.replace("_", " "): ", ".join(fact) if isinstance(fact, list) else fact
            for name, fact in facts.items()
        }
    )


def _print_rows(rows: dict[str, object]) -> None:
    width = max(map(len, rows))
    for name, value in rows.items():
        print(f"{name:<{width}}  {value}")

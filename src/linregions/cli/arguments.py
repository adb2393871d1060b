"""The grammar of the command line.

argparse and not typer: a count of a small network has to end within 0.6 s, and importing typer and pydantic, which it
parses values with, takes about 0.25 s of that.
"""

from __future__ import annotations

import argparse
from typing import Any

from ..checks import shown
from .grammar import MODEL, Parser, add_command, add_model, from_zero, path, positive_integer, positive_number

COUNT = f"""Count the linear regions of MODEL on a domain, exactly.

{MODEL}

With --save RUN what is done is written to the folder RUN as it is done; after a crash, a limit or Ctrl-C
`linregions count --resume RUN` goes on from there, and needs neither MODEL nor a domain.

Exit status: 0 done, 2 bad input (one line says what), 3 a budget ran out (the partial result is printed),
74 the output could not be written (a full disk: what was saved is kept), 130 interrupted (the partial result is
printed)."""

MERGE = """Join saved runs into a new one.

Runs of one search (count --save --part K/N, on several machines) are joined piece by piece.  Runs on parts of a domain
have to be complete and saved with --list; it is proven that the parts do not overlap and that together they fill a
convex domain, and a region that crosses a cut is counted once.

Exit status: 0 done, 2 bad input (one line says what), 3 there are pieces that no run has done (resume the new run),
74 the output could not be written, 130 interrupted."""

BOUNDS = """Print every bound on the number of linear regions of an architecture, and the best proven pair.

ARCH is widths, inputs first and outputs last ("2-16-16-1"); or inputs and hidden widths ("2;16,16", quoted); or a
network's file (.onnx, .npz, .safetensors), whose ranks and dead units are then seen.

Exit status: 0 done, 2 bad input (one line says what), 74 the output could not be written, 130 interrupted."""

COMPARE = """Compare deep with shallow: ReLU networks of all depths that have the same number of units.

Every depth has the largest number of regions that is proven to be possible, the limit that is proven, the exact count
of a network built to have that many, and the exact counts of random networks.  Say how many units there are (--units),
or how many weights and biases (--parameters), or name the networks (--widths).

Exit status: 0 done, also where a budget ran out (marked in the table), 2 bad input (one line says what), 74 the output
could not be written, 130 interrupted (what was done is printed)."""

CONSTRUCT = """Build a network with a known number of regions, say where the number comes from, and write the network.

Without NAME the constructions are listed.  ARG is an architecture ("2-6-6-1" or "2;6,6") for inputs and widths, or
KEY=VALUE, or a value alone; a list of numbers is separated by commas, edges are written 0-1,1-2.

  linregions construct pascanu_2014 2-6-6-1 --confirm
  linregions construct arrangement shi 4
  linregions construct serra_2018 inputs=2 widths=6,6 --out net.npz
  linregions construct random 2-16-16-1 seed=3 --out net.npz

Exit status: 0 done, 1 with --confirm: the count is another one, 2 bad input (one line says what), 3 a budget ran out,
74 the output could not be written, 130 interrupted."""

ESTIMATE = f"""Bracket a number of linear regions that is too large to count: at least, about, at most.

The lower bound is proven: distinct regions among sampled points, or random pieces of the search counted exactly.  The
estimate has a confidence interval; the line says what the interval rests on.  The upper bound is proven.

{MODEL}

Exit status: 0 done, 2 bad input (one line says what), 3 the time ran out before what was asked for was done (what there
is is printed), 74 the output could not be written, 130 interrupted (what there is is printed)."""

COMMANDS = (
    "count",
    "estimate",
    "info",
    "bounds",
    "compare",
    "construct",
    "merge",
    "score",
    "study",
    "search",
    "lyapunov",
)


class _Version(argparse.Action):
    # argparse's own version action would look the version up on every start.
    def __init__(self, **options: Any):
        super().__init__(nargs=0, **options)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import version

        print("linregions", version("linregions"))
        parser.exit()


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    from .lyapunov_arguments import add_lyapunov
    from .score_arguments import add_score, add_search
    from .study_arguments import add_study

    top = Parser(
        prog="linregions",
        description="Linear regions of piecewise-linear networks, exactly.",
        allow_abbrev=False,
    )
    top.add_argument("--version", action=_Version, help="print the version and leave")
    commands = top.add_subparsers(dest="command", metavar="COMMAND")
    _add_count(commands)
    _add_estimate(commands)
    _add_info(commands)
    _add_bounds(commands)
    _add_compare(commands)
    _add_construct(commands)
    _add_merge(commands)
    add_score(commands)
    add_study(commands)
    add_search(commands)
    add_lyapunov(commands)
    return top


def _add_count(commands: Any) -> None:
    command = add_command(commands, "count", "count the linear regions of a network on a domain", COUNT)
    add_model(command, nargs="?")
    _add_domain(command, "one of these; a LIST is comma-separated numbers or a .npy vector")
    command.add_argument(
        "--definition",
        default="activation",
        metavar="NAME",
        help="what counts as a region: patterns, activation (the default), convex, linear, closed, affine; "
        "or all, for a table of the six",
    )
    command.add_argument(
        "--engine",
        default="auto",
        choices=("auto", "cells", "lp", "arrangement"),  # as in `linregions.count`, which --help need not import
        help="cells: every network, dimension 1 to 8; lp: every network, any dimension; arrangement: one hidden layer "
        "with integer weights on --space, any dimension; auto (the default) chooses",
    )
    _add_budget(command, "stop once N or more regions are found")
    command.add_argument(
        "--parallel",
        default="threads",
        metavar="HOW",
        help="threads (the default), processes (as many as --threads), or the address of a dask scheduler",
    )
    command.add_argument(
        "--no-exact",
        dest="exact",
        action="store_false",
        help="leave doubtful signs to floating point, and say how many there were",
    )
    saved = command.add_argument_group("long runs")
    folder = saved.add_mutually_exclusive_group()
    folder.add_argument("--save", type=path, metavar="RUN", help="write what is done to the new folder RUN")
    folder.add_argument("--resume", type=path, metavar="RUN", help="go on with the run in the folder RUN")
    saved.add_argument("--list", action="store_true", help="with --save: keep every region, not only their number")
    saved.add_argument("--part", type=_share, metavar="K/N", help="with --save: do only share K of N, for `merge`")


def _add_estimate(commands: Any) -> None:
    command = add_command(commands, "estimate", "bracket a number of regions that is too large to count", ESTIMATE)
    add_model(command)
    _add_domain(command, "one of these; a LIST is comma-separated numbers or a .npy vector")
    fitting = "as many as the time allows"
    command.add_argument("--samples", type=positive_integer, metavar="N", help=f"uniform points (default: {fitting})")
    command.add_argument("--lines", type=from_zero, metavar="N", help=f"random lines (default: {fitting})")
    command.add_argument("--data", type=path, metavar="FILE", help="samples (.npy) near which to look too")
    command.add_argument("--spread", type=positive_number, metavar="S", help="standard deviation around the data")
    command.add_argument(
        "--pieces", type=positive_integer, metavar="N", help=f"random pieces to count (default: {fitting})"
    )
    command.add_argument("--level", type=positive_number, metavar="P", default=0.95, help="confidence (0.95)")
    command.add_argument("--seed", type=from_zero, metavar="N", default=0, help="of the random numbers (0)")
    command.add_argument("--threads", type=positive_integer, metavar="N", help="worker threads (default: all cores)")
    command.add_argument(
        "--time-limit", type=positive_number, metavar="S", default=10.0, help="seconds in all (10; inf: no limit)"
    )


def _add_domain(command: argparse.ArgumentParser, which: str) -> None:
    group = command.add_argument_group("domain", which)
    domain = group.add_mutually_exclusive_group()
    domain.add_argument(
        "--box", nargs=2, metavar=("LO", "HI"), help="two numbers, the same for every input, or two LISTs"
    )
    domain.add_argument("--segment", nargs=2, metavar=("A", "B"), help="from point A to point B, two LISTs")
    domain.add_argument(
        "--plane",
        nargs=3,
        metavar=("P", "Q", "R"),
        help="the plane through three LISTs: the parallelogram P, Q, Q + R - P, R",
    )
    domain.add_argument(
        "--domain",
        type=path,
        metavar="FILE",
        help='JSON with "lower" and "upper", "A" and "b" (A x <= b), "segment": [a, b], or "plane": [p, q, r] and '
        '"region": [[s, t], ...]; or .npz with A and b',
    )
    domain.add_argument("--space", action="store_true", help="the whole input space")


def _add_budget(
    command: argparse.ArgumentParser, regions: str, seconds: str = "stop after S seconds (inf: never)"
) -> None:
    command.add_argument("--threads", type=positive_integer, metavar="N", help="worker threads (default: all cores)")
    command.add_argument("--time-limit", type=positive_number, metavar="S", help=seconds)
    command.add_argument("--max-regions", type=positive_integer, metavar="N", help=regions)


def _add_info(commands: Any) -> None:
    description = f"Say what MODEL is: architecture, units, activations, parameters, hash.\n\n{MODEL}"
    add_model(add_command(commands, "info", "say what a network is made of", description))


def _add_bounds(commands: Any) -> None:
    command = add_command(commands, "bounds", "every bound on the number of regions of an architecture", BOUNDS)
    command.add_argument("architecture", metavar="ARCH", type=path, help='such as 2-16-16-1, "2;16,16" or a file')
    command.add_argument(
        "--activation", metavar="NAME", help="of the hidden units of widths: relu (the default), abs, maxout, ..."
    )
    command.add_argument("--rank", type=positive_integer, metavar="K", help="maxout: a unit is the maximum of K maps")
    command.add_argument(
        "--box",
        nargs=2,
        metavar=("LO", "HI"),
        help="with a file: a box on which units that never change are told apart",
    )


def _add_compare(commands: Any) -> None:
    command = add_command(commands, "compare", "deep against shallow networks of one size", COMPARE)
    command.add_argument("--inputs", type=positive_integer, metavar="N", required=True, help="number of inputs")
    budget = command.add_mutually_exclusive_group(required=True)
    budget.add_argument("--units", type=positive_integer, metavar="N", help="hidden units in all")
    budget.add_argument("--parameters", type=positive_integer, metavar="P", help="most weights and biases")
    budget.add_argument(
        "--widths",
        nargs="+",
        metavar="W,W",
        help='hidden widths of every network: "24 12,12 8,8,8", with or without quotes',
    )
    command.add_argument("--depths", metavar="D,D", help="which depths, such as 1,2,4 (default: up to units / inputs)")
    command.add_argument("--outputs", type=positive_integer, metavar="N", default=1, help="number of outputs (1)")
    command.add_argument("--samples", type=from_zero, metavar="N", default=5, help="random networks per depth (5)")
    command.add_argument("--trained", type=from_zero, metavar="N", default=0, help="trained networks per depth (0)")
    command.add_argument("--init", default="he", metavar="NAME", help="he (the default), glorot, orthogonal or torch")
    command.add_argument("--bias", metavar="B", help="standard deviation of the biases (0.1), or zero, or torch")
    command.add_argument("--seed", type=from_zero, metavar="N", default=0, help="of the first random network (0)")
    _add_budget(
        command,
        "count no construction with more regions than N (1000000); other counts stop there",
        "stop after S seconds in all (10; inf: never)",
    )
    _add_domain(command, "where random and trained networks are counted; the default is --box -1 1")
    command.add_argument("--csv", type=path, metavar="FILE", help="write the table")
    command.add_argument("--figure", type=path, metavar="FILE", help="draw it (.png, .svg, .pdf); needs matplotlib")


def _add_construct(commands: Any) -> None:
    command = add_command(commands, "construct", "build a network with a known number of regions", CONSTRUCT)
    command.add_argument("name", nargs="?", metavar="NAME", help="which construction; none lists them")
    command.add_argument("arguments", nargs="*", metavar="ARG", help="an architecture, KEY=VALUE, or values in order")
    command.add_argument("--out", type=path, metavar="FILE", help="write the network (.npz)")
    command.add_argument("--confirm", action="store_true", help="count the regions too, and compare")
    _add_budget(command, "--confirm: stop once N or more regions are found", "--confirm: stop after S seconds")


def _add_merge(commands: Any) -> None:
    command = add_command(commands, "merge", "join saved runs", MERGE)
    command.add_argument("runs", nargs="+", metavar="RUN", type=path, help="folders that --save wrote")
    command.add_argument("--out", required=True, type=path, metavar="RUN", help="a new folder for the joined run")


def _share(text: str) -> tuple[int, int]:
    first, _, second = text.partition("/")
    try:
        k, n = positive_integer(first), positive_integer(second)
    except argparse.ArgumentTypeError:
        k, n = 1, 0
    if k > n:
        raise argparse.ArgumentTypeError(f"expected K/N with K from 1 to N, such as 1/4, got {shown(text.strip())}")
    return k, n

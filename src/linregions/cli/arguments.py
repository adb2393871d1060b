"""The grammar of the command line.

argparse and not typer: a count of a small network has to end within 0.6 s, and importing typer and pydantic, which it
parses values with, takes about 0.25 s of that.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any, NoReturn

from ..checks import shown
from ..errors import InputError

MODEL = """MODEL is an ONNX file (.onnx), or arrays in .npz or .safetensors named W0, b0, W1, b1, ... (each W is
out x in, ReLU between, the last pair is the linear output)."""

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

STUDY = """Measure many networks, and write a report of what they say.

Every network is kept on disk as it is done: the same command goes on after a crash or Ctrl-C.  In the end the folder of
--out holds report.md, report.html, table.csv and scatter.png.

Exit status: 0 done, 2 bad input (one line says what), 74 the output could not be written, 130 interrupted (what was
measured is kept)."""

STUDY_SWAP = """Does the SWAP-Score of untrained networks rank architectures as training them does?

The score is set beside what is cheaper: units, parameters, FLOPs, depth, and what the space says of itself.  Spearman
and Kendall have bootstrap intervals; partial correlations say what the score knows beyond those controls.

  linregions study swap --space darts --table darts1000_cifar10.csv --out darts --ablate noise
  linregions study swap --space digits --out digits

Exit status: 0 done, 2 bad input (one line says what), 74 the output could not be written, 130 interrupted (what was
measured is kept, and the same command goes on)."""

SEARCH = """Search a space of architectures without training any: evolution by the SWAP-Score (SWAP-NAS).

The architecture that is found is printed with its score, its size and the cost.  With --table its true accuracy and
rank are looked up; with --compare random search by the same score and a search for many parameters stand beside it, at
the same number of scored architectures.  With --out the folder DIR holds result.json and history.csv.

  linregions search --space darts --size-target 3.3e6 --out found
  linregions search --space nb201 --table nasbench201_cifar10.csv --compare

Exit status: 0 done, 2 bad input (one line says what), 3 the time ran out (what was found so far is printed), 74 the
output could not be written, 130 interrupted (what was found so far is printed)."""

COMMANDS = ("count", "estimate", "info", "bounds", "compare", "construct", "merge", "score", "study", "search")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; `{self.prog} --help` shows what there is")


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
    from .score_arguments import add_score

    top = _Parser(
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
    _add_study(commands)
    _add_search(commands)
    return top


def _add_command(commands: Any, name: str, summary: str, description: str) -> argparse.ArgumentParser:
    command = commands.add_parser(
        name,
        help=summary,
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    command.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    return command


def _add_model(command: argparse.ArgumentParser, **options: Any) -> None:
    command.add_argument("model", metavar="MODEL", type=_path, help="the network's file", **options)


def _add_count(commands: Any) -> None:
    command = _add_command(commands, "count", "count the linear regions of a network on a domain", COUNT)
    _add_model(command, nargs="?")
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
    folder.add_argument("--save", type=_path, metavar="RUN", help="write what is done to the new folder RUN")
    folder.add_argument("--resume", type=_path, metavar="RUN", help="go on with the run in the folder RUN")
    saved.add_argument("--list", action="store_true", help="with --save: keep every region, not only their number")
    saved.add_argument("--part", type=_share, metavar="K/N", help="with --save: do only share K of N, for `merge`")


def _add_estimate(commands: Any) -> None:
    command = _add_command(commands, "estimate", "bracket a number of regions that is too large to count", ESTIMATE)
    _add_model(command)
    _add_domain(command, "one of these; a LIST is comma-separated numbers or a .npy vector")
    fitting = "as many as the time allows"
    command.add_argument("--samples", type=_positive_integer, metavar="N", help=f"uniform points (default: {fitting})")
    command.add_argument("--lines", type=_count, metavar="N", help=f"random lines (default: {fitting})")
    command.add_argument("--data", type=_path, metavar="FILE", help="samples (.npy) near which to look too")
    command.add_argument("--spread", type=_positive_number, metavar="S", help="standard deviation around the data")
    command.add_argument(
        "--pieces", type=_positive_integer, metavar="N", help=f"random pieces to count (default: {fitting})"
    )
    command.add_argument("--level", type=_positive_number, metavar="P", default=0.95, help="confidence (0.95)")
    command.add_argument("--seed", type=_count, metavar="N", default=0, help="of the random numbers (0)")
    command.add_argument("--threads", type=_positive_integer, metavar="N", help="worker threads (default: all cores)")
    command.add_argument(
        "--time-limit", type=_positive_number, metavar="S", default=10.0, help="seconds in all (10; inf: no limit)"
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
        type=_path,
        metavar="FILE",
        help='JSON with "lower" and "upper", "A" and "b" (A x <= b), "segment": [a, b], or "plane": [p, q, r] and '
        '"region": [[s, t], ...]; or .npz with A and b',
    )
    domain.add_argument("--space", action="store_true", help="the whole input space")


def _add_budget(
    command: argparse.ArgumentParser, regions: str, seconds: str = "stop after S seconds (inf: never)"
) -> None:
    command.add_argument("--threads", type=_positive_integer, metavar="N", help="worker threads (default: all cores)")
    command.add_argument("--time-limit", type=_positive_number, metavar="S", help=seconds)
    command.add_argument("--max-regions", type=_positive_integer, metavar="N", help=regions)


def _add_info(commands: Any) -> None:
    description = f"Say what MODEL is: architecture, units, activations, parameters, hash.\n\n{MODEL}"
    _add_model(_add_command(commands, "info", "say what a network is made of", description))


def _add_bounds(commands: Any) -> None:
    command = _add_command(commands, "bounds", "every bound on the number of regions of an architecture", BOUNDS)
    command.add_argument("architecture", metavar="ARCH", type=_path, help='such as 2-16-16-1, "2;16,16" or a file')
    command.add_argument(
        "--activation", metavar="NAME", help="of the hidden units of widths: relu (the default), abs, maxout, ..."
    )
    command.add_argument("--rank", type=_positive_integer, metavar="K", help="maxout: a unit is the maximum of K maps")
    command.add_argument(
        "--box",
        nargs=2,
        metavar=("LO", "HI"),
        help="with a file: a box on which units that never change are told apart",
    )


def _add_compare(commands: Any) -> None:
    command = _add_command(commands, "compare", "deep against shallow networks of one size", COMPARE)
    command.add_argument("--inputs", type=_positive_integer, metavar="N", required=True, help="number of inputs")
    budget = command.add_mutually_exclusive_group(required=True)
    budget.add_argument("--units", type=_positive_integer, metavar="N", help="hidden units in all")
    budget.add_argument("--parameters", type=_positive_integer, metavar="P", help="most weights and biases")
    budget.add_argument(
        "--widths",
        nargs="+",
        metavar="W,W",
        help='hidden widths of every network: "24 12,12 8,8,8", with or without quotes',
    )
    command.add_argument("--depths", metavar="D,D", help="which depths, such as 1,2,4 (default: up to units / inputs)")
    command.add_argument("--outputs", type=_positive_integer, metavar="N", default=1, help="number of outputs (1)")
    command.add_argument("--samples", type=_count, metavar="N", default=5, help="random networks per depth (5)")
    command.add_argument("--trained", type=_count, metavar="N", default=0, help="trained networks per depth (0)")
    command.add_argument("--init", default="he", metavar="NAME", help="he (the default), glorot, orthogonal or torch")
    command.add_argument("--bias", metavar="B", help="standard deviation of the biases (0.1), or zero, or torch")
    command.add_argument("--seed", type=_count, metavar="N", default=0, help="of the first random network (0)")
    _add_budget(
        command,
        "count no construction with more regions than N (1000000); other counts stop there",
        "stop after S seconds in all (10; inf: never)",
    )
    _add_domain(command, "where random and trained networks are counted; the default is --box -1 1")
    command.add_argument("--csv", type=_path, metavar="FILE", help="write the table")
    command.add_argument("--figure", type=_path, metavar="FILE", help="draw it (.png, .svg, .pdf); needs matplotlib")


def _add_construct(commands: Any) -> None:
    command = _add_command(commands, "construct", "build a network with a known number of regions", CONSTRUCT)
    command.add_argument("name", nargs="?", metavar="NAME", help="which construction; none lists them")
    command.add_argument("arguments", nargs="*", metavar="ARG", help="an architecture, KEY=VALUE, or values in order")
    command.add_argument("--out", type=_path, metavar="FILE", help="write the network (.npz)")
    command.add_argument("--confirm", action="store_true", help="count the regions too, and compare")
    _add_budget(command, "--confirm: stop once N or more regions are found", "--confirm: stop after S seconds")


def _add_merge(commands: Any) -> None:
    command = _add_command(commands, "merge", "join saved runs", MERGE)
    command.add_argument("runs", nargs="+", metavar="RUN", type=_path, help="folders that --save wrote")
    command.add_argument("--out", required=True, type=_path, metavar="RUN", help="a new folder for the joined run")


def _add_study(commands: Any) -> None:
    command = commands.add_parser(
        "study",
        help="measure many networks, and write a report",
        description=STUDY,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    studies = command.add_subparsers(dest="study", metavar="STUDY", required=True)
    _add_study_swap(studies)
    report = _add_command(studies, "report", "write the report of a folder again", "Write the report again, from rows.")
    report.add_argument("out", metavar="DIR", type=_path, help="the folder of a study, finished or not")


def _add_study_swap(studies: Any) -> None:
    command = _add_command(studies, "swap", "the SWAP-Score against trained accuracies", STUDY_SWAP)
    spaces = ("darts", "nb201", "flexibert", "digits")  # as `linregions.scores.spaces`, which --help need not import
    command.add_argument("--space", required=True, choices=spaces, help="which architectures")
    command.add_argument("--out", required=True, type=_path, metavar="DIR", help="the study's folder, new or its own")
    command.add_argument("--table", type=_path, metavar="FILE", help="accuracies (digits needs none: it trains)")
    usual = "default: as the space's protocol says"
    command.add_argument("--limit", type=_positive_integer, metavar="N", help=f"architectures ({usual})")
    command.add_argument("--samples", type=_positive_integer, metavar="S", help=f"probe inputs ({usual})")
    command.add_argument("--repeats", type=_positive_integer, metavar="N", help=f"draws of weights ({usual})")
    command.add_argument("--seed", type=_count, metavar="N", default=0, help="of everything random (0)")
    command.add_argument("--ablate", choices=("noise",), help="noise: score every network on noise as well")
    command.add_argument("--baselines", action="store_true", help="synflow, Jacobian covariance, grad norm, snip too")
    command.add_argument("--workers", type=_positive_integer, metavar="N", default=1, help="processes (1)")


def _add_search(commands: Any) -> None:
    command = _add_command(commands, "search", "search a space of architectures without training", SEARCH)
    spaces = ("darts", "nb201", "digits")  # of `linregions.scores.spaces`, which --help need not import
    command.add_argument("--space", required=True, choices=spaces, help="which architectures")
    command.add_argument("--table", type=_path, metavar="FILE", help="true accuracies, to look up what was found")
    command.add_argument(
        "--evaluations", type=_positive_integer, metavar="N", default=400, help="architectures to score (400)"
    )
    command.add_argument("--seed", type=_count, metavar="N", default=0, help="of the random choices (0)")
    command.add_argument("--time-limit", type=_positive_number, metavar="S", help="stop after S seconds (inf: never)")
    command.add_argument("--out", type=_path, metavar="DIR", help="a folder for result.json and history.csv")
    size = command.add_argument_group("size", "search near a number of parameters")
    size.add_argument("--size-target", type=_positive_number, metavar="N", help="parameters, such as 3.3e6")
    size.add_argument(
        "--size-width",
        type=_positive_number,
        metavar="N",
        help="so many parameters away cost a factor e of the score (default: a quarter of the target)",
    )
    size.add_argument(
        "--size-network",
        choices=("full", "proxy"),
        help="whose parameters: of the network that is meant to be trained (the default), or of the one that is scored",
    )
    beside = command.add_argument_group("comparison")
    beside.add_argument("--compare", action="store_true", help="random search and parameters beside it; needs --table")
    beside.add_argument("--seeds", type=_positive_integer, metavar="N", help="searches of each kind (3)")


def _share(text: str) -> tuple[int, int]:
    first, _, second = text.partition("/")
    try:
        k, n = _positive_integer(first), _positive_integer(second)
    except argparse.ArgumentTypeError:
        k, n = 1, 0
    if k > n:
        raise argparse.ArgumentTypeError(f"expected K/N with K from 1 to N, such as 1/4, got {shown(text.strip())}")
    return k, n


def _path(text: str) -> str:
    path = text[1:] if text.startswith(" -") else text  # entry.py puts a space in front of what looks like a number
    if not path:
        raise argparse.ArgumentTypeError("'' is no path; give the path of a file")
    return path


def number(text: str) -> float:
    """A number as people write it; `float` alone would take 1_0 for 10."""
    if "_" in text:
        raise ValueError(text)
    return float(text)


def _positive_integer(text: str) -> int:
    sys.set_int_max_str_digits(0)  # a limit may have any size
    try:
        value = 0 if "_" in text else int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected a positive integer, got {shown(text.strip())}")
    return value


def _count(text: str) -> int:
    return 0 if text.strip() == "0" else _positive_integer(text)


def _positive_number(text: str) -> float:
    try:
        value = number(text)
    except ValueError:
        value = 0.0
    if not value > 0.0:
        raise argparse.ArgumentTypeError(f"expected a positive number, got {shown(text.strip())}")
    return value

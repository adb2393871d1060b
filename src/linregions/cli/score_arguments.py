"""The grammar of `linregions score` and `search`."""

from __future__ import annotations

import argparse
from typing import Any

from ..checks import shown
from .grammar import MODEL, add_command, add_model, from_zero, number, path, positive_integer, positive_number

SCORE = f"""Score an untrained network: how many different patterns its activation units show over a few samples.

The SWAP-Score needs no training and no labels: every unit has one pattern over the samples (active or not), and the
score is the number of different ones, counted exactly.  It ranks networks of one search space; docs/scores.md says what
it does not say.

{MODEL}  A file is never run: its network is read and evaluated here.

--module PACKAGE.MODULE:FACTORY scores a torch module instead.  It IMPORTS AND RUNS that code, from the environment that
linregions is installed in: FACTORY is called without arguments and returns the nn.Module.

  linregions score net.onnx --data samples.npy --samples 16
  linregions score --module mynets.cells:build --data images.npy --init gaussian --repeats 32

Exit status: 0 done, 2 bad input (one line says what), 74 the output could not be written, 130 interrupted."""

SEARCH = """Search a space of architectures without training any: evolution by the SWAP-Score (SWAP-NAS).

The architecture that is found is printed with its score, its size and the cost.  With --table its true accuracy and
rank are looked up; with --compare random search by the same score and a search for many parameters stand beside it, at
the same number of scored architectures.  With --out the folder DIR holds result.json and history.csv.

  linregions search --space darts --size-target 3.3e6 --out found
  linregions search --space nb201 --table nasbench201_cifar10.csv --compare

Exit status: 0 done, 2 bad input (one line says what), 3 the time ran out (what was found so far is printed), 74 the
output could not be written, 130 interrupted (what was found so far is printed)."""


def add_score(commands: Any) -> None:
    """Add the command to a parser's commands."""
    command = add_command(commands, "score", "score an untrained network by its activation patterns", SCORE)
    add_model(command, nargs="?")
    command.add_argument("--data", type=path, metavar="FILE", required=True, help="samples (.npy), shape (n, ...)")
    command.add_argument("--samples", type=positive_integer, metavar="N", help="take the first N (default: all)")
    command.add_argument(
        "--indicator",
        default="positive",
        choices=("positive", "sign", "piece"),  # as in `swap_score`, which --help need not import
        help="what a unit shows for a sample: output > 0 (the default), its sign, or the piece of its function",
    )
    command.add_argument("--max-pool", action="store_true", help="maxima are activations too")
    command.add_argument("--eps", type=positive_number, metavar="E", help="count recorded values within E of 0")
    command.add_argument("--seed", type=from_zero, metavar="N", default=0, help="of the random numbers (0)")
    command.add_argument(
        "--no-companions", action="store_true", help="leave NWOT and standard patterns out, which take S^2 V operations"
    )
    command.add_argument("--layers", action="store_true", help="print a line for every activation too")
    size = command.add_argument_group("size term", "the score times exp(-(size - MU)^2 / SIGMA)")
    size.add_argument("--regularised", action="store_true", help="use it; needs --mu and --sigma")
    size.add_argument("--mu", type=_any_number, metavar="MU", help="the size that is wanted")
    size.add_argument("--sigma", type=positive_number, metavar="SIGMA", help="the width")
    size.add_argument("--unit", default="kparams", choices=("params", "kparams", "Mparams"), help="of size (kparams)")
    module = command.add_argument_group("torch modules")
    module.add_argument("--module", metavar="NAME", help="PACKAGE.MODULE:FACTORY; imports and runs that code")
    module.add_argument(
        "--init",
        choices=("keep", "gaussian", "default"),
        help="weights: as the factory draws them (the default), N(0, 1) as published, or each module's own",
    )
    module.add_argument("--repeats", type=positive_integer, metavar="N", help="draws of the weights (keep 1, else 8)")
    module.add_argument(
        "--mode",
        choices=("auto", "train", "eval", "keep"),
        help="auto (the default): no dropout, and batch norms by the statistics of the samples",
    )
    module.add_argument("--device", metavar="NAME", help="such as cuda (default: where the factory puts it)")


def add_search(commands: Any) -> None:
    """Add the command to a parser's commands."""
    command = add_command(commands, "search", "search a space of architectures without training", SEARCH)
    spaces = ("darts", "nb201", "digits")  # of `linregions.scores.spaces`, which --help need not import
    command.add_argument("--space", required=True, choices=spaces, help="which architectures")
    command.add_argument("--table", type=path, metavar="FILE", help="true accuracies, to look up what was found")
    command.add_argument(
        "--evaluations", type=positive_integer, metavar="N", default=200, help="architectures to score (200)"
    )
    command.add_argument("--seed", type=from_zero, metavar="N", default=0, help="of the random choices (0)")
    command.add_argument("--time-limit", type=positive_number, metavar="S", help="stop after S seconds (inf: never)")
    command.add_argument("--out", type=path, metavar="DIR", help="a folder for result.json and history.csv")
    size = command.add_argument_group("size", "search near a number of parameters")
    size.add_argument("--size-target", type=positive_number, metavar="N", help="parameters, such as 3.3e6")
    size.add_argument(
        "--size-width",
        type=positive_number,
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
    beside.add_argument("--seeds", type=positive_integer, metavar="N", help="searches of each kind (3)")


def _any_number(text: str) -> float:
    try:
        return number(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a number, got {shown(text.strip())}") from None

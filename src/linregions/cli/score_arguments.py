"""The grammar of `linregions score`."""

from __future__ import annotations

import argparse
from typing import Any

from ..checks import shown
from .arguments import MODEL, _add_command, _add_model, _count, _path, _positive_integer, _positive_number, number

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


def add_score(commands: Any) -> None:
    """Add the command to a parser's commands."""
    command = _add_command(commands, "score", "score an untrained network by its activation patterns", SCORE)
    _add_model(command, nargs="?")
    command.add_argument("--data", type=_path, metavar="FILE", required=True, help="samples (.npy), shape (n, ...)")
    command.add_argument("--samples", type=_positive_integer, metavar="N", help="take the first N (default: all)")
    command.add_argument(
        "--indicator",
        default="positive",
        choices=("positive", "sign", "piece"),  # as in `swap_score`, which --help need not import
        help="what a unit shows for a sample: output > 0 (the default), its sign, or the piece of its function",
    )
    command.add_argument("--max-pool", action="store_true", help="maxima are activations too")
    command.add_argument("--eps", type=_positive_number, metavar="E", help="count recorded values within E of 0")
    command.add_argument("--seed", type=_count, metavar="N", default=0, help="of the random numbers (0)")
    command.add_argument("--layers", action="store_true", help="print a line for every activation too")
    size = command.add_argument_group("size term", "the score times exp(-(size - MU)^2 / SIGMA)")
    size.add_argument("--regularised", action="store_true", help="use it; needs --mu and --sigma")
    size.add_argument("--mu", type=_number, metavar="MU", help="the size that is wanted")
    size.add_argument("--sigma", type=_positive_number, metavar="SIGMA", help="the width")
    size.add_argument("--unit", default="kparams", choices=("params", "kparams", "Mparams"), help="of size (kparams)")
    module = command.add_argument_group("torch modules")
    module.add_argument("--module", metavar="NAME", help="PACKAGE.MODULE:FACTORY; imports and runs that code")
    module.add_argument(
        "--init",
        choices=("keep", "gaussian", "default"),
        help="weights: as the factory draws them (the default), N(0, 1) as published, or each module's own",
    )
    module.add_argument("--repeats", type=_positive_integer, metavar="N", help="draws of the weights (keep 1, else 8)")
    module.add_argument(
        "--mode",
        choices=("auto", "train", "eval", "keep"),
        help="auto (the default): no dropout, and batch norms by the statistics of the samples",
    )
    module.add_argument("--device", metavar="NAME", help="such as cuda (default: where the factory puts it)")


def _number(text: str) -> float:
    try:
        return number(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a number, got {shown(text.strip())}") from None

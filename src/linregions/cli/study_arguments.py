"""The grammar of `linregions study`."""

from __future__ import annotations

import argparse
from typing import Any

from ..checks import shown
from .grammar import add_command, from_zero, path, positive_integer, positive_number

STUDY = """Measure many networks, and write a report of what they say.

Every row is kept on disk as it is done: the same command goes on after a crash or Ctrl-C.  In the end the folder of
--out holds report.md, report.html, table.csv and the pictures.

Exit status: 0 done, 2 bad input (one line says what), 74 the output could not be written, 130 interrupted (what was
measured is kept)."""

SWAP = """Does the SWAP-Score of untrained networks rank architectures as training them does?

The score is set beside what is cheaper: units, parameters, FLOPs, depth, and what the space says of itself.  Spearman
and Kendall have bootstrap intervals; partial correlations say what the score knows beyond those controls.

  linregions study swap --space darts --table darts1000_cifar10.csv --out darts --ablate noise
  linregions study swap --space digits --out digits

Exit status: 0 done, 2 bad input (one line says what), 74 the output could not be written, 130 interrupted (what was
measured is kept, and the same command goes on)."""

SSL = """What do the linear regions of an encoder do while it is trained without labels, and what with them?

Supervised, contrastive (SimCLR, MoCo), self-distilling (BYOL, SimSiam, DINO) and CCA methods (VICReg, Barlow Twins)
train the same small encoder from the same first weights, beside controls that collapse on purpose.  Regions are counted
exactly on the same planes through held-out images at every checkpoint; the tests T1 to T5 have bootstrap intervals.

  linregions study ssl --data digits --out digits
  linregions study ssl --data mnist --root DIR --out mnist --workers 2

Data: digits comes with scikit-learn; the files of mnist and fashion-mnist are looked for in --root, in torchvision's
layout or plain, and hold images of 28 x 28.  A PATH is a folder with such files of any size, or an .npz file with the
arrays x_train, y_train, x_test and y_test: images (count, height, width), whole numbers from 0 to 255 or fractions in
[0, 1], and labels from 0.  Two classes are enough.  Nothing is downloaded.

Exit status: 0 done, 2 bad input (one line says what), 74 the output could not be written, 130 interrupted (what was
measured is kept, and the same command goes on)."""

SUPERVISED = """How do region counts move through supervised training, near the data and far from it?

Counts on planes through held-out images stand beside those on planes through noise and far from the data, and local
complexity at training, test and random points.

  linregions study supervised --data digits --out supervised

Data: as `linregions study ssl --help` says.

Exit status: 0 done, 2 bad input (one line says what), 74 the output could not be written, 130 interrupted (what was
measured is kept, and the same command goes on)."""


def add_study(commands: Any) -> None:
    """Add the command to a parser's commands."""
    command = commands.add_parser(
        "study",
        help="measure many networks, and write a report",
        description=STUDY,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    studies = command.add_subparsers(dest="study", metavar="STUDY", required=True)
    _add_swap(studies)
    _add_ssl(studies)
    _add_supervised(studies)
    report = add_command(studies, "report", "write the report of a folder again", "Write the report again, from rows.")
    report.add_argument("out", metavar="DIR", type=path, help="the folder of a study, finished or not")


def _add_swap(studies: Any) -> None:
    command = add_command(studies, "swap", "the SWAP-Score against trained accuracies", SWAP)
    spaces = ("darts", "nb201", "flexibert", "digits")  # as `linregions.scores.spaces`, which --help need not import
    command.add_argument("--space", required=True, choices=spaces, help="which architectures")
    command.add_argument("--out", required=True, type=path, metavar="DIR", help="the study's folder, new or its own")
    command.add_argument("--table", type=path, metavar="FILE", help="accuracies (digits needs none: it trains)")
    usual = "default: as the space's protocol says"
    command.add_argument("--limit", type=positive_integer, metavar="N", help=f"architectures ({usual})")
    command.add_argument("--samples", type=positive_integer, metavar="S", help=f"probe inputs ({usual})")
    command.add_argument("--repeats", type=positive_integer, metavar="N", help=f"draws of weights ({usual})")
    command.add_argument("--seed", type=from_zero, metavar="N", default=0, help="of everything random (0)")
    command.add_argument("--ablate", choices=("noise",), help="noise: score every network on noise as well")
    command.add_argument("--baselines", action="store_true", help="synflow, Jacobian covariance, grad norm, snip too")
    command.add_argument("--workers", type=positive_integer, metavar="N", default=1, help="processes (1)")


def _add_ssl(studies: Any) -> None:
    command = add_command(studies, "ssl", "regions through self-supervised training", SSL)
    _add_training(command)
    command.add_argument(
        "--methods", type=_words, metavar="A,B,...", help="such as supervised,simclr,byol (default: all, with controls)"
    )
    command.add_argument("--batch", type=positive_integer, metavar="N", help="images in a step (256)")
    command.add_argument("--pad", type=positive_number, metavar="R", help="half the diagonal of every slice")


def _add_supervised(studies: Any) -> None:
    command = add_command(studies, "supervised", "regions through supervised training, near and far", SUPERVISED)
    _add_training(command)
    command.add_argument("--batch", type=positive_integer, metavar="N", help="images in a step (64)")


def _add_training(command: argparse.ArgumentParser) -> None:
    """What the studies that train have in common; what is left out is as the study's own defaults say."""
    command.add_argument(
        "--data", required=True, type=path, metavar="NAME", help="mnist, fashion-mnist, digits, or a PATH"
    )
    command.add_argument("--root", type=path, metavar="DIR", help="the folder with the files of a named data set")
    command.add_argument("--out", required=True, type=path, metavar="DIR", help="the study's folder, new or its own")
    command.add_argument("--seeds", type=positive_integer, metavar="N", help="trainings of each method (3)")
    command.add_argument("--steps", type=positive_integer, metavar="N", help="optimiser steps of a training")
    command.add_argument("--checkpoints", type=positive_integer, metavar="N", help="log-spaced ones")
    command.add_argument(
        "--encoder", type=_encoder, metavar="NAME", help="mlp, small, deep, convnet, or widths such as 128,64"
    )
    command.add_argument(
        "--slices", type=positive_integer, metavar="N", help="planes of a kind through held-out images (4, at most 64)"
    )
    command.add_argument("--train", type=positive_integer, metavar="N", help="images to train on (default: all)")
    command.add_argument("--held", type=positive_integer, metavar="N", help="held-out images (default: all)")
    command.add_argument("--seed", type=from_zero, metavar="N", help="of slices and split, first of the runs (0)")
    command.add_argument("--resamples", type=positive_integer, metavar="N", help="of every bootstrap interval (1000)")
    command.add_argument("--workers", type=positive_integer, metavar="N", help="processes, of one thread each (1)")


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _encoder(text: str) -> Any:
    """A name, or widths."""
    words = _words(text)
    try:
        return [positive_integer(word) for word in words] if words and words[0].isdigit() else text.strip()
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"expected a name or widths such as 128,64, got {shown(text)}") from error

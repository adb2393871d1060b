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

Exit status: 0 done, 2 bad input (one line says what), 3 a budget ran out (the partial result is printed),
74 the output could not be written, 130 interrupted (the partial result is printed)."""


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
    top = _Parser(
        prog="linregions",
        description="Linear regions of piecewise-linear networks, exactly.",
        allow_abbrev=False,
    )
    top.add_argument("--version", action=_Version, help="print the version and leave")
    commands = top.add_subparsers(dest="command", metavar="COMMAND")
    _add_count(commands)
    _add_info(commands)
    return top


def _add_command(commands: Any, name: str, summary: str, description: str) -> argparse.ArgumentParser:
    command = commands.add_parser(
        name,
        help=summary,
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    command.add_argument("model", metavar="MODEL", type=_path, help="the network's file")
    command.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    return command


def _add_count(commands: Any) -> None:
    command = _add_command(commands, "count", "count the linear regions of a network on a domain", COUNT)
    group = command.add_argument_group("domain", "one of these; a LIST is comma-separated numbers or a .npy vector")
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
    command.add_argument(
        "--definition",
        default="activation",
        metavar="NAME",
        help="what counts as a region; available: activation (the default)",
    )
    command.add_argument(
        "--engine",
        default="auto",
        choices=("auto", "cells", "arrangement"),  # as in `linregions.count`, which --help need not import
        help="cells: every network, dimension 1 to 8; arrangement: one hidden layer with integer weights on --space, "
        "any dimension; auto (the default) chooses",
    )
    command.add_argument("--threads", type=_positive_integer, metavar="N", help="worker threads (default: all cores)")
    command.add_argument("--time-limit", type=_positive_number, metavar="S", help="stop after S seconds (inf: never)")
    command.add_argument(
        "--max-regions", type=_positive_integer, metavar="N", help="stop once N or more regions are found"
    )
    command.add_argument(
        "--no-exact",
        dest="exact",
        action="store_false",
        help="leave doubtful signs to floating point, and say how many there were",
    )


def _add_info(commands: Any) -> None:
    description = f"Say what MODEL is: architecture, units, activations, parameters, hash.\n\n{MODEL}"
    _add_command(commands, "info", "say what a network is made of", description)


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


def _positive_number(text: str) -> float:
    try:
        value = number(text)
    except ValueError:
        value = 0.0
    if not value > 0.0:
        raise argparse.ArgumentTypeError(f"expected a positive number, got {shown(text.strip())}")
    return value

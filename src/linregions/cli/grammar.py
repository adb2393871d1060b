"""What the grammar of every command is made of: parsers, the argument MODEL, and the types of values."""

from __future__ import annotations

import argparse
import sys
from typing import Any, NoReturn

from ..checks import shown
from ..errors import InputError

MODEL = """MODEL is an ONNX file (.onnx), or arrays in .npz or .safetensors named W0, b0, W1, b1, ... (each W is
out x in, ReLU between, the last pair is the linear output)."""


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are InputErrors."""

    def error(self, message: str) -> NoReturn:
        """What argparse found wrong, and where the help is."""
        raise InputError(f"{message}; `{self.prog} --help` shows what there is")


def add_command(commands: Any, name: str, summary: str, description: str) -> argparse.ArgumentParser:
    """A command of the parser, with the option --json that all of them have."""
    command = commands.add_parser(
        name,
        help=summary,
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    command.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    return command


def add_model(command: argparse.ArgumentParser, **options: Any) -> None:
    """Give a command the argument MODEL."""
    command.add_argument("model", metavar="MODEL", type=path, help="the network's file", **options)


def path(text: str) -> str:
    """A file's name as it was typed."""
    name = text[1:] if text.startswith(" -") else text  # entry.py puts a space in front of what looks like a number
    if not name:
        raise argparse.ArgumentTypeError("'' is no path; give the path of a file")
    return name


def number(text: str) -> float:
    """A number as people write it; `float` alone would take 1_0 for 10."""
    if "_" in text:
        raise ValueError(text)
    return float(text)


def positive_integer(text: str) -> int:
    """1, 2, 3, ... of any size."""
    return _integer(text, 1, "a positive integer")


def from_zero(text: str) -> int:
    """0, 1, 2, ... of any size."""
    return _integer(text, 0, "a whole number from 0 on")


def _integer(text: str, least: int, what: str) -> int:
    sys.set_int_max_str_digits(0)  # a limit may have any size
    try:
        value = -1 if "_" in text else int(text)
    except ValueError:
        value = -1
    if value < least:
        raise argparse.ArgumentTypeError(f"expected {what}, got {shown(text.strip())}")
    return value


def positive_number(text: str) -> float:
    """A number above 0; inf is one."""
    try:
        value = number(text)
    except ValueError:
        value = 0.0
    if not value > 0.0:
        raise argparse.ArgumentTypeError(f"expected a positive number, got {shown(text.strip())}")
    return value

"""`linregions compare`: depths of one budget side by side, printed and written to files."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import linregions

from ..errors import InputError
from ..partition import Status
from . import status
from .domains import chosen_domain
from .grammar import number
from .progress import Progress
from .render import shown


def compare(options: Namespace) -> tuple[str, int]:
    """Run the command; what to print, and the exit status."""
    for name in ("csv", "figure"):
        _check_folder(getattr(options, name), f"--{name}")
    draw = linregions.plot.comparison if options.figure else None  # a missing matplotlib shows before the work
    domains = (options.box, options.segment, options.plane, options.domain)
    given = options.space or any(value is not None for value in domains)
    limits = {} if options.time_limit is None else {"time_limit": options.time_limit}
    limits |= {} if options.max_regions is None else {"max_regions": options.max_regions}
    with Progress() as progress:
        result = linregions.compare(
            options.inputs,
            options.units,
            parameters=options.parameters,
            widths=_lists(options.widths),
            depths=None if options.depths is None else _integers(options.depths, "--depths"),
            outputs=options.outputs,
            samples=options.samples,
            init=options.init,
            bias=_bias(options.bias),
            trained=options.trained,
            domain=chosen_domain(options, input_dim=options.inputs) if given else None,
            seed=options.seed,
            threads=options.threads,
            progress=progress.callback,
            **limits,
        )
    # Counts are integers of any size, and Python refuses to print more than 4300 digits otherwise.
    sys.set_int_max_str_digits(0)
    if options.csv:
        result.to_csv(options.csv)
    if draw is not None:
        draw(result, options.figure)
    text = json.dumps(result.as_dict()) if options.json else shown(result)
    return text, status.INTERRUPTED if result.status is Status.INTERRUPTED else status.DONE


def _check_folder(path: str | None, option: str) -> None:
    if path is not None and not Path(path).absolute().parent.is_dir():
        raise InputError(f"{option}: the folder of {path} does not exist; make it first")


def _lists(words: list[str] | None) -> list[list[int]] | None:
    """`24 12,12 8,8,8` as lists, in one word or in several."""
    if words is None:
        return None
    return [_integers(part, "--widths") for part in " ".join(words).split()]


def _integers(text: str, option: str) -> list[int]:
    try:
        return [_integer(part) for part in text.strip().split(",")]
    except ValueError:
        form = "such as 1,2,4" if option == "--depths" else "such as 12,12"
        raise InputError(f"{option}: expected whole numbers {form}, got {text.strip()!r}") from None


def _integer(text: str) -> int:
    if not text.strip().isdecimal() or not text.isascii():
        raise ValueError(text)
    return int(text)


def _bias(text: str | None) -> Any:
    try:
        return None if text is None else number(text)
    except ValueError:
        return text.strip() if text else text

"""`linregions study`: measure many networks, resumably, and write what they say."""

from __future__ import annotations

import json
import shlex
from argparse import Namespace

from ..errors import InputError
from ..partition import Status
from ..studies import swap
from ..studies.report import PAGE, REPORT, write_report
from ..studies.sentences import sentences
from . import status
from .progress import Progress

EXIT = {Status.COMPLETE: status.DONE, Status.INTERRUPTED: status.INTERRUPTED}


def study(options: Namespace) -> tuple[str, int]:
    """Run the command; what to print, and the exit status."""
    return _report(options) if options.study == "report" else _swap(options)


def _swap(options: Namespace) -> tuple[str, int]:
    with Progress("networks") as progress:
        result = swap.run(
            options.space,
            out=options.out,
            table=options.table,
            limit=options.limit,
            samples=options.samples,
            repeats=options.repeats,
            seed=options.seed,
            ablate=options.ablate,
            baselines=options.baselines,
            workers=options.workers,
            command=command_of(options),
            progress=progress.callback,
        )
    if result.status is Status.COMPLETE and result.failed == result.done:
        raise InputError(
            f"study: none of the {result.failed:,} networks in {result.folder} could be scored, the first one because "
            f"of {result.error}; change the settings, and begin in a new folder"
        )
    text = json.dumps(result.as_dict()) if options.json else str(result)
    return text, EXIT[result.status]


def _report(options: Namespace) -> tuple[str, int]:
    with Progress("columns") as progress:
        found = write_report(options.out, progress=progress.callback)
    if options.json:
        return json.dumps({"folder": options.out, "sentences": sentences(found), "findings": found.as_dict()}), 0
    return "\n".join([*sentences(found), "", f"report: {options.out}/{REPORT} and {PAGE}"]), status.DONE


def command_of(options: Namespace) -> str:
    """The command line that was given, as one would write it again."""
    words = ["linregions", "study", "swap", "--space", options.space]
    for name in ("table", "out", "limit", "samples", "repeats", "seed", "ablate", "workers"):
        value = getattr(options, name)
        if value is not None and (name, value) not in (("seed", 0), ("workers", 1)):
            words += [f"--{name}", str(value)]
    return shlex.join(words + (["--baselines"] if options.baselines else []))

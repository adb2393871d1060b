"""`linregions study`: measure many networks, resumably, and write what they say."""

from __future__ import annotations

import json
import re
import shlex
from argparse import Namespace
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..partition import Status
from ..studies import swap
from ..studies.folder import read_manifest
from ..studies.report import PAGE, REPORT, write_report
from ..studies.sentences import sentences
from . import status
from .progress import Progress

EXIT = {Status.COMPLETE: status.DONE, Status.INTERRUPTED: status.INTERRUPTED}
# What `command_of` writes, in this order, where it was given; flags are options without a value.
SWAP = ("space", "table", "out", "limit", "samples", "repeats", "seed", "ablate", "workers")
TRAINING = ("data", "root", "out", "methods", "seeds", "steps", "batch", "checkpoints", "encoder", "slices", "pad")
TRAINING = (*TRAINING, "train", "held", "seed", "resamples", "workers")


def study(options: Namespace) -> tuple[str, int]:
    """Run the command; what to print, and the exit status."""
    if options.study == "report":
        return _report(options)
    try:
        return _swap(options) if options.study == "swap" else _trained(options)
    except InputError as error:
        text = named(str(error), options)
        if text == str(error):
            raise
        raise InputError(text) from error


def named(text: str, options: Namespace) -> str:
    """An error of a study in the words of its command line: `batch must ...` is `--batch must ...` if it was given.

    Hints such as `train=16` become `--train 16`, given or not.

    Example:
        >>> named("batch must be 2 at least; give train=9", Namespace(study="ssl", batch=1))
        '--batch must be 2 at least; give --train 9'
    """
    names = SWAP if options.study == "swap" else TRAINING
    hints = rf"(?<![^\s(])({'|'.join(names)})=(?=\S)"
    text = re.sub(r"^method(?=: )", "methods", text)  # of which one is not known
    for name in names:
        if getattr(options, name, None) is not None:
            text = re.sub(rf"^{name}(?=: | must )", f"--{name}", text)
    return re.sub(hints, r"--\1 ", text)


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
    return _printed(options, result, "networks", "scored")


def _trained(options: Namespace) -> tuple[str, int]:
    """`study ssl` and `study supervised`: what was not given is left to the study."""
    run = _runner(options.study)
    names = [name for name in TRAINING if name not in ("data", "out") and getattr(options, name, None) is not None]
    given = {name: getattr(options, name) for name in names}
    with Progress("runs") as progress:
        result = run(options.data, out=options.out, **given, command=command_of(options), progress=progress.callback)
    return _printed(options, result, "runs", "measured")


def _runner(name: str) -> Any:
    if name == "ssl":
        from ..studies.ssl.run import run
    else:
        from ..studies.supervised import run
    return run


def _printed(options: Namespace, result: Any, noun: str, verb: str) -> tuple[str, int]:
    """The result, unless nothing could be measured."""
    if result.status is Status.COMPLETE and result.failed == result.done:
        raise InputError(
            f"study: none of the {result.failed:,} {noun} in {result.folder} could be {verb}, the first one because "
            f"of {result.error}; change the settings, and begin in a new folder"
        )
    text = json.dumps(result.as_dict()) if options.json else str(result)
    return text, EXIT[result.status]


def _report(options: Namespace) -> tuple[str, int]:
    """The report of a folder again, by the kind of its study."""
    kind = read_manifest(Path(options.out)).kind
    if kind == "swap":
        return _swap_report(options)
    if kind == "ssl":
        from ..studies.ssl.report import write_report as write
    elif kind == "supervised":
        from ..studies.supervised import write_report as write
    else:
        raise InputError(f"study: {options.out} holds a study of kind {kind}, which this linregions cannot report")
    with Progress("pictures") as progress:
        found = write(options.out, progress=progress.callback)
    if options.json:
        return json.dumps({"folder": options.out, "findings": found.as_dict()}), status.DONE
    return "\n".join([str(found), "", f"report: {options.out}/{REPORT} and {PAGE}"]), status.DONE


def _swap_report(options: Namespace) -> tuple[str, int]:
    with Progress("columns") as progress:
        found = write_report(options.out, progress=progress.callback)
    if options.json:
        return json.dumps({"folder": options.out, "sentences": sentences(found), "findings": found.as_dict()}), 0
    return "\n".join([*sentences(found), "", f"report: {options.out}/{REPORT} and {PAGE}"]), status.DONE


def command_of(options: Namespace) -> str:
    """The command line that was given, as one would write it again."""
    words = ["linregions", "study", options.study]
    for name in SWAP if options.study == "swap" else TRAINING:
        value = getattr(options, name, None)
        if value is not None and (options.study != "swap" or (name, value) not in (("seed", 0), ("workers", 1))):
            words += [f"--{name}", ",".join(map(str, value)) if isinstance(value, list) else str(value)]
    return shlex.join(words + (["--baselines"] if getattr(options, "baselines", False) else []))

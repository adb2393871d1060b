"""`linregions search`: look for an architecture without training, print it, and write how it was found."""

from __future__ import annotations

import json
import time
from argparse import Namespace
from pathlib import Path
from typing import Any

from ..comparison.files import json_text, write_text
from ..errors import InputError
from ..partition import Status
from ..scores.searching import Comparison, SearchResult, compare_searches, report
from ..scores.searching import search as run_search
from ..scores.spaces import Table, find_space, read_table
from . import status
from .progress import Progress

EXIT = {Status.COMPLETE: status.DONE, Status.BUDGET: status.BUDGET, Status.INTERRUPTED: status.INTERRUPTED}
SEEDS = 3


def search(options: Namespace) -> tuple[str, int]:
    """Run the command; what to print, and the exit status."""
    began = time.monotonic()  # the limit is of the whole command: reading a table and loading torch take seconds
    _check(options)
    table = None if options.table is None else read_table(options.space, options.table)
    folder = None if options.out is None else _made(Path(options.out))
    text, facts, history, found = (_compared if options.compare else _searched)(options, table, began)
    if folder is not None:
        write_text(folder / "history.csv", history)
        write_text(folder / "result.json", json_text(facts))
    return json.dumps(facts) if options.json else text, EXIT[found]


def _check(options: Namespace) -> None:
    if options.compare and options.table is None:
        raise InputError("--compare needs --table FILE, the true accuracies of the whole space")
    if options.seeds is not None and not options.compare:
        raise InputError("--seeds goes with --compare; --seed N chooses the random numbers of one search")
    for name in ("size_width", "size_network"):
        if getattr(options, name) is not None and options.size_target is None:
            raise InputError(f"--{name.replace('_', '-')} goes with --size-target N")


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(f"--out: {folder} cannot be made a folder ({error.strerror}); choose another place") from error
    if next(folder.iterdir(), None) is not None:
        raise InputError(
            f"--out: {folder} is not empty, and nothing in it is overwritten; give a new or an empty folder"
        )
    return folder


def _left(options: Namespace, began: float) -> float | None:
    """The seconds of the time limit that are left; one architecture is scored in any case."""
    if options.time_limit is None:
        return None
    return max(options.time_limit - (time.monotonic() - began), 1e-9)


def _size(options: Namespace) -> dict[str, Any]:
    wanted = {name: getattr(options, name) for name in ("size_target", "size_width", "size_network")}
    return {name: value for name, value in wanted.items() if value is not None}


def _searched(options: Namespace, table: Table | None, began: float) -> tuple[str, dict[str, Any], str, Status]:
    with Progress("architectures") as progress:
        result = run_search(
            find_space(options.space),
            evaluations=options.evaluations,
            seed=options.seed,
            time_limit=_left(options, began),
            progress=progress.callback,
            **_size(options),
        )
    text, looked_up = _looked_up(result, table)
    facts = result.as_dict() | {"table": looked_up}
    return "\n".join([str(result), *text]), facts, result.to_csv(), result.status


def _looked_up(result: SearchResult, table: Table | None) -> tuple[list[str], dict[str, Any] | None]:
    if table is None:
        return [], None
    if not any(architecture in table for architecture in result.tied):
        return [f"table   does not hold it: {len(table):,} architectures ({table.source})"], None
    found = report(result, table)
    return [f"table   {found} ({table.source})"], found.as_dict()


def _compared(options: Namespace, table: Table | None, began: float) -> tuple[str, dict[str, Any], str, Status]:
    assert table is not None
    with Progress("architectures") as progress:
        result: Comparison = compare_searches(
            find_space(options.space),
            table,
            evaluations=options.evaluations,
            seeds=tuple(options.seed + k for k in range(options.seeds or SEEDS)),
            time_limit=_left(options, began),
            progress=progress.callback,
            **_size(options),
        )
    return str(result), result.as_dict(), result.to_csv(), result.status

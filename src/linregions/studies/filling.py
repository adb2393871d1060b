"""Measure what a study's folder lacks, row by row, in this process or in several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

from ..partition import Status
from .folder import Row, StudyFolder
from .workers import results


def fill(
    folder: StudyFolder,
    measure: Callable[[Any], tuple[str, Row]],
    tasks: Sequence[Any],
    *,
    workers: int,
    asked: int,
    share: float,
    progress: Callable[[float, int], None] | None,
) -> Status:
    """Add the row of every task as it is done; Ctrl-C ends it and keeps the rows.

    Args:
        folder: open for writing.
        measure: gives a task's key and row; it has to be found by its module and name where there are several workers.
        tasks: what is missing.
        workers: processes, of one thread each; 1 works in this one.
        asked: how many rows there are to be in all.
        share: of the progress that all rows are; the rest is the report's.
        progress: called with (fraction, rows done).
    """
    done = asked - len(tasks)
    try:
        with closing(results(measure, tasks, workers)) as found:
            for key, row in found:
                folder.add(key, row)
                done += 1
                if progress is not None:
                    progress(share * done / asked, done)
    except KeyboardInterrupt:
        return Status.INTERRUPTED
    return Status.COMPLETE

"""A comparison as CSV and JSON, in files that appear whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import InputError
from .record import Comparison, Row, Sample


@contextmanager
def any_digits() -> Iterator[None]:
    """Python refuses to print integers of more than 4300 digits; within this block it does not."""
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        yield
    finally:
        sys.set_int_max_str_digits(before)


def json_text(content: dict[str, Any]) -> str:
    """One JSON object."""
    with any_digits():
        return json.dumps(content, indent=2, allow_nan=False) + "\n"


def csv_text(comparison: Comparison) -> str:
    """A header and one line per row; lists within a cell are separated by spaces."""
    out = io.StringIO()
    lines = [_cells(row) for row in comparison.rows]
    with any_digits():
        writer = csv.DictWriter(out, list(lines[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
    return out.getvalue()


def _cells(row: Row) -> dict[str, Any]:
    built, lower = row.built, row.lower
    counted = built.count
    return {
        "depth": row.depth,
        "widths": " ".join(map(str, row.widths)),
        "units": row.units,
        "parameters": row.parameters,
        "shallow_units": row.shallow_units,
        "shallow_maximum": row.shallow,
        "shallow_kind": "exact",
        "proven_lower": row.proven,
        "proven_lower_bound": lower.name if lower is not None else "",
        "proven_lower_status": lower.status if lower is not None else "",
        "proven_upper": int(row.upper),
        "proven_upper_bound": row.upper.name,
        "proven_upper_status": row.upper.status,
        "against_shallow": row.verdict,
        "construction": built.name,
        "construction_regions": built.regions,
        "construction_kind": built.kind.value,
        "counted": counted.value if counted else None,
        "counted_kind": counted.kind.value if counted else "",
        "confirmed": {True: "yes", False: "no", None: ""}[built.confirmed],
        "construction_note": built.reason,
        **_sample_cells("random", row.random),
        **_sample_cells("trained", row.trained),
    }


def _sample_cells(name: str, sample: Sample) -> dict[str, Any]:
    facts = sample.as_dict()
    return {
        f"{name}_counts": " ".join(map(str, sample.values)),
        f"{name}_kind": facts["kind"] or "",
        f"{name}_mean": facts["mean"],
        f"{name}_standard_deviation": facts["standard_deviation"],
        f"{name}_min": facts["min"],
        f"{name}_max": facts["max"],
        f"{name}_seeds": " ".join(map(str, sample.seeds)),
        f"{name}_note": sample.reason,
    }


def write_text(path: str | Path, text: str) -> None:
    """Write a text file beside its final name and rename it."""
    path = Path(path)
    name = None
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)
        os.replace(name, path)
    except BaseException as error:
        if name is not None:
            Path(name).unlink(missing_ok=True)
        if isinstance(error, OSError | ValueError):
            why = error.strerror if isinstance(error, OSError) else str(error)
            raise InputError(f"{path}: cannot be written ({why}); choose another place") from error
        raise

"""The published table of the FlexiBERT space: 500 trained encoders, their GLUE scores, and others' zero-cost scores."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from ...checks import shown
from ...errors import InputError
from .flexibert import EncoderPlan, Layer, plan
from .table import Table

TASKS = ("cola", "mnli", "mrpc", "qnli", "qqp", "rte", "sst", "sts")
_FIELDS = ("operation_type", "operation_parameter", "num_operation_heads", "feed_forward_dimension", "num_feed_forward")
_MIXINGS = {
    ("SA", "SDP"): "sa-sdp",
    ("SA", "WMA"): "sa-wma",
    ("LT", "DFT"): "lt-dft",
    ("LT", "DCT"): "lt-dct",
    ("DSC", 5): "dsc-5",
    ("DSC", 9): "dsc-9",
}


def read(path: str | Path, *, proxies: str | Path | None = None) -> Table:
    """Read the benchmark's JSON file (a list of objects with `id`, `scores` and `hparams`), and the scores beside it.

    Args:
        path: the JSON file.  The accuracy is the mean over the eight GLUE tasks, which the file states too; the two are
            compared.
        proxies: a CSV file of published scores with the columns `ID` and `GLUE Score`; joined by ID.  Without it, a
            file beside the first is taken, where there is one: `NAME_proxies.csv` beside `NAME_....json`.

    Returns:
        A Table whose columns are `id`, the eight tasks, and the published scores by their names in lower case with
        underscores (`number_of_parameters`, `head_confidence`, ...).

    Raises:
        InputError: a file cannot be read, an entry is not of this shape, or the two files do not belong together.
    """
    path = Path(path)
    entries = _load(path)
    architectures, columns = [], {name: [] for name in ("id", *TASKS)}
    for i, entry in enumerate(entries):
        where = f"{path.name}: entry {i}"
        architectures.append(_architecture(entry, where))
        scores = _scores(entry, where)
        for name in TASKS:
            columns[name].append(scores[name])
        columns["id"].append(_get(entry, "id", int, where))
    glue = np.mean([columns[name] for name in TASKS], axis=0) if entries else np.empty(0)
    columns = {name: np.array(values) for name, values in columns.items()}
    source = path.name
    beside = path.with_name(path.stem.split("_")[0] + "_proxies.csv")
    if proxies is not None or beside.is_file():
        proxies = Path(proxies or beside)
        columns |= _published(proxies, columns["id"], glue)
        source += f" and {proxies.name}"
    return Table("flexibert", tuple(architectures), glue, columns, source)


def _load(path: Path) -> list[Any]:
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(
            f"{path.name}: cannot be read as JSON ({shown(str(error))}); give the benchmark's file"
        ) from error
    if not isinstance(entries, list):
        raise InputError(f"{path.name}: must hold a list of models, holds a {type(entries).__name__}")
    return entries


def _get(entry: Any, key: str, kind: type | tuple[type, ...], where: str) -> Any:
    value = entry.get(key) if isinstance(entry, dict) else None
    if not isinstance(value, kind) or isinstance(value, bool):
        kinds = " or ".join(k.__name__ for k in (kind if isinstance(kind, tuple) else (kind,)))
        raise InputError(f"{where}: {key} must be of type {kinds}, got {shown(value)}")
    return value


def _architecture(entry: Any, where: str) -> EncoderPlan:
    for key in ("hparams", "model_hparam_overrides"):
        entry = _get(entry, key, dict, where)
    layers = _get(_get(entry, "nas_config", dict, where), "encoder_layers", list, where)
    return plan(_get(entry, "hidden_size", int, where), [_layer(layer, where) for layer in layers], where)


def _layer(entry: Any, where: str) -> Layer:
    kind, parameter, heads, width, stack = (_get(entry, field, (int, str), where) for field in _FIELDS)
    if (kind, parameter) not in _MIXINGS:
        raise InputError(f"{where}: operation {shown(kind)} with parameter {shown(parameter)} is not known")
    return Layer(_MIXINGS[kind, parameter], heads, width, stack)


def _scores(entry: Any, where: str) -> dict[str, float]:
    entry = _get(entry, "scores", dict, where)
    scores = {name: float(_get(entry, name, (int, float), where)) for name in (*TASKS, "glue")}
    mean = math.fsum(scores[name] for name in TASKS) / len(TASKS)
    # The tasks are given to two decimals.
    if not all(map(math.isfinite, scores.values())) or abs(mean - scores["glue"]) > 0.006:
        raise InputError(f"{where}: glue is {scores['glue']:.4f}, but the mean of its tasks is {mean:.4f}")
    return scores


def _published(path: Path, ids: np.ndarray, glue: np.ndarray) -> dict[str, np.ndarray]:
    """The columns of the second file, in the order of the first one's IDs."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            header, *lines = csv.reader(file)
        rows = {int(line[0]): [float(field) for field in line[1:]] for line in lines}
    except (OSError, ValueError, IndexError, csv.Error) as error:
        raise InputError(f"{path.name}: cannot be read as numbers ({shown(str(error))})") from error
    if header[:2] != ["ID", "GLUE Score"] or any(len(row) != len(header) - 1 for row in rows.values()):
        raise InputError(f"{path.name}: must have the columns ID, GLUE Score, ... with a number in each")
    missing = [int(i) for i in ids if int(i) not in rows]
    if missing:
        raise InputError(f"{path.name}: has no row for model {missing[0]}; give the file of the same models")
    values = np.array([rows[int(i)] for i in ids])
    wrong = np.flatnonzero(np.abs(values[:, 0] - glue) > 0.006)
    if wrong.size:
        raise InputError(f"{path.name}: model {ids[wrong[0]]} has another GLUE score; give the file of the same models")
    names = [name.strip().lower().replace(" ", "_") for name in header[2:]]
    return dict(zip(names, values[:, 1:].T, strict=True))

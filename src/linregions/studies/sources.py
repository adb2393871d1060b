"""Which architectures a study looks at, and where their accuracies come from."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..checks import plural, whole_number
from ..errors import InputError
from .folder import Row
from .protocols import protocol_of
from .ranking import TRUTH


class Source:
    """Where the accuracies of a study come from: a table, or trainings of the space's own.

    Attributes:
        train: trains an architecture, where there is no table.
        settings: what the rows depend on.
        text: what the source is, for the report.
        rows: key, architecture's text and known numbers of every row.

    Args:
        space: the search space.
        table: a file or a `Table`, or None.
        limit: how many architectures.
        seed: of the choice.
        trainings: seeds of every training.

    Raises:
        InputError: there is no table, and the space trains nothing.
    """

    def __init__(self, space: Any, table: Any, limit: int | None, seed: int, trainings: int):
        limit = protocol_of(space.name).limit if limit is None else whole_number(limit, "limit")
        rng = np.random.default_rng([seed, 0x5EED])  # not the stream of the probe
        self.train: Trainings | None = None
        if table is not None:
            opened, checksum, self.text = _opened(space, table)
            self.settings: Row = {"table": checksum}
            self.rows = _chosen(space, opened, limit, rng)
            return
        trained = trainer(space)
        if trained is None:
            raise InputError(
                f"table: the study of {space.name} compares with accuracies of trained networks; give a table of them "
                "(--table FILE)"
            )
        self.train = Trainings(trained, whole_number(trainings, "trainings"))
        self.settings = {"trainings": trainings}
        self.text = f"{plural(trainings, 'training')} of each network, here"
        texts = [space.text(architecture) for architecture in _drawn(space, limit or 200, rng)]
        self.rows: list[tuple[str, str, Row]] = [(text, text, {}) for text in texts]


def _chosen(space: Any, table: Any, limit: int | None, rng: np.random.Generator) -> list[tuple[str, str, Row]]:
    """Rows of a table, drawn at random where there is a limit; of one limit those of every smaller one are a part."""
    texts = [space.text(architecture) for architecture in table.architectures]
    seen: dict[str, int] = {}
    keys = []
    for text in texts:  # all of them, so that a key does not depend on the choice
        seen[text] = seen.get(text, 0) + 1
        keys.append(text if seen[text] == 1 else f"{text} #{seen[text]}")
    order = rng.permutation(len(texts)).tolist()
    return [(keys[i], texts[i], {TRUTH: float(table.accuracy[i])}) for i in order[:limit]]


def trainer(space: Any) -> Callable[..., float] | None:
    """What trains an architecture of a space and gives its accuracy; None for spaces that only have tables."""
    if space.name == "digits":
        from ..scores.spaces.digits_training import train

        return train
    return getattr(space, "train", None)


@dataclass(frozen=True)
class Trainings:
    """Trains an architecture from several seeds."""

    train: Callable[..., float]
    seeds: int

    def __call__(self, architecture: Any) -> Row:
        """The accuracies of all seeds, their mean, and the seconds of one training."""
        start = time.perf_counter()
        found = [float(self.train(architecture, seed=k)) for k in range(self.seeds)]
        return {
            TRUTH: sum(found) / len(found),
            "accuracies": found,
            "seconds_training": (time.perf_counter() - start) / self.seeds,
        }


def _drawn(space: Any, limit: int, rng: np.random.Generator) -> list[Any]:
    """Different architectures of the space; all of them where there are no more."""
    limit = limit if space.size is None else min(limit, space.size)
    found: dict[Any, None] = {}
    while len(found) < limit:
        found[space.sample(rng)] = None
    return list(found)


def _opened(space: Any, table: Any) -> tuple[Any, str, str]:
    """The table, its checksum, and a line about it."""
    if isinstance(table, str | Path):
        read = space.read_table(table)
        checksum = hashlib.sha256(Path(table).read_bytes()).hexdigest()
        return read, checksum, f"{Path(table).name}, {len(read.architectures):,} rows, SHA-256 {checksum[:12]}"
    texts = [space.text(architecture) for architecture in table.architectures]
    digest = hashlib.sha256("\n".join(texts).encode() + np.asarray(table.accuracy, dtype="<f8").tobytes()).hexdigest()
    return table, digest, f"{table.source or 'a table'}, {len(texts):,} rows, SHA-256 {digest[:12]}"

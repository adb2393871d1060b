"""Shards: numbered groups of finished pieces.

Shard 7 is `0000007.pieces.npy`, a table (pieces, 4) of piece number, regions, exact decisions and doubtful ones; in a
listing `0000007.regions.npy`, one record (pattern, witness, certified) a region, in the order of the table; and
`0000007.json` with their sizes and checksums and the key of the run.  That last file makes the shard exist.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .files import Damaged, check_file, check_size, sync_folder, write_file, write_npy

FOLDER = "shards"
DIGITS = 7


@dataclass(frozen=True)
class Batch:
    """Finished pieces.

    `table` (pieces, 4) has a piece's number, its regions, exact decisions and doubtful ones; in a listing `patterns`
    (regions, bytes), `witnesses` (regions, dim) and `certified` (regions,) hold the regions, one piece after another.
    """

    table: np.ndarray
    patterns: np.ndarray
    witnesses: np.ndarray
    certified: np.ndarray

    @property
    def size(self) -> int:
        """Bytes."""
        return self.table.nbytes + self.patterns.nbytes + self.witnesses.nbytes + self.certified.nbytes

    def records(self) -> np.ndarray:
        """The regions as one structured array."""
        out = np.empty(len(self.patterns), dtype=record_type(self.patterns.shape[1], self.witnesses.shape[1]))
        out["pattern"], out["witness"], out["certified"] = self.patterns, self.witnesses, self.certified
        return out

    def without(self, pieces: set[int]) -> Batch:
        """The same without some pieces."""
        keep = np.array([int(i) not in pieces for i in self.table[:, 0]], dtype=bool)
        if keep.all():
            return self
        rows = np.repeat(keep, self.table[:, 1]) if len(self.patterns) else np.zeros(0, dtype=bool)
        return Batch(self.table[keep], self.patterns[rows], self.witnesses[rows], self.certified[rows])


def joined(batches: list[Batch]) -> Batch:
    """Batches one after another."""
    return Batch(
        np.concatenate([b.table for b in batches]),
        np.concatenate([b.patterns for b in batches]),
        np.concatenate([b.witnesses for b in batches]),
        np.concatenate([b.certified for b in batches]),
    )


def record_type(pattern_bytes: int, dim: int) -> np.dtype:
    """Of one region on disk."""
    return np.dtype([("pattern", "u1", (pattern_bytes,)), ("witness", "<f8", (dim,)), ("certified", "u1")])


@dataclass(frozen=True)
class Shard:
    """A shard on disk: its folder and number, and what `0000007.json` says of it."""

    folder: Path
    number: int
    table: np.ndarray
    files: dict[str, dict[str, Any]]

    @property
    def name(self) -> str:
        """As its files are called."""
        return f"{self.number:0{DIGITS}d}"

    @property
    def regions(self) -> int:
        """How many regions its pieces have."""
        return int(self.table[:, 1].sum())

    def check(self) -> None:
        """Compare with the checksums.

        Raises:
            Damaged: they differ.
        """
        for name, record in self.files.items():
            check_file(self.folder / name, record)

    def records(self) -> np.ndarray:
        """The regions, memory-mapped.

        Raises:
            Damaged: the file is missing or has another size.
        """
        name = f"{self.name}.regions.npy"
        check_size(self.folder / name, self.files[name])
        try:
            return np.load(self.folder / name, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise Damaged(f"{name} cannot be read ({error})") from error

    def batch(self) -> Batch:
        """The pieces with their regions, memory-mapped."""
        if len(self.files) == 1:
            return counted(self.table)
        rows = self.records()
        return Batch(self.table, rows["pattern"], rows["witness"], rows["certified"])

    def remove(self) -> None:
        """Take the shard away; first the file that makes it exist."""
        for name in (f"{self.name}.json", *self.files):
            with suppress(FileNotFoundError):
                (self.folder / name).unlink()


def counted(table: np.ndarray) -> Batch:
    """Pieces without their regions."""
    return Batch(table, np.zeros((0, 0), np.uint8), np.zeros((0, 0)), np.zeros(0, np.uint8))


def write_shard(folder: Path, number: int, batch: Batch, *, listing: bool, key: str) -> Shard:
    """Put finished pieces of the run with that key on disk; on return they survive a power cut.

    Raises:
        OutputError: the disk is full or the folder cannot be written.
    """
    name = f"{number:0{DIGITS}d}"
    files = {f"{name}.pieces.npy": batch.table.astype("<i8")}
    if listing:
        files[f"{name}.regions.npy"] = batch.records()
    records = {file: write_npy(folder / file, array) for file, array in files.items()}
    sync_folder(folder)
    write_file(folder / f"{name}.json", json.dumps({"shard": number, "run": key, "files": records}).encode())
    sync_folder(folder)
    return Shard(folder, number, batch.table, records)


def read_shard(path: Path, key: str) -> Shard:
    """The shard of a `.json` file, of the run with that key; sizes are checked, checksums of the table too.

    Raises:
        Damaged: a file is missing, has another size or is not what was written.
    """
    try:
        record = json.loads(path.read_bytes())
        number, files = int(record["shard"]), dict(record["files"])
        name = f"{number:0{DIGITS}d}"
        allowed = {f"{name}.pieces.npy", f"{name}.regions.npy"}
        if name != path.stem or f"{name}.pieces.npy" not in files or not set(files) <= allowed:
            raise ValueError("it names other files")
        if record["run"] != key:
            raise ValueError("it belongs to another run")
        if any(set(entry) != {"bytes", "sha256"} for entry in files.values()):
            raise ValueError("it does not say what the files are")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Damaged(f"{path.name} cannot be read ({error})") from error
    table_name = f"{name}.pieces.npy"
    check_file(path.parent / table_name, files[table_name])
    for name in files:
        check_size(path.parent / name, files[name])
    try:
        table = np.load(path.parent / table_name, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise Damaged(f"{table_name} cannot be read ({error})") from error
    if table.ndim != 2 or table.shape[1:] != (4,) or table.dtype != np.dtype("<i8") or (table < 0).any():
        raise Damaged(f"{table_name} is no table of pieces")
    return Shard(path.parent, number, table, files)

"""The folder of a study: what was asked for, and one line for each thing that was measured."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ..checks import shown
from ..errors import InputError, OutputError
from ..store.files import FULL, TEMPORARY, sync_folder, write_file
from ..store.lock import FolderLock
from .consistency import CHECKS

MANIFEST, ROWS = "manifest.json", "rows.jsonl"
FORMAT, VERSION = "linregions study", 1
CHECKSUM = "checksum"  # of a line's other fields; folders of earlier versions have none

Row = dict[str, Any]


@dataclass(frozen=True)
class Manifest:
    """What a study is.

    Attributes:
        kind: which study, such as "swap".
        settings: what its rows depend on; a study goes on with the same ones only.
        facts: what belongs to the report: sources, hashes, names of columns.
        sessions: versions and command of every run that added rows, each different one once.
    """

    kind: str
    settings: Row
    facts: Row
    sessions: tuple[Row, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """As it stands in `manifest.json`."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "kind": self.kind,
            "settings": self.settings,
            "facts": self.facts,
            "sessions": list(self.sessions),
        }


class StudyFolder:
    """A study that is being written: a context manager that holds the folder's lock.

    Every row is on disk, as far as the system writes what it was given, when `add` returns; a line carries a checksum
    of what it says, and one that a crash cut short is dropped when the study is opened again.

    Args:
        path: the folder; it is made where it is missing.
        manifest: what is asked for.

    Raises:
        InputError: the folder holds another study, something else, or is being written by another process.
        OutputError: it cannot be written.
    """

    def __init__(self, path: str | Path, manifest: Manifest):
        self.path = Path(path)
        with writing(self.path):
            _make(self.path)
            _check_ours(self.path)  # before the lock, whose file stays
            self._lock = FolderLock(self.path)
            try:
                self.manifest = self._agreed(manifest)
                self.rows = self._reopened()
                self._file = self._append()
            except BaseException:
                self._lock.release()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def add(self, key: str, row: Mapping[str, Any]) -> None:
        """Keep what was found for `key`.

        Raises:
            OutputError: the disk is full; the rows before are kept.
        """
        content = {"key": key, **{name: _plain(value) for name, value in row.items()}}
        line = json.dumps(content | {CHECKSUM: _checksum(content)}, allow_nan=False)
        view = memoryview((line + "\n").encode())
        with writing(self.path):
            while view:  # unbuffered: one write, unless the disk is nearly full
                view = view[self._file.write(view) or 0 :]
        self.rows[key] = dict(row)

    def close(self) -> None:
        """Let others write the folder."""
        if not self._file.closed:
            with suppress(OSError):
                os.fsync(self._file.fileno())
            self._file.close()
        self._lock.release()

    def _agreed(self, asked: Manifest) -> Manifest:
        """The manifest on disk, brought up to date; it has to be of the same study."""
        asked = _read_back(asked.as_dict())  # numbers as JSON has them
        if (self.path / MANIFEST).exists():
            before = read_manifest(self.path)
            _compare(self.path, before, asked)
            sessions = before.sessions + tuple(s for s in asked.sessions if s not in before.sessions)
        else:
            _check_ours(self.path)
            sessions = asked.sessions
        agreed = Manifest(asked.kind, asked.settings, asked.facts, sessions)
        write_file(self.path / MANIFEST, (json.dumps(agreed.as_dict(), indent=2) + "\n").encode())
        sync_folder(self.path)
        return agreed

    def _reopened(self) -> dict[str, Row]:
        rows, good = _read_rows(self.path, self.manifest.kind)
        if good is not None:
            os.truncate(self.path / ROWS, good)
        return rows

    def _append(self) -> Any:
        return open(self.path / ROWS, "ab", buffering=0)


def read_study(path: str | Path) -> tuple[Manifest, dict[str, Row]]:
    """The manifest of a study's folder and its rows by key; nothing is locked or changed.

    Raises:
        InputError: the folder holds no study, or one of a later version.
    """
    folder = Path(path)
    manifest = read_manifest(folder)
    return manifest, _read_rows(folder, manifest.kind)[0]


def read_manifest(folder: Path) -> Manifest:
    """The manifest in a folder.

    Raises:
        InputError: there is none that can be read.
    """
    file = folder / MANIFEST
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"study: {folder} holds no study ({MANIFEST}: {error.strerror}); give its folder") from error
    except ValueError as error:
        raise InputError(f"study: {file} is no JSON ({error}); restore it, or begin in a new folder") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError(f"study: {file} is not the manifest of a study; give the folder that --out named")
    if content.get("version") != VERSION:
        raise InputError(
            f"study: {file} is of version {shown(content.get('version'))} and this linregions reads {VERSION}; "
            "use the version that wrote it"
        )
    return _read_back(content)


def _read_back(content: dict[str, Any]) -> Manifest:
    same = json.loads(json.dumps(content))
    return Manifest(same["kind"], same["settings"], same["facts"], tuple(same["sessions"]))


def _compare(folder: Path, before: Manifest, asked: Manifest) -> None:
    if before.kind != asked.kind:
        raise InputError(f"out: {folder} holds a {before.kind} study, not a {asked.kind} study; give another folder")
    # In the order in which the study names them: what a user chose comes before the hashes that follow from it.
    for name in {**asked.settings, **before.settings}:
        old, new = before.settings.get(name), asked.settings.get(name)
        if old != new:
            raise InputError(
                f"out: {folder} holds a study with {name} {shown(old)}, and {shown(new)} is asked for; "
                "give another folder, or the same settings to go on"
            )


def _read_rows(folder: Path, kind: str) -> tuple[dict[str, Row], int | None]:
    """Rows by key, and where the file has to be cut because its last line is torn."""
    file = folder / ROWS
    try:
        content = file.read_bytes() if file.exists() else b""
    except OSError as error:
        raise InputError(f"study: {file} cannot be read ({error.strerror})") from error
    rows: dict[str, Row] = {}
    end = content.rfind(b"\n") + 1
    for number, line in enumerate(content[:end].splitlines(), start=1):
        try:
            row = json.loads(line)
            wrong = _wrong(row, kind)
            key = row.pop("key")
            rows[key] = {name: _value(value) for name, value in row.items()}
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise InputError(
                f"study: {file}: line {number} is damaged; remove that line, and what it held is measured again"
            ) from error
        if wrong:
            raise InputError(
                f"study: {file}: line {number} {wrong}; remove that line, and what it held is measured again"
            )
    return rows, None if end == len(content) else end


def _checksum(content: Row) -> str:
    """Of what a line says, however JSON writes it."""
    text = json.dumps(content, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _wrong(row: Row, kind: str) -> str:
    """Why a line is not what was written, empty where nothing speaks against it; its checksum is taken out."""
    written = row.pop(CHECKSUM, None)
    if written is not None:
        return "" if written == _checksum(row) else "was changed after it was written (its checksum does not fit)"
    why = CHECKS[kind](row) if kind in CHECKS else ""
    return f"contradicts itself ({why})" if why else ""


def _plain(value: Any) -> Any:
    """JSON has no infinities."""
    if isinstance(value, float) and math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return value


def _value(value: Any) -> Any:
    return float(value) if value in ("inf", "-inf") else value


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise InputError(f"out: {folder} is a file; give a folder") from error


def _check_ours(folder: Path) -> None:
    ours = ("lock", "lock.pid", MANIFEST + TEMPORARY)  # of a run that died before its manifest stood there
    if not (folder / MANIFEST).exists() and any(entry.name not in ours for entry in folder.iterdir()):
        raise InputError(f"out: {folder} holds other files and no study; give a new or an empty folder")


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """What the system refuses becomes one sentence that names the study's argument and what to do next."""
    try:
        yield
    except (OSError, OutputError) as error:
        cause = error.__cause__ if isinstance(error, OutputError) else error
        if isinstance(cause, OSError) and cause.errno in FULL:
            raise OutputError(
                f"out: the disk of {folder} is full ({cause.strerror}); what was measured is kept, so free some space "
                "and give the same command again"
            ) from cause
        why = cause.strerror or cause if isinstance(cause, OSError) else error
        raise OutputError(f"out: {folder} cannot be written ({why}); name a folder that can be") from cause

"""A text file that grows by whole lines: what was written stays when the process is killed."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...checks import shown
from ...errors import InputError, OutputError
from ...store.files import FULL, write_file

EXISTING = ("refuse", "append", "replace")


class LineFile:
    """A file for lines, opened at the first one, so that only the process that measures touches it.

    Args:
        path: the file; its folder is made where it is missing.
        existing: what to do with a file that is there: "refuse" it, "append" to it, or "replace" it.
        what: the sink's name, for errors.

    Raises:
        InputError: `existing` is not known, or the file is there and is to be refused.
        OutputError: the folder cannot be made, or the path is no regular file.
    """

    def __init__(self, path: Any, existing: str, what: str):
        if existing not in EXISTING:
            raise InputError(f"existing: expected 'refuse', 'append' or 'replace', got {shown(existing)}")
        try:
            self.path = Path(path)
        except TypeError as error:
            raise InputError(f"{what}: path must be the name of a file, got {shown(path)}") from error
        self.what = what
        self.existing = existing
        self._handle: int | None = None
        self._check()

    def _check(self) -> None:
        folder = self.path.parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
            there = self.path.exists()
        except OSError as error:
            raise self._failed(error) from error
        if there and not self.path.is_file():
            raise OutputError(f"{self.what}: {self.path} is there and is no regular file; give another name")
        if there and self.existing == "refuse":
            raise InputError(
                f"{self.what}: {self.path} is there; give another name, existing='append' to continue it, "
                "or existing='replace'"
            )
        if not os.access(self.path if there else folder, os.W_OK):
            raise OutputError(f"{self.what}: {self.path} cannot be written (permission denied); give another folder")

    def start(self) -> list[str]:
        """Open the file, if it is not open; the lines that are kept in it.

        A last line without its end is what a killed process left: it is cut off.
        """
        if self._handle is not None:
            return []
        try:
            return self._open()
        except OSError as error:
            raise self._failed(error) from error

    def _open(self) -> list[str]:
        keep = self.existing == "append" and self.path.exists()
        content = self.path.read_bytes() if keep else b""
        whole = content.rfind(b"\n") + 1
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        self._handle = os.open(self.path, flags, 0o666)
        os.ftruncate(self._handle, whole)
        self.existing = "append"  # whatever opens it again goes on
        return content[:whole].decode("utf-8", "replace").split("\n")[:-1]

    def add(self, line: str) -> None:
        """Write one line; it is there whole, or not at all.

        Raises:
            OutputError: the disk is full or the file cannot be written; the lines before are kept.
        """
        self.start()
        handle = self._handle
        assert handle is not None
        content = memoryview((line + "\n").encode("utf-8"))
        size = os.fstat(handle).st_size
        try:
            while content:
                content = content[os.write(handle, content) :]
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(handle, size)
            raise self._failed(error) from error

    def rewrite(self, lines: list[str]) -> None:
        """Put a file with these lines in its place, by renaming.

        Raises:
            OutputError: it could not be written; the file is as it was.
        """
        self.close()
        try:
            write_file(self.path, "".join(line + "\n" for line in lines).encode("utf-8"))
        except OutputError as error:
            cause = error.__cause__
            raise self._failed(cause if isinstance(cause, OSError) else error) from error

    def close(self) -> None:
        """Close the file; a later line opens it again."""
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)

    def _failed(self, error: OSError) -> OutputError:
        if error.errno in FULL:
            return OutputError(
                f"{self.what}: no room for another line of {self.path} ({error.strerror}); the lines before are kept, "
                "so free some space"
            )
        return OutputError(
            f"{self.what}: {self.path} cannot be written ({error.strerror or error}); give a folder that can"
        )

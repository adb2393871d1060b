"""Files that are there whole or not at all: written under another name, synced, renamed; checked by SHA-256."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import OutputError

BLOCK = 1 << 20
FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EFBIG}
TEMPORARY = ".part"


class DamageWarning(UserWarning):
    """A part of a run folder is damaged; the message says which and what is done about it."""


class Damaged(Exception):
    """A file is not what was written; the text says how."""


def write_file(path: Path, content: bytes | memoryview) -> None:
    """Put a file in its place, or leave everything as it was; on return it survives a power cut (not its folder entry).

    Raises:
        OutputError: the disk is full, the folder cannot be written, or the path is there and is no regular file.
    """
    path = resolved(path)
    partial = path.with_name(path.name + TEMPORARY)
    try:
        with open(partial, "wb", buffering=0) as file:
            view = memoryview(content).cast("B")
            while view:
                view = view[file.write(view) :]
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink()
        raise unwritable(path.parent, error) from error


def resolved(path: Path) -> Path:
    """Where a file may be put by renaming: a link stays and what it leads to is replaced, a device is not.

    Raises:
        OutputError: what is there is no regular file.
    """
    target = Path(os.path.realpath(path)) if path.is_symlink() else path
    try:
        mode = os.lstat(target).st_mode
    except FileNotFoundError:
        return target
    except OSError as error:
        raise unwritable(path.parent, error) from error
    if not stat.S_ISREG(mode):
        raise OutputError(f"save: {path} is there and is no regular file; give another name")
    return target


def unwritable(folder: Path, error: OSError) -> OutputError:
    """The error that a failed write becomes."""
    if error.errno in FULL:
        return OutputError(
            f"save: the disk of {folder} is full ({error.strerror}); what was saved before is kept, so free some space "
            "and resume the run"
        )
    return OutputError(
        f"save: {folder} cannot be written ({error.strerror or error}); give a folder that can be, "
        "or resume the run later"
    )


def sync_folder(path: Path) -> None:
    """Make the names in a folder survive a power cut."""
    with suppress(OSError):  # not every file system, and not Windows, syncs folders
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def npy(array: np.ndarray) -> tuple[bytes, memoryview]:
    """Header and content of a .npy file."""
    head = io.BytesIO()
    array = np.ascontiguousarray(array)
    np.lib.format.write_array_header_1_0(head, np.lib.format.header_data_from_array_1_0(array))
    return head.getvalue(), memoryview(array.reshape(-1).view(np.uint8).data)


def write_npy(path: Path, array: np.ndarray) -> dict[str, Any]:
    """Write a .npy file; its size and SHA-256, as `check_file` takes them."""
    head, body = npy(array)
    content = bytearray(head)
    content += body
    write_file(path, memoryview(content))
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def check_size(path: Path, record: dict[str, Any]) -> None:
    """Compare a file's size with its record.

    Raises:
        Damaged: it is missing or has another size.
    """
    try:
        size = path.stat().st_size
    except OSError as error:
        raise Damaged(f"{path.name} cannot be read ({error.strerror})") from error
    if size != record["bytes"]:
        raise Damaged(f"{path.name} has {size:,} bytes and should have {record['bytes']:,}")


def check_file(path: Path, record: dict[str, Any]) -> None:
    """Compare a file's size and content with its record.

    Raises:
        Damaged: they differ.
    """
    check_size(path, record)
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while block := file.read(BLOCK):
                digest.update(block)
    except OSError as error:
        raise Damaged(f"{path.name} cannot be read ({error.strerror})") from error
    if digest.hexdigest() != record["sha256"]:
        raise Damaged(f"{path.name} does not have the checksum that was recorded")

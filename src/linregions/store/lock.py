"""One process at a time writes a run folder."""

from __future__ import annotations

import errno
import os
import socket
from contextlib import suppress
from pathlib import Path

from ..errors import InputError
from .files import unwritable

NAME = "lock"


class FolderLock:
    """An advisory lock on a folder, held until `release` or the end of the process.

    Where the file system knows `flock`, the system itself drops the lock of a process that dies.  Elsewhere the lock is
    that the file exists; one that a dead process of this machine left is taken over.
    """

    def __init__(self, folder: Path):
        self._path = folder / NAME
        self._exclusive = False
        try:
            self._handle = self._take(folder)
        except OSError as error:
            raise unwritable(folder, error) from error

    def release(self) -> None:
        """Let others write."""
        if self._handle < 0:
            return
        if self._exclusive:
            with suppress(OSError):
                self._path.unlink()
        os.close(self._handle)
        self._handle = -1

    def _take(self, folder: Path) -> int:
        # The file stays when the lock goes: removing it would let two processes lock two files of one name.
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if not _flock(handle):
                os.close(handle)
                return self._take_by_name(folder)
        except BlockingIOError:
            os.close(handle)
            raise _refusal(folder, self._path) from None
        with suppress(OSError):  # whose it is matters to readers only
            os.ftruncate(handle, 0)
            os.write(handle, _me())
        return handle

    def _take_by_name(self, folder: Path) -> int:
        path = self._path = self._path.with_name(f"{NAME}.pid")
        for _ in range(2):
            try:
                handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
            except FileExistsError:
                if not _left_behind(path):
                    raise _refusal(folder, path) from None
                with suppress(FileNotFoundError):
                    path.unlink()
                continue
            os.write(handle, _me())
            self._exclusive = True
            return handle
        raise _refusal(folder, path)


def _flock(handle: int) -> bool:
    """Lock an open file; False where the system cannot.

    Raises:
        BlockingIOError: another process has it.
    """
    try:
        import fcntl
    except ImportError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError as error:
        if error.errno in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL):
            return False
        raise
    return True


def _me() -> bytes:
    return f"{os.getpid()} {socket.gethostname()}\n".encode()


def _holder(path: Path) -> tuple[int, str]:
    try:
        pid, host = path.read_text(encoding="utf-8", errors="replace").split()
        return int(pid), host
    except (OSError, ValueError):
        return 0, ""


def _left_behind(path: Path) -> bool:
    pid, host = _holder(path)
    if not pid or host != socket.gethostname() or os.name == "nt":  # there, `kill` would not only ask
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def _refusal(folder: Path, path: Path) -> InputError:
    pid, host = _holder(path)
    who = f"process {pid} on {host}" if pid else "another process"
    return InputError(
        f"run: {folder} is being written by {who}; wait for it or stop it"
        + ("" if path.name == NAME else f" (if it is gone for good, remove {path.name} there)")
    )

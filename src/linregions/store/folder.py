"""A run folder: manifest, network, shards and lock."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..domain import Domain
from ..errors import InputError
from ..network import Network
from .describe import describe_domain, describe_network, restore_domain, restore_network
from .files import TEMPORARY, Damaged, DamageWarning, check_file, sync_folder, unwritable, write_file
from .lock import FolderLock
from .shards import FOLDER, Batch, Shard, joined, read_shard, write_shard

FORMAT = "linregions run"
VERSION = 1
MANIFEST = "manifest.json"
DAMAGED = ".damaged"
NETWORK = "network.npz"
_OURS = {NETWORK, "lock", "lock.pid", FOLDER}


@dataclass(frozen=True)
class Manifest:
    """What a run folder is about; it never changes.

    `mode` is "count" or "list"; `part` is (k, n) where the run does only the k-th of n shares of the pieces; `frontier`
    has depth, pieces, digest, exact_decisions and doubtful; `engine` is "cells", or "merge" for one made of other runs.
    """

    mode: str
    definition: str
    engine: str
    exact: bool
    part: list[int] | None
    frontier: dict[str, Any]
    network: dict[str, Any]
    domain: dict[str, Any]
    linregions: str

    @property
    def listing(self) -> bool:
        """Whether the regions are kept."""
        return self.mode == "list"

    @property
    def pieces(self) -> np.ndarray:
        """Numbers of the pieces that this run does."""
        first, step = (self.part[0] - 1, self.part[1]) if self.part else (0, 1)
        return np.arange(first, self.frontier["pieces"], step, dtype=np.int64)

    def same_search(self, other: Manifest) -> bool:
        """Whether both number the pieces of one search."""
        return (
            self.engine == other.engine == "cells"
            and (self.mode, self.definition, self.exact) == (other.mode, other.definition, other.exact)
            and self.network["hash"] == other.network["hash"]
            and (self.domain, self.frontier) == (other.domain, other.frontier)
        )


class RunFolder:
    """A run folder that is open: `manifest`, `network`, `domain`, and the shards that are there."""

    def __init__(self, path: Path, manifest: Manifest, network: Network, domain: Domain, lock: FolderLock | None):
        self.path, self.manifest, self.network, self.domain = path, manifest, network, domain
        self.key = _digest(_content(manifest))
        self.shards: list[Shard] = []
        self.done: set[int] = set()
        self._lock = lock
        self._next = 1

    @classmethod
    def create(cls, path: Any, net: Network, domain: Domain, **about: Any) -> RunFolder:
        """Make a folder for a new run; `about` is the rest of the manifest.

        Raises:
            InputError: there is a run or something else in it already, or another process is making one.
            OutputError: it cannot be written.
        """
        path = _path(path)
        described = describe_domain(domain)
        try:
            path.mkdir(parents=True, exist_ok=True)
            found = {entry for entry in os.listdir(path) if not entry.endswith(TEMPORARY)}
        except OSError as error:
            raise unwritable(path, error) from error
        if MANIFEST in found:
            raise InputError(f"save: {path} holds a run already; resume it, or give another folder")
        if _numbered(path / FOLDER):
            raise InputError(f"save: {path} holds shards of a run whose {MANIFEST} is gone; give a new folder")
        if found - _OURS:
            raise InputError(f"save: {path} holds other files ({sorted(found - _OURS)[0]}); give a new folder")
        lock = FolderLock(path)
        try:
            record, weights = describe_network(net)
            record["sha256"], record["bytes"] = hashlib.sha256(weights).hexdigest(), len(weights)
            manifest = Manifest(network=record, domain=described, linregions=_version(), **about)
            (path / FOLDER).mkdir(exist_ok=True)
            write_file(path / NETWORK, weights)
            _write_manifest(path, manifest)
            sync_folder(path)
            sync_folder(path.parent)
        except OSError as error:
            lock.release()
            raise (error if isinstance(error, InputError) else unwritable(path, error)) from error
        return cls(path, manifest, net, domain, lock)

    @classmethod
    def open(cls, path: Any, *, write: bool = False, verify: bool = False) -> RunFolder:
        """Open a run folder, to read it or to go on with it; `verify` reads all of it and drops what is damaged.

        Raises:
            InputError: it is no run folder, its manifest or network is damaged, or another process is writing it.
        """
        path = _path(path)
        lock = None
        if not (path / MANIFEST).exists():
            raise InputError(f"run: {path} is no run folder (it has no {MANIFEST}); give the folder that was saved to")
        if write:
            lock = FolderLock(path)
        try:
            manifest = _read_manifest(path)
            folder = cls(path, manifest, _network(path, manifest), _domain(path, manifest), lock)
            folder._load(verify)
        except BaseException:
            if lock is not None:
                lock.release()
            raise
        return folder

    def close(self) -> None:
        """Let other processes write the folder."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def append(self, batches: list[Batch]) -> None:
        """Put finished pieces on disk; those that are there already are left out.

        Raises:
            OutputError: the disk is full or the folder cannot be written.
        """
        batch = joined(batches).without(self.done)
        if len(batch.table) == 0:
            return
        number = self._next
        self._next += 1
        shard = write_shard(self.path / FOLDER, number, batch, listing=self.manifest.listing, key=self.key)
        self.shards.append(shard)
        self.done.update(int(i) for i in batch.table[:, 0])

    @property
    def left(self) -> np.ndarray:
        """Numbers of the pieces that are still to be done."""
        wanted = self.manifest.pieces
        return wanted[~np.isin(wanted, np.fromiter(self.done, np.int64, len(self.done)))]

    def sums(self) -> tuple[int, int, int]:
        """Regions, exact decisions and doubtful ones of what is done."""
        totals = np.zeros(3, dtype=np.int64)
        for shard in self.shards:
            totals += shard.table[:, 1:].sum(axis=0)
        top = self.manifest.frontier
        return int(totals[0]), int(totals[1]) + top["exact_decisions"], int(totals[2]) + top["doubtful"]

    def _load(self, verify: bool) -> None:
        if self._lock is not None:
            _tidy(self.path / FOLDER)
        entries = sorted(p for p in (self.path / FOLDER).glob("*.json"))
        self._next = 1 + max((int(p.name.split(".")[0]) for p in _numbered(self.path / FOLDER)), default=0)
        wanted = set(self.manifest.pieces.tolist())
        for entry in entries:
            try:
                shard = read_shard(entry, self.key)
                if verify:
                    shard.check()
                _check_pieces(shard, self.manifest, wanted, self.done)
            except Damaged as error:
                self._report(entry, error)
                continue
            self.shards.append(shard)
            self.done.update(int(i) for i in shard.table[:, 0])

    def _report(self, entry: Path, error: Damaged) -> None:
        if self.manifest.engine == "merge":
            raise InputError(f"run: {self.path} is damaged: {error}; merge its parts again") from error
        if self._lock is None:
            message = (
                f"run: {self.path} is damaged: {error}; its pieces are left out here, and resuming does them again"
            )
        else:
            message = f"run: {self.path} is damaged: {error}; its pieces are done again"
            with suppress(OSError):
                os.replace(entry, entry.with_suffix(DAMAGED))
        warnings.warn(message, DamageWarning, stacklevel=5)


def _check_pieces(shard: Shard, manifest: Manifest, wanted: set[int], done: set[int]) -> None:
    ids = shard.table[:, 0].tolist()
    if len(shard.files) != (2 if manifest.listing else 1):
        raise Damaged(f"{shard.name}.json has other files than a run of this mode")
    if not set(ids) <= wanted:
        raise Damaged(f"{shard.name}.pieces.npy has pieces that the run does not have")
    if len(set(ids)) != len(ids) or not done.isdisjoint(ids):
        raise Damaged(f"{shard.name}.pieces.npy has a piece twice")


def _tidy(folder: Path) -> None:
    """Remove what a process that was killed had not finished writing."""
    files = _numbered(folder)
    kept = {p.stem for p in files if p.suffix in (".json", DAMAGED)}
    for file in files:
        if file.name.split(".")[0] not in kept or file.name.endswith(TEMPORARY):
            with suppress(OSError):
                file.unlink()


def _numbered(folder: Path) -> list[Path]:
    return [p for p in folder.iterdir() if p.name.split(".")[0].isdigit()] if folder.is_dir() else []


def _path(path: Any) -> Path:
    try:
        return Path(os.fspath(path))
    except TypeError:
        raise InputError(f"run: expected the path of a folder, got {type(path).__name__}") from None


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("linregions")
    except PackageNotFoundError:
        return "unknown"


def _write_manifest(path: Path, manifest: Manifest) -> None:
    content = _content(manifest)
    content["sha256"] = _digest(content)
    write_file(path / MANIFEST, (json.dumps(content, indent=1, allow_nan=False) + "\n").encode())


def _content(manifest: Manifest) -> dict[str, Any]:
    return {"format": FORMAT, "version": VERSION, **asdict(manifest)}


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _read_manifest(path: Path) -> Manifest:
    file = path / MANIFEST
    try:
        content = json.loads(file.read_bytes())
        if not isinstance(content, dict) or content.pop("format") != FORMAT:
            raise ValueError("it is not the manifest of a run")
        version = content.pop("version")
    except (OSError, ValueError, KeyError, RecursionError) as error:
        raise _broken(path, f"{MANIFEST} cannot be read ({error})") from error
    if version != VERSION:
        raise InputError(
            f"run: {path} has format version {version}, and this linregions reads version {VERSION}; "
            "use the version of linregions that wrote it"
        )
    digest = content.pop("sha256", None)
    if digest != _digest({"format": FORMAT, "version": version, **content}):
        raise _broken(path, f"{MANIFEST} does not have the checksum that was recorded")
    return Manifest(**content)


def _network(path: Path, manifest: Manifest) -> Network:
    try:
        check_file(path / NETWORK, manifest.network)
        net = restore_network(manifest.network, path / NETWORK)
    except (Damaged, OSError, ValueError, KeyError) as error:
        raise _broken(path, str(error)) from error
    if net.hash != manifest.network["hash"]:
        raise _broken(path, f"{NETWORK} is another network than {MANIFEST} names")
    return net


def _domain(path: Path, manifest: Manifest) -> Domain:
    try:
        return restore_domain(manifest.domain)
    except (InputError, ValueError, KeyError, TypeError) as error:
        raise _broken(path, f"the domain in {MANIFEST} cannot be read ({error})") from error


def _broken(path: Path, how: str) -> InputError:
    return InputError(f"run: {path} cannot be used: {how}; save the run to a new folder")

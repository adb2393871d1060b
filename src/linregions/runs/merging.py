"""Joining saved runs: shares of one search, or runs on parts of one domain."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import numpy as np

from ..errors import InputError
from ..partition import Count
from ..store import Batch, RunFolder, SavedPartition
from ..store.lazy import row_hashes
from .joining import joined_domain
from .saving import report

BLOCK = 1 << 18
MEMORY = 256 << 20


def merge(*runs: Any, out: Any) -> Count | SavedPartition:
    """Join saved runs into a new run folder.

    Runs of one search (the same network, domain and mode; `part=(k, n)` on several machines, or the same run resumed in
    several copies) are joined piece by piece; what no run has done is left to `resume` on the new folder.

    Runs on parts of a domain must be complete listings.  It is proven, exactly, that the parts do not overlap and that
    together they fill a convex domain, so a region of the whole is one pattern: a region that crosses a cut, which has
    that pattern in several parts, is kept once, with the witness of the first part.  The regions come in the order of
    the runs, not in that of `enumerate_regions`.

    Args:
        runs: two or more run folders.
        out: a new folder.

    Returns:
        What the new folder holds: a `Count`, or a `SavedPartition` for listings.

    Raises:
        InputError: the runs do not belong together, a part is not complete, or the parts overlap or leave a gap.
        OutputError: `out` cannot be written.

    Example:
        >>> import tempfile
        >>> from linregions import Box, Network, enumerate_regions, merge
        >>> net = Network.from_arrays([([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.0])])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for name, low, high in (("left", -1, 0.5), ("right", 0.5, 1)):
        ...         part = enumerate_regions(net, Box([low, -1], [high, 1]), save=f"{folder}/{name}")
        ...     print(merge(f"{folder}/left", f"{folder}/right", out=f"{folder}/both").count)
        4 activation regions on box [-1, 1]^2
    """
    if len(runs) < 2:
        raise InputError(f"merge: two or more runs are needed, got {len(runs)}")
    with ExitStack() as stack:
        folders = [stack.enter_context(RunFolder.open(run, verify=True)) for run in runs]
        first = folders[0].manifest
        for folder in folders[1:]:
            if folder.manifest.network["hash"] != first.network["hash"]:
                raise InputError(f"merge: {folder.path} is about another network than {folders[0].path}")
            for name in ("mode", "definition", "exact"):
                if getattr(folder.manifest, name) != getattr(first, name):
                    raise InputError(f"merge: {folder.path} was run with another {name} than {folders[0].path}")
        if all(folder.manifest.same_search(first) for folder in folders):
            return _merge_shares(folders, out)
        return _merge_parts(folders, out)


def _about(folder: RunFolder, **changes: Any) -> dict[str, Any]:
    m = folder.manifest
    about = {"mode": m.mode, "definition": m.definition, "engine": m.engine, "exact": m.exact, "part": None}
    return {**about, "frontier": m.frontier, **changes}


def _merge_shares(folders: list[RunFolder], out: Any) -> Count | SavedPartition:
    first = folders[0]
    with RunFolder.create(out, first.network, first.domain, **_about(first)) as merged:
        for folder in folders:
            for shard in folder.shards:
                merged.append([shard.batch()])
        return report(merged)


def _merge_parts(folders: list[RunFolder], out: Any) -> Count | SavedPartition:
    for folder in folders:
        if not folder.manifest.listing:
            raise InputError(
                f"merge: {folder.path} holds a count without its regions, and a region may cross the cut; "
                "save listings (enumerate_regions(..., save=...)) of the parts"
            )
        if folder.manifest.part or len(folder.left):
            raise InputError(f"merge: {folder.path} is not complete; resume it, or merge its shares, first")
    domain = joined_domain([f.domain for f in folders], [str(f.path) for f in folders])
    listings: list[Any] = [report(f) for f in folders]
    kept = _first_of_each(listings)
    _, decisions, doubtful = np.sum([f.sums() for f in folders], axis=0).tolist()
    blocks = [(k, at) for k, listing in enumerate(listings) for at in range(0, len(listing), BLOCK)]
    frontier = {
        "depth": 0,
        "pieces": len(blocks),
        "digest": "",
        "exact_decisions": decisions,
        "doubtful": doubtful,
    }
    about = _about(folders[0], engine="merge", frontier=frontier)
    with RunFolder.create(out, folders[0].network, domain, **about) as merged:
        for number, (k, at) in enumerate(blocks):
            stop = min(at + BLOCK, len(listings[k]))
            rows = listings[k].records(at, stop)[kept[k][at:stop]]
            table = np.array([[number, len(rows), 0, 0]], dtype=np.int64)
            merged.append([Batch(table, rows["pattern"], rows["witness"], rows["certified"])])
        return report(merged)


def _first_of_each(listings: list[SavedPartition]) -> list[np.ndarray]:
    """For every region of every listing whether no earlier one has its pattern.

    Patterns are compared a share at a time, those whose hashes leave the same remainder, to bound the memory.
    """
    kept = [np.zeros(len(listing), dtype=bool) for listing in listings]
    width = max((listing.records(0, 0)["pattern"].shape[1] for listing in listings), default=0)
    shares = 1 + sum(map(len, listings)) * (width + 32) // MEMORY
    for share in range(shares):
        patterns, places = [np.zeros((0, max(1, width)), np.uint8)], [np.zeros((0, 2), np.int64)]
        for k, listing in enumerate(listings):
            for at in range(0, len(listing), BLOCK):
                rows = np.ascontiguousarray(listing.records(at, min(at + BLOCK, len(listing)))["pattern"])
                mine = np.flatnonzero(row_hashes(rows) % np.uint64(shares) == share)
                patterns.append(rows[mine] if width else np.zeros((len(mine), 1), np.uint8))
                places.append(np.stack([np.full(len(mine), k), at + mine], axis=1))
        together, place = np.concatenate(patterns), np.concatenate(places)
        _, first = np.unique(together.view(f"V{together.shape[1]}").reshape(-1), return_index=True)
        for k in range(len(listings)):
            chosen = place[first]
            kept[k][chosen[chosen[:, 0] == k, 1]] = True
    return kept

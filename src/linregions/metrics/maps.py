"""The affine maps of a network on the regions of a slice, in orthonormal coordinates of the slice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..activations import MaxGroups
from ..checks import shown
from ..errors import InputError
from ..network import Network
from ..partition.slopes import stage_pieces, unit_gains
from ..stage import Stage, is_sparse

if TYPE_CHECKING:
    from ..partition import Partition

CHUNK = 2**20  # numbers in one array of states


def slice_maps(partition: Partition) -> np.ndarray:
    """Affine map of the network on every region of a 2-D slice, in orthonormal coordinates s of the slice.

        f(s) = maps[i, :, :2] @ s + maps[i, :, 2]   on region i

    The columns are J u1, J u2 and the value at the origin; s are the coordinates of `Polygons.xy`.  Regions are listed
    depth first, so that neighbours in the list agree on the first stages: every distinct beginning of a pattern is
    multiplied out once in a run of them.

    Args:
        partition: regions on a domain of dimension 2.

    Returns:
        (regions, outputs, 3) float64, rounded like any float64 evaluation of the network.

    Raises:
        InputError: the domain has another dimension.

    Example:
        >>> from linregions import Network, Plane, enumerate_regions
        >>> net = Network.from_arrays([([[1.0, 0.0, 0.0]], [0.0]), ([[3.0]], [1.0])])
        >>> slice = Plane.through([-1, 0, 0], [1, 0, 0], [0, 1, 0])
        >>> np.unique(slice_maps(enumerate_regions(net, slice)), axis=0).tolist()
        [[[0.0, 0.0, 1.0]], [[3.0, 0.0, -2.0]]]
    """
    if partition.domain.dim != 2:
        raise InputError(f"partition: expected a domain of dimension 2, got {shown(partition.domain)}; use a Plane")
    basis, origin, _ = partition.domain.orthonormal
    return maps_from(partition.network, partition.patterns, np.column_stack([basis, origin]))


def maps_from(network: Network, patterns: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Affine maps of the network after the affine map `start` (inputs, k), for patterns (regions, units).

    Returns:
        (regions, outputs, k); the last column is the offset.  It is a view of an array (regions, k, outputs).
    """
    pieces = stage_pieces(network, patterns)
    columns = start.shape[1]
    out = np.empty((len(patterns), columns, network.output_dim))
    widest = max(max(stage.rows, stage.units) for stage in network.stages)
    block = max(1, CHUNK // (widest * columns))
    first = _affine(network.stages[0], np.ascontiguousarray(start.T)[None])
    for a in range(0, len(patterns), block):
        b = min(a + block, len(patterns))
        _fill(network, [part[a:b] for part in pieces], first, out[a:b])
    return out.transpose(0, 2, 1)


def _fill(network: Network, pieces: list[np.ndarray], first: np.ndarray, out: np.ndarray) -> None:
    """The maps of a block of regions; `first` is the first stage's affine part (1, k, rows)."""
    fresh = np.zeros(len(out), dtype=bool)  # where a beginning differs from that of the region before
    fresh[:1] = True
    owner = np.zeros(len(out), dtype=np.int64)  # the run of equal beginnings that each region belongs to
    state = first
    for number, (stage, chosen) in enumerate(zip(network.stages, pieces, strict=True)):
        if number:
            state = _affine(stage, state)
        if (stage.activation.pieces > 1).any():
            fresh[1:] |= (chosen[1:] != chosen[:-1]).any(axis=1)
        starts = np.flatnonzero(fresh)
        state = _activated(stage, chosen[starts], state, owner[starts])
        owner = np.cumsum(fresh) - 1
    np.take(state, owner, axis=0, out=out)


def _affine(stage: Stage, state: np.ndarray) -> np.ndarray:
    count, columns, width = state.shape
    flat = state.reshape(-1, width)
    out = (stage.weight @ flat.T).T if is_sparse(stage.weight) else flat @ stage.weight.T
    out = np.ascontiguousarray(out).reshape(count, columns, stage.rows)
    out[:, -1] += stage.bias
    if stage.divisor is not None:
        out /= stage.divisor
    return out


def _activated(stage: Stage, pieces: np.ndarray, state: np.ndarray, parents: np.ndarray) -> np.ndarray:
    """State (runs, k, units) of runs with these pieces (runs, units), each from its parent in `state`."""
    act = stage.activation
    if isinstance(act, MaxGroups):
        return np.take_along_axis(state[parents], (act.offsets[:-1] + pieces)[:, None], axis=2)
    out = state[parents]
    if act.is_identity:
        return out
    gains, shifts = unit_gains(stage, pieces)
    out *= gains[:, None]
    if shifts is not None:
        out[:, -1] += shifts
    return out

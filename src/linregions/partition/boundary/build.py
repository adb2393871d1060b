"""The zero set of one more unit, taken out of the complex of the network that has it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...activations import RELU, UnitActivations
from ...checks import plural, shown
from ...errors import InputError
from ...network import Network
from ...stage import Stage
from ..count import Kind, Status
from ..packing import pack
from .cells import Lists, cell_complex, contained
from .record import Beside, Boundary
from .triangulation import FarPoint

if TYPE_CHECKING:
    from ..partition import Partition


@dataclass(frozen=True, eq=False)
class ZeroFaces:
    """What a boundary is made of: the faces of a complex on which one unit's input g vanishes.

    `faces[k]` holds the vertices of every k-dimensional one; `sides` (faces of dimension dim - 1, 2) the regions that
    share it, -1 for none; `regions` the vertices of every region; `signs` the sign of g at every vertex; `walls` the
    vertices of every facet that only one region has.  Vertices as in `Boundary`.
    """

    faces: Sequence[Lists]
    sides: np.ndarray
    regions: Lists
    signs: np.ndarray
    walls: Lists
    points: np.ndarray
    radii: np.ndarray
    directions: np.ndarray
    exact: Callable[[int], FarPoint]


def difference(network: Network, i: Any, j: Any) -> tuple[Network, str]:
    """The network with one more stage, a ReLU of `f_i - f_j` (of `f_i` for None), and what that is called.

    Not folded into the last stage: the difference of two weights need not be a float64.
    """
    row = np.zeros((1, network.output_dim))
    first = _output(network, i, "i")
    row[0, first] = 1.0
    name = f"f_{first}"
    if j is not None:
        second = _output(network, j, "j")
        if second == first:
            raise InputError(f"j: f_{first} - f_{first} is zero everywhere; give another output than i, or None")
        row[0, second] = -1.0
        name += f" - f_{second}"
    stage = Stage(row, np.zeros(1), UnitActivations.uniform(RELU, 1), name="boundary")
    return Network((*network.stages, stage), network.source), name


def _output(network: Network, value: Any, name: str) -> int:
    most = network.output_dim - 1
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 0 <= value <= most:
        outputs = plural(network.output_dim, "output")
        raise InputError(f"{name}: expected an output of the network, 0 to {most} ({outputs}), got {shown(value)}")
    return int(value)


def check_complete(partition: Partition) -> None:
    """Refuse a list of regions that is not all of them."""
    count = partition.count
    if count.kind is not Kind.EXACT or count.status is not Status.COMPLETE:
        raise InputError(
            f"partition: has {count}, and a boundary needs all regions exactly; list them without a budget and with "
            "exact=True"
        )


def assemble(zero: ZeroFaces, refined: Partition, partition: Partition, name: str) -> Boundary:
    """The boundary, from the zero faces of the refined partition's complex; regions are numbered as in `partition`."""
    dim = partition.domain.dim
    used = np.unique(zero.faces[0].items)
    local = np.full(len(zero.signs), -1)
    local[used] = np.arange(len(used))
    faces = [Lists(f.indptr, local[f.items]) for f in zero.faces]
    # A vertex has one number, also as a cell.
    sides = zero.sides[np.argsort(faces[0].items)] if dim == 1 else zero.sides
    cells = cell_complex([Lists.of(np.arange(len(used))[:, None]), *faces[1:]])
    region_sign = _region_signs(zero)
    signs = np.where(sides >= 0, region_sign[sides], 0)
    pieces = np.flatnonzero(np.any(signs != 0, axis=1))
    sides, signs = _larger_first(sides[pieces], signs[pieces])
    numbers = _numbers(refined, partition)
    return Boundary(
        domain=partition.domain,
        function=name,
        cells=cells,
        points=zero.points[used],
        radii=zero.radii[used],
        directions=zero.directions[used],
        pieces=pieces,
        regions=np.where(sides >= 0, numbers[sides], -1),
        signs=signs,
        fat=np.unique(numbers[np.flatnonzero(region_sign == 0)]),
        on_wall=tuple(_subsets(Lists(f.indptr, used[f.items]), zero.walls, len(zero.signs)) for f in cells.cells[:dim]),
        beside=_beside(zero, sides[:, 0]),
        exact_vertex=lambda v: zero.exact(int(used[v])),
    )


def _region_signs(zero: ZeroFaces) -> np.ndarray:
    """Sign of g on the interior of every region: that of any vertex where it is not zero; 0 where g vanishes."""
    at = zero.signs[zero.regions.items].astype(np.int64)
    return np.sign(np.bincount(zero.regions.owners, weights=at, minlength=len(zero.regions))).astype(np.int8)


def _larger_first(sides: np.ndarray, signs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The side with the larger sign first; outside, and where g vanishes, come last; then the lower region."""
    # Positive, negative, zero, outside: an outside has sign 0 as a fat region has, and never comes first.
    rank = np.where(sides < 0, 3, np.where(signs > 0, 0, np.where(signs < 0, 1, 2)))
    swap = (rank[:, 0] > rank[:, 1]) | ((rank[:, 0] == rank[:, 1]) & (sides[:, 0] > sides[:, 1]))
    return np.where(swap[:, None], sides[:, ::-1], sides), np.where(swap[:, None], signs[:, ::-1], signs)


def _numbers(refined: Partition, partition: Partition) -> np.ndarray:
    """For every refined region, the number of the region that it is a part of."""
    keys = pack(refined.patterns[:, :-1], partition.network.pieces)
    return np.array([partition._by_key[key.tobytes()] for key in keys], dtype=np.int64)


def _subsets(faces: Lists, walls: Lists, vertices: int) -> np.ndarray:
    """Per face: whether it lies in a wall of the domain."""
    found = np.zeros(len(faces), dtype=bool)
    found[contained(faces, walls, vertices).items] = True
    return found


def _beside(zero: ZeroFaces, regions: np.ndarray) -> Beside:
    """A vertex of each of these regions at which g is not zero, the same one for the same region."""
    nonzero = zero.signs[zero.regions.items] != 0
    owner = zero.regions.owners[nonzero]
    some = np.full(len(zero.regions), -1)
    some[owner[::-1]] = zero.regions.items[nonzero][::-1]
    chosen = some[regions]
    far = np.any(zero.directions[chosen] != 0, axis=1)
    radii = np.where(far, np.inf, zero.radii[chosen])
    return Beside(zero.points[chosen], radii, lambda p: zero.exact(int(chosen[p])))

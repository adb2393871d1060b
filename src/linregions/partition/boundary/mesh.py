"""Boundaries in space as meshes of triangles, and the text files that other programs read."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...checks import plural, shown
from ...errors import InputError

if TYPE_CHECKING:
    from .record import Boundary


@dataclass(frozen=True, eq=False, repr=False)
class Mesh:
    """A mesh of triangles: `vertices` (vertices, 3) float64, `triangles` (triangles, 3) numbers of vertices.

    `pieces` (triangles,) is the boundary's piece that each triangle is a part of.  Vertices run counter-clockwise seen
    from the first side of the piece (g > 0, where it crosses), so normals point there.  `wall_edges` (edges, 2) are the
    edges of pieces that lie in the wall of the domain.  Which triangle meets which is exact; coordinates are rounded,
    so that vertices closer than float64 can tell may coincide in them.
    """

    vertices: np.ndarray
    triangles: np.ndarray
    pieces: np.ndarray
    wall_edges: np.ndarray

    def __repr__(self) -> str:
        counts = f"{plural(len(self.vertices), 'vertex', 'vertices')}, {plural(len(self.triangles), 'triangle')}"
        return f"Mesh: {counts}, {'watertight' if self.is_watertight else 'open'}"

    @cached_property
    def edges(self) -> tuple[np.ndarray, np.ndarray]:
        """The edges (edges, 2), lower vertex first, and how many triangles each lies in."""
        sides = np.sort(self._directed, axis=1)
        edges, counts = np.unique(sides, axis=0, return_counts=True)
        return edges.reshape(-1, 2), counts

    @property
    def is_watertight(self) -> bool:
        """Whether every edge lies in exactly two triangles."""
        return bool(np.all(self.edges[1] == 2))

    @property
    def is_watertight_inside(self) -> bool:
        """Whether every edge that is not in the wall of the domain lies in exactly two triangles."""
        edges, counts = self.edges
        wall = set(map(tuple, self.wall_edges.tolist()))
        return all(tuple(edge) in wall for edge in edges[counts != 2].tolist())

    @property
    def is_oriented(self) -> bool:
        """Whether no two triangles run along an edge in the same direction."""
        return len(np.unique(self._directed, axis=0)) == len(self._directed)

    @property
    def euler_characteristic(self) -> int:
        """Vertices - edges + triangles."""
        return len(np.unique(self.triangles)) - len(self.edges[0]) + len(self.triangles)

    @cached_property
    def normals(self) -> np.ndarray:
        """Normals (triangles, 3), as long as twice the area, float64."""
        a, b, c = np.moveaxis(self.vertices[self.triangles], 1, 0)
        return np.cross(b - a, c - a)

    @property
    def area(self) -> float:
        """Sum of the areas, float64."""
        return float(np.sqrt((self.normals**2).sum(axis=1)).sum() / 2)

    def save(self, path: str | Path) -> Path:
        """Write the mesh as text, in the format of the name's ending: .obj, .ply or .stl.

        The file appears when it is complete.  OBJ and PLY keep which triangles share a vertex, and numbers that read
        back as the same float64.

        Raises:
            InputError: the ending is none of these, or the file cannot be written.
        """
        path = Path(path)
        lines = {".obj": self._obj, ".ply": self._ply, ".stl": self._stl}.get(path.suffix.lower())
        if lines is None:
            raise InputError(f"path: expected a name that ends in .obj, .ply or .stl, got {shown(str(path))}")
        try:
            handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            try:
                with open(handle, "w", encoding="ascii", newline="\n") as file:
                    file.writelines(f"{line}\n" for line in lines())
                os.chmod(draft, 0o666 & ~_umask())
                os.replace(draft, path)
            except BaseException:
                os.unlink(draft)
                raise
        except OSError as error:
            raise InputError(f"path: {path} cannot be written ({error.strerror}); choose another place") from error
        return path

    @property
    def _directed(self) -> np.ndarray:
        return np.concatenate([self.triangles[:, [0, 1]], self.triangles[:, [1, 2]], self.triangles[:, [2, 0]]])

    def _obj(self) -> Iterator[str]:
        yield from (f"v {_numbers(v)}" for v in self.vertices)
        yield from (f"f {a} {b} {c}" for a, b, c in (self.triangles + 1).tolist())

    def _ply(self) -> Iterator[str]:
        yield from ("ply", "format ascii 1.0", f"element vertex {len(self.vertices)}")
        yield from (f"property double {axis}" for axis in "xyz")
        yield from (f"element face {len(self.triangles)}", "property list uchar int vertex_indices", "end_header")
        yield from (_numbers(v) for v in self.vertices)
        yield from (f"3 {a} {b} {c}" for a, b, c in self.triangles.tolist())

    def _stl(self) -> Iterator[str]:
        yield "solid boundary"
        lengths = np.sqrt((self.normals**2).sum(axis=1, keepdims=True))
        units = np.divide(self.normals, lengths, out=np.zeros_like(self.normals), where=lengths > 0)
        for corners, normal in zip(self.vertices[self.triangles], units, strict=True):
            yield f"facet normal {_numbers(normal)}"
            yield "outer loop"
            yield from (f"vertex {_numbers(v)}" for v in corners)
            yield from ("endloop", "endfacet")
        yield "endsolid boundary"


def triangles(boundary: Boundary, wanted: np.ndarray) -> Mesh:
    """The pieces `wanted` of a boundary in dimension 3 as a mesh."""
    if boundary.dim != 3:
        raise InputError(f"mesh: needs a domain of dimension 3, got {boundary.domain!r}; dimension 2 has curves()")
    unbounded = int((~boundary.bounded[wanted]).sum())
    if unbounded:
        raise InputError(
            f"mesh: {unbounded} of {plural(len(wanted), 'piece')} reach to infinity, where triangles do not; "
            "list the regions on a Box"
        )
    simplices, piece = boundary.simplices
    keep = np.isin(piece, wanted)
    used, corners = np.unique(simplices[keep], return_inverse=True)
    number = np.full(len(boundary.points), -1)
    number[used] = np.arange(len(used))
    edges = number[boundary.cells.facets[1].items.reshape(-1, 2)[boundary.on_wall[1]]]
    walls = np.sort(edges[np.all(edges >= 0, axis=1)], axis=1)
    return Mesh(boundary.points[used], corners.reshape(-1, 3), piece[keep], walls)


def _numbers(values: np.ndarray) -> str:
    return " ".join(repr(v) for v in values.tolist())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask

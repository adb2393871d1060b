"""The outcome of `prove`: a status per simplex, the bisection trees, the witnesses and the zero faces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from .classify import Leaf, zero_faces
from .subdivision import integer_vertices, middle_row

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Witness:
    """A point where p > 0.

    `point` is in homogeneous integers `(Y_1, ..., Y_q, w)`; `value` encloses p there (two equal numbers if p is
    rational).
    """

    root: int
    point: tuple[int, ...]
    value: tuple[Fraction, Fraction]

    @property
    def coordinates(self) -> tuple[Fraction, ...]:
        """The point as rationals."""
        return tuple(Fraction(c, self.point[-1]) for c in self.point[:-1])


@dataclass(frozen=True)
class Level:
    """All nodes after one number of bisections: root, bisected edge (i, j), first child (-1: a leaf), status."""

    first: int
    root: Array
    i: Array
    j: Array
    child: Array
    status: Array


@dataclass(frozen=True)
class Leaves:
    """Leaves of the trees: root (L,), barycentric integers in the root (L, n+1, n+1), status (L,), bisections (L,)."""

    root: Array
    parts: Array
    status: Array
    depth: Array

    def __len__(self) -> int:
        return len(self.root)

    def __repr__(self) -> str:
        return f"Leaves(count={len(self)})"


@dataclass(frozen=True)
class Proof:
    """What is known of p on every simplex.

    `status (m,)` holds a `Leaf` per simplex. `complete` is False where a budget or Ctrl-C ended the work; what was
    decided is kept; `interrupted` says that it was Ctrl-C.
    """

    status: Array
    levels: tuple[Level, ...]
    exact_decisions: int
    seconds: float
    complete: bool
    degree: int | None
    variables: int = 0
    _exact: Callable[[int], Any] = field(repr=False, default=lambda _: [])
    _value: Callable[[int, list[int]], tuple[Fraction, Fraction]] = field(
        repr=False, default=lambda *_: (Fraction(0), Fraction(0))
    )
    _corners: dict[int, Array] = field(repr=False, default_factory=dict)
    _zeros: dict[int, list[tuple[Array, tuple[Any, ...]]]] = field(repr=False, default_factory=dict)
    interrupted: bool = False

    def __repr__(self) -> str:
        counts = ", ".join(f"{leaf.name.lower()}={n}" for leaf in Leaf if (n := int((self.status == leaf).sum())))
        return f"Proof({counts or 'empty'}, leaves={self.leaf_count}, complete={self.complete})"

    @property
    def leaf_count(self) -> int:
        """How many leaves all trees have together."""
        return sum(int((level.child < 0).sum()) for level in self.levels)

    @property
    def worst(self) -> Leaf:
        """The status of the whole: VIOLATED before UNKNOWN before ZERO before PROVED."""
        for leaf in (Leaf.VIOLATED, Leaf.UNKNOWN, Leaf.ZERO):
            if bool((self.status == leaf).any()):
                return leaf
        return Leaf.PROVED

    def witness(self, root: int) -> Witness | None:
        """The exact point with p > 0 found in a simplex; None where none was found."""
        if root not in self._corners:
            return None
        parts = self._corners[root]
        (vertex,) = integer_vertices(self._exact(root), parts[None])
        return Witness(root, tuple(vertex), self._value(root, vertex))

    def zero_parts(self, root: int) -> list[tuple[Array, tuple[tuple[int, ...], ...]]]:
        """The ZERO leaves of a simplex: barycentric integers (n+1, n+1), and where p = 0, as positions of corners."""
        return [(parts, zero_faces(*facts)) for parts, facts in self._zeros.get(root, [])]

    def zero_faces(self, root: int) -> tuple[tuple[tuple[int, ...], ...], ...]:
        """The faces, other than the origin, where p = 0: each a tuple of homogeneous integer vertices."""
        found = {}
        for parts, faces in self.zero_parts(root):
            vertices = [tuple(v) for v in integer_vertices(self._exact(root), parts)]
            for face in faces:
                points = tuple(vertices[j] for j in face)
                found[frozenset(points)] = points
        return tuple(found.values())

    def tree(self, root: int) -> Any:
        """The bisections of one simplex as nested lists.

        A leaf is 0 where the claim holds (PROVED, ZERO, EXCLUDED) and 1 where it was not proved; `[i, j, left, right]`
        bisects the edge of the vertices i < j at its midpoint, which takes the place of j in `left` and of i in
        `right`.
        """

        def build(depth: int, node: int) -> Any:
            level = self.levels[depth]
            at = node - level.first
            if level.child[at] < 0:
                return int(level.status[at] in (Leaf.VIOLATED, Leaf.UNKNOWN))
            first = int(level.child[at])
            return [int(level.i[at]), int(level.j[at]), build(depth + 1, first), build(depth + 1, first + 1)]

        return build(0, root)

    def leaves(self, *, status: Leaf | None = None) -> Leaves:
        """All leaves, or those of one status, with the barycentric integers of their vertices."""
        v = self.variables
        parts = np.broadcast_to(np.eye(v, dtype=np.int64), (len(self.status), v, v))
        out: list[tuple[Array, Array, Array, Array]] = []
        for depth, level in enumerate(self.levels):
            ends = level.child < 0
            wanted = ends if status is None else ends & (level.status == status)
            out.append((level.root[wanted], parts[wanted], level.status[wanted], np.full(int(wanted.sum()), depth)))
            inner = np.flatnonzero(~ends)
            if depth + 1 == len(self.levels):
                break
            below = np.empty((len(self.levels[depth + 1].root), v, v), dtype=np.int64)
            first = level.child[inner] - self.levels[depth + 1].first
            i, j = level.i[inner], level.j[inner]
            rows = middle_row(parts[inner, i], parts[inner, j])
            every = np.arange(len(inner))
            for child, replaced in ((first, j), (first + 1, i)):
                half = parts[inner].copy()
                half[every, replaced] = rows
                below[child] = half
            parts = below
        return Leaves(*(np.concatenate(column) for column in zip(*out, strict=True)))

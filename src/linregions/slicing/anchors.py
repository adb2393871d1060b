"""Planes through data: two-dimensional slices of the input space that are fixed before a network is looked at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from typing import Any

import numpy as np

from ..checks import plural, real_number, seed_number, shown, whole_number
from ..domain import Plane
from ..errors import InputError
from ..exact import fractions, rank
from ..stage import Array, exact_float64
from .choosing import CHOICES, Choice, most

KINDS = tuple(CHOICES)
SHAPES = ("diamond", "square", "triangle")
# The anchors' coordinates are rounded; so much more than their largest sum keeps them inside.
_ROOM = 1.0 + 2.0**-30


@dataclass(frozen=True, eq=False, repr=False)
class Slice:
    """A polygon in a plane through points of the input space, called anchors.

    The plane has the frame `x = o + t1 u1 + t2 u2` with o the mean of the anchors, u1 along the first anchor and u2
    from the next point by Gram-Schmidt, so that lengths and areas in (t1, t2) are those of the input space up to
    the rounding of u1 and u2 in float64; `plane.p` is o, `plane.q` o + u1, `plane.r` o + u2.

    Attributes:
        plane: the polygon, a domain for `enumerate_regions`.
        name: a short word for tables.
        anchors: (k, inputs) float64, the very numbers of the data.
        labels: the anchors' classes; None where they have none.
        indices: the anchors' rows in the data; -1 for a point that is not of the data.
        kind: how the anchors were chosen.
        pad: half the diagonal of a diamond, half the side of a square; None for a triangle, and for a given plane.
        shape: "diamond", "square", "triangle" or "given".

    Example:
        >>> print(Slice.through([[0.0, 0.0, 1.0], [2.0, 0.0, 1.0], [0.0, 2.0, 1.0]], labels=[3, 5, 8]))
        slice s0: 3 anchors of classes 3, 5, 8 in 3 inputs, diamond, pad 1.88562
    """

    plane: Plane
    name: str
    anchors: Array
    labels: tuple[Any, ...]
    indices: tuple[int, ...]
    kind: str
    pad: float | None = None
    shape: str = "given"

    @classmethod
    def through(
        cls,
        anchors: Any,
        *,
        labels: Any = None,
        indices: Any = None,
        pad: float | None = None,
        shape: str = "diamond",
        direction: Any = None,
        name: str = "s0",
        kind: str = "given",
    ) -> Slice:
        """The slice through given points.

        With three anchors they span the plane; with two or one, `direction` (inputs,) or (2, inputs) gives what
        is missing.  The diamond is `|t1| + |t2| <= pad`, the square `max(|t1|, |t2|) <= pad`; without `pad` it is the
        smallest that holds all anchors.  The triangle has the anchors as corners.

        Raises:
            InputError: the points lie on one line, repeat, or an argument does not fit.

        Example:
            >>> made = Slice.through([[1.0, 0.0, 0.0]], direction=[[0, 1.0, 0], [0, 0, 1.0]], pad=0.5)
            >>> made.plane.region.tolist()
            [[0.5, 0.0], [0.0, 0.5], [-0.5, 0.0], [0.0, -0.5]]
        """
        points = exact_float64(anchors, "anchors")
        if points.ndim != 2 or not 1 <= len(points) <= 3:
            raise InputError(f"anchors: expected 1 to 3 points (k, inputs), got shape {points.shape}")
        if shape not in SHAPES:
            raise InputError(f"shape: {shown(shape)} is not one of {', '.join(SHAPES)}")
        origin, u1, u2 = _frame(points, direction)
        t = np.stack([(points - origin) @ u1, (points - origin) @ u2], axis=1)
        corners, pad = _region(t, shape, pad)
        plane = Plane(origin, origin + u1, origin + u2, corners)
        points.flags.writeable = False
        names = tuple([None] * len(points) if labels is None else np.asarray(labels).tolist())
        rows = tuple([-1] * len(points) if indices is None else np.asarray(indices).tolist())
        if len(names) != len(points) or len(rows) != len(points):
            raise InputError(
                f"labels: give one label and one index for each of {plural(len(points), 'anchor')}, "
                f"got {len(names)} and {len(rows)}"
            )
        return cls(plane, name, points, names, rows, kind, pad, shape)

    @property
    def coordinates(self) -> np.ndarray:
        """Coordinates (k, 2) of the anchors in the plane, float64."""
        centred = np.asarray(self.anchors) - self.plane.p
        frame = np.stack([self.plane.q - self.plane.p, self.plane.r - self.plane.p], axis=1)
        return np.linalg.lstsq(frame, centred.T, rcond=None)[0].T

    def as_dict(self) -> dict[str, Any]:
        """The slice as plain JSON types; `from_dict` makes the same slice of it, number by number."""
        plane = {part: getattr(self.plane, part).tolist() for part in ("p", "q", "r", "region")}
        return {
            "name": self.name,
            "kind": self.kind,
            "shape": self.shape,
            "pad": self.pad,
            "labels": list(self.labels),
            "indices": list(self.indices),
            "anchors": np.asarray(self.anchors).tolist(),
            **plane,
        }

    @classmethod
    def from_dict(cls, record: Any) -> Slice:
        """The slice that `as_dict` described.

        Raises:
            InputError: an entry is missing.
        """
        try:
            plane = Plane(*(record[part] for part in ("p", "q", "r", "region")))
            anchors = exact_float64(record["anchors"], "anchors").reshape(-1, plane.input_dim)
            anchors.flags.writeable = False
            labels, indices = tuple(record["labels"]), tuple(record["indices"])
            return cls(plane, record["name"], anchors, labels, indices, record["kind"], record["pad"], record["shape"])
        except (KeyError, TypeError) as error:
            raise InputError(f"slice: expected what Slice.as_dict gives, got {shown(record)}") from error

    @classmethod
    def of(cls, domain: Any, name: str = "s0") -> Slice:
        """A `Slice` as it is, and a `Plane` as a slice without anchors.

        Raises:
            InputError: it is neither.
        """
        if isinstance(domain, Slice):
            return domain
        if not isinstance(domain, Plane):
            raise InputError(f"slices: expected Slice or Plane objects, got {shown(domain)}; slicing.slices makes some")
        return cls(domain, name, np.zeros((0, domain.input_dim)), (), (), "given")

    def __str__(self) -> str:
        inputs = plural(self.plane.input_dim, "input")
        anchors = plural(len(self.anchors), "anchor")
        known = [str(v) for v in self.labels if v is not None]
        classes = f" of class{'es' if len(known) > 1 else ''} {', '.join(known)}" if known else ""
        pad = "" if self.pad is None else f", pad {self.pad:g}"
        return f"slice {self.name}: {anchors}{classes} in {inputs}, {self.shape}{pad}"

    __repr__ = __str__


def slices(
    x: Any,
    y: Any = None,
    *,
    count: int = 16,
    kind: str = "classes",
    pad: float | None = None,
    shape: str = "diamond",
    seed: int = 0,
) -> tuple[Slice, ...]:
    """Planes through data points, the same for the same arguments: one polygon in each.

    The frame (origin in the mean of the anchors, u1 along the first, u2 by Gram-Schmidt) is that of SplineCam's
    published code; the choice of `pad`, which holds all anchors, is this library's.

    Args:
        x: data (n, ...), a NumPy array or a torch tensor; points are flattened, and taken as the exact numbers that
            they are.  Take points that the network is not trained on.
        y: classes (n,); needed for "classes", "nearest" and "pair".
        count: how many slices.
        kind: "classes": three points of three classes; "nearest": the point of one class that is closest to another
            class, and its two nearest points there; "pair": two points of two classes and a random direction; "point":
            one point and a random plane; "noise": three points with coordinates uniform between the smallest and the
            largest number of the data, off the data on purpose.
        pad: half the diagonal of the diamond (half the side of the square), in units of the input space; None takes for
            each slice the smallest that holds its anchors, and for "point" the distance to the nearest point of
            another class (without y: to the nearest other point).
        shape: "diamond" (a square on its corner, `|t1| + |t2| <= pad`), "square" (`max(|t1|, |t2|) <= pad`) or
            "triangle" (the anchors are the corners).
        seed: of the random choice.

    Returns:
        `count` different slices.

    Raises:
        InputError: there are too few points or classes, or points lie on one line or repeat.

    Example:
        >>> import numpy as np
        >>> x = np.random.default_rng(0).random((30, 4, 4))
        >>> found = slices(x, np.arange(30) % 3, count=2)
        >>> print(found[0])
        slice s0: 3 anchors of classes 2, 0, 1 in 16 inputs, diamond, pad 1.76555
        >>> bool((found[0].anchors == x.reshape(30, 16)[list(found[0].indices)]).all())
        True
    """
    if kind not in CHOICES:
        raise InputError(f"kind: {shown(kind)} is not one of {', '.join(KINDS)}")
    count = whole_number(count, "count")
    points, labels = data_points(x), _labels(y)
    if points.shape[1] < 2:
        raise InputError("x: a plane needs points of at least 2 numbers, got 1; use a Segment for one input")
    if labels is not None and len(labels) != len(points):
        raise InputError(f"y: expected one class for each of {plural(len(points), 'point')}, got {len(labels)}")
    pad = None if pad is None else _pad(pad)
    if count > (there := most(kind, points, labels)) > 0:
        raise InputError(
            f"count: these data give at most {there:,} slices of kind {kind!r}, got {count}; ask for fewer"
        )
    rng = np.random.default_rng(seed_number(seed))
    found: list[Slice] = []
    for choice in _different(CHOICES[kind](points, labels, rng), count):
        how = {"labels": choice.labels, "indices": choice.indices, "direction": choice.direction, "shape": shape}
        wide = choice.pad if pad is None else pad
        with suppress(Degenerate):
            found.append(Slice.through(choice.anchors, **how, pad=wide, name=f"s{len(found)}", kind=kind))
        if len(found) == count:
            return tuple(found)
    raise InputError(
        f"count: only {plural(len(found), 'slice')} of kind {kind!r} found, of {count} wanted (other choices repeat, "
        "or lie on one line); ask for fewer, or give more points"
    )


class Degenerate(InputError):
    """The anchors do not span the plane."""


def _different(choices: Iterator[Choice], count: int) -> Iterator[Choice]:
    """The choices without repetitions; they end when almost all are old, or too many are of no use."""
    seen: set[bytes] = set()
    old = 0
    for choice in islice(choices, 100 * (count + 10)):
        key = np.sort(choice.anchors, axis=0).tobytes()
        if key not in seen or choice.direction is not None:
            seen.add(key)
            old = 0
            yield choice
        elif (old := old + 1) > 2000 + 3 * len(seen):
            return


def _frame(points: np.ndarray, direction: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Origin and orthonormal directions; whether the points span a plane is decided in rationals."""
    given = [] if direction is None else list(np.atleast_2d(exact_float64(direction, "direction")))
    if len(points) + len(given) != 3 or any(v.shape != points[0].shape for v in given):
        raise InputError(
            f"direction: with {plural(len(points), 'anchor')} a plane takes {plural(3 - len(points), 'direction')} of "
            f"{plural(points.shape[1], 'number')}, got {len(given)}"
        )
    base = fractions(points[0])
    rows: list[list[Fraction]] = [[a - b for a, b in zip(fractions(p), base, strict=True)] for p in points[1:]]
    rows += [fractions(v) for v in given]
    if any(np.array_equal(a, b) for k, a in enumerate(points) for b in points[:k]):
        raise Degenerate("anchors: two of them are the same point; choose different points")
    if rank(rows) < 2:
        raise Degenerate("anchors: they lie on one line, so they span no plane; choose others")
    origin = points.mean(axis=0)
    if len(points) == 1:
        origin = points[0].copy()
    spanning = [p - origin for p in points[:2]] if len(points) == 3 else [points[0] - origin][: len(points) - 1]
    first, second = _orthonormal(*[*spanning, *given][:2])
    return origin, first, second


def _orthonormal(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gram-Schmidt, twice for the second vector: once loses digits where the angle is small."""
    a, b = (v / np.abs(v).max() for v in (a, b))
    first = a / np.linalg.norm(a)
    second = b / np.linalg.norm(b)
    for _ in range(2):
        second = second - (second @ first) * first
        size = float(np.linalg.norm(second))
        if not size > 1e-12:
            raise Degenerate("anchors: they lie on one line as far as float64 can tell a frame; choose others")
        second = second / size
    return first, second


def _region(t: np.ndarray, shape: str, pad: float | None) -> tuple[np.ndarray, float | None]:
    """The polygon's corners (k, 2), and the pad."""
    if shape == "triangle":
        if len(t) != 3:
            raise InputError(f"shape: a triangle needs three anchors, got {len(t)}; use 'diamond' or 'square'")
        if pad is not None:
            raise InputError(f"pad: a triangle ends at its anchors, got {shown(pad)}; leave pad out, or use 'diamond'")
        return t, None
    if pad is None:
        reach = np.abs(t).sum(axis=1) if shape == "diamond" else np.abs(t).max(axis=1)
        pad = float(reach.max()) * _ROOM
        if pad == 0:
            raise InputError("pad: one anchor has no extent of its own; give pad")
    pad = _pad(pad)
    if shape == "square":
        return pad * np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]), pad
    return pad * np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]]) + 0.0, pad


def _pad(pad: Any) -> float:
    number = real_number(pad, "pad")
    if not 0 < number < np.inf:
        raise InputError(f"pad must be a positive number, got {number:g}")
    return number


def data_points(x: Any, what: str = "x") -> np.ndarray:
    """Data (n, ...), an array or a tensor, as (n, inputs) float64; refuses what is not exactly that."""
    if hasattr(x, "detach"):  # a torch tensor, on whatever device and of whatever type
        x = x.detach().cpu()
        x = (x.double() if x.is_floating_point() else x).numpy()
    data = exact_float64(x, what)
    if data.ndim < 2 or not data.size:
        raise InputError(f"{what}: expected data (n, ...), got shape {data.shape}")
    return data.reshape(len(data), -1)


def _labels(y: Any) -> np.ndarray | None:
    if y is None:
        return None
    labels = np.asarray(y.detach().cpu() if hasattr(y, "detach") else y)
    if labels.ndim != 1:
        raise InputError(f"y: expected one class per point (n,), got shape {labels.shape}")
    return labels

"""Regions along polylines: exact crossings by the engine, where they are, and how the outputs bend between the ends.

On a segment the network is piecewise linear in one variable, and its pieces are listed exactly.  At a corner of the
path the last piece of one segment and the first of the next are one where their patterns agree, and a crossing where
they do not, so that crossings + 1 = pieces on an open path.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..activations import MaxGroups
from ..checks import plural, real_number, seed_number, whole_number
from ..counting import enumerate_regions
from ..domain import Segment
from ..errors import InputError
from ..network import Network
from ..partition import Kind, Partition
from ..partition.slopes import stage_pieces
from ..stage import exact_float64
from .local_complexity import frame
from .tracing import as_network, piece_tables, times


@dataclass(frozen=True, eq=False, repr=False)
class Path:
    """The pieces of a network along a polyline.

    Attributes:
        anchors: (corners, inputs); a closed path ends where it begins, and names that corner once.
        closed: whether it goes back to the first corner.
        segments: (parts,) segment of each part of a piece, in order; a piece that goes around a corner has several.
        begins: (parts,) where it begins, as a share of its segment.
        ends: (parts,) where it ends.
        offsets: (parts, outputs) the network is `offset + slope t` there, t the share of the segment.
        slopes: (parts, outputs).
        stages: (parts,) stage of a unit that switches where the part begins; -1 where it begins at a corner.
        units: (parts,) which unit of the stage.
        switched: (parts,) whether a crossing lies where the part begins, at a corner or within the segment.
        patterns: (parts, units) piece index of every unit.
        complete: whether the time sufficed for the whole path; else this is a shorter one.
        exact: whether every sign was decided exactly.
    """

    anchors: np.ndarray
    closed: bool
    segments: np.ndarray
    begins: np.ndarray
    ends: np.ndarray
    offsets: np.ndarray
    slopes: np.ndarray
    stages: np.ndarray
    units: np.ndarray
    switched: np.ndarray
    patterns: np.ndarray
    complete: bool
    exact: bool

    @property
    def crossings(self) -> int:
        """How many times the path goes from one activation region into another."""
        return int(self.switched.sum())

    @property
    def pieces(self) -> int:
        """Pieces of the path: crossings + 1; on a closed one as many as crossings, and at least one."""
        return max(1, self.crossings) if self.closed and self.complete else self.crossings + 1

    @cached_property
    def lengths(self) -> np.ndarray:
        """(segments,) their lengths, in units of the inputs."""
        steps = np.diff(np.concatenate([self.anchors, self.anchors[:1]]) if self.closed else self.anchors, axis=0)
        return np.linalg.norm(steps[: int(self.segments[-1]) + 1], axis=1)

    @property
    def length(self) -> float:
        """Of the whole path."""
        return float(self.lengths.sum())

    @property
    def density(self) -> float:
        """Crossings per unit of length."""
        return self.crossings / self.length

    @property
    def segment_crossings(self) -> np.ndarray:
        """(segments,) crossings strictly inside each segment."""
        return np.bincount(self.segments[self.switched & (self.begins > 0)], minlength=len(self.lengths))

    @property
    def positions(self) -> np.ndarray:
        """(crossings,) where they are: length along the path from its beginning, float64."""
        before = np.concatenate([[0.0], np.cumsum(self.lengths)])[self.segments]
        return (before + self.begins * self.lengths[self.segments])[self.switched]

    @property
    def points(self) -> np.ndarray:
        """(crossings, inputs) the points of the inputs where they are, float64."""
        s, t = self.segments[self.switched], self.begins[self.switched][:, None]
        return (1 - t) * self.anchors[s] + t * self.anchors[(s + 1) % len(self.anchors)]

    @cached_property
    def changes(self) -> np.ndarray:
        """(parts, outputs) absolute change of every output from the beginning of each part to its end."""
        return np.abs(self.slopes) * (self.ends - self.begins)[:, None]

    @property
    def variation(self) -> np.ndarray:
        """(outputs,) total variation of every output along the path: the sum of its changes within the pieces."""
        return self.changes.sum(axis=0)

    def absolute_deviation(self, *, compat: bool = False) -> np.ndarray:
        """How far each output is from the chord between the ends of each segment, `|x1 - x0| int |f - chord| dt`.

        On a part `f - chord = a + b t` with t from ts to te, and the integral of its absolute value is taken exactly,
        in two pieces where it changes its sign.

        Args:
            compat: the sum of `|a| (te - ts)` and `|b| (te^2 - ts^2) / 2` instead, as the released code of the source
                has it: an upper bound, equal where a and b have one sign.

        Returns:
            (segments, outputs).

        Source: Gamba et al. 2022 (2202.11749); the exact form is derived.
        """
        count = len(self.lengths)
        first = np.searchsorted(self.segments, np.arange(count))
        last = np.searchsorted(self.segments, np.arange(count), side="right") - 1
        start, end = self.offsets[first], (self.offsets + self.slopes)[last]
        a, b = self.offsets - start[self.segments], self.slopes - (end - start)[self.segments]
        ts, te = self.begins[:, None], self.ends[:, None]
        share = np.abs(a) * (te - ts) + np.abs(b) * (te**2 - ts**2) / 2 if compat else _area(a, b, ts, te)
        out = np.zeros((count, self.offsets.shape[1]))
        np.add.at(out, self.segments, share)
        return out * self.lengths[:, None]

    def as_dict(self) -> dict[str, float]:
        """The numbers by the names that trackers use; of several outputs the means."""
        return {
            "n_crossings": self.crossings,
            "density": self.density,
            "length": self.length,
            "variation": float(self.variation.mean()),
            "absolute_deviation": float(self.absolute_deviation().sum(axis=0).mean()),
        }

    def __repr__(self) -> str:
        kind = "closed path" if self.closed else "path"
        return (
            f"Path: {plural(self.crossings, 'crossing')} on a {kind} of {plural(len(self.lengths), 'segment')}, length "
            f"{self.length:.4g}" + ("" if self.complete else ", not complete")
        )


def crossings(
    model: Any, points: Any, *, closed: bool = False, threads: int | None = 1, time_limit: float | None = None
) -> Path:
    """The activation regions along the polyline through some points: exact crossings, their positions, the outputs.

    Args:
        model: a Network or what a reader takes.
        points: (corners, inputs), at least two; neighbours must differ.
        closed: go back to the first point.
        threads: of the engine.
        time_limit: seconds; the path is then that of the segments which were done, and `complete` is False.

    Returns:
        A `Path`; counts are exact, positions and outputs float64.

    Raises:
        InputError: the points do not fit, or two neighbours are the same.

    Source: Hanin, Rolnick 2019 (segments); Gamba et al. 2022 (closed paths through augmented copies).

    Example:
        >>> net = Network.from_arrays([([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]), ([[1.0, 1.0]], [0.0])])
        >>> path = crossings(net, [[-1.0, -1.0], [3.0, -1.0], [3.0, 1.0]])
        >>> path, path.positions.tolist()
        (Path: 2 crossings on a path of 2 segments, length 6, [1.0, 5.0])
    """
    network = as_network(model)
    anchors = _anchors(network, points, closed)
    until = np.inf if time_limit is None else time.perf_counter() + real_number(time_limit, "time_limit")
    parts, exact, ends = [], True, len(anchors) - (0 if closed else 1)
    for s in range(ends):
        left = until - time.perf_counter()
        if parts and left <= 0:
            break
        domain = Segment(anchors[s], anchors[(s + 1) % len(anchors)])
        limit = None if time_limit is None else max(left, 0.001)
        found = enumerate_regions(network, domain, threads=threads, time_limit=limit)
        if found.count.status.value != "complete":
            break
        exact = exact and found.count.kind is Kind.EXACT
        parts.append(_segment(network, domain, found))
    if not parts:
        raise InputError(f"time_limit: {time_limit:g} s did not suffice for the first segment; give more")
    return _joined(anchors, closed, parts, len(parts) == ends, exact)


def absolute_deviation(path: Path, *, compat: bool = False) -> np.ndarray:
    """`Path.absolute_deviation`: distance of the outputs from the chords, summed over the segments; (outputs,).

    Example:
        >>> net = Network.from_arrays([([[1.0]], [0.0]), ([[1.0]], [0.0])])
        >>> absolute_deviation(crossings(net, [[-1.0], [1.0]])).tolist()
        [0.5]
    """
    return path.absolute_deviation(compat=compat).sum(axis=0)


def loop(x: Any, radius: float, *, anchors: int = 8, seed: int = 0) -> np.ndarray:
    """Corners (anchors, inputs) of a regular polygon around a point, in a random plane: a closed path for `crossings`.

    Paths through augmented copies of a sample go through `crossings(net, copies, closed=True)` directly.

    Args:
        x: (inputs,), at least two.
        radius: distance of the corners from x.
        anchors: how many corners.
        seed: of the plane.

    Example:
        >>> loop([0.0, 0.0], 2.0, anchors=4).shape
        (4, 2)
    """
    x, radius = exact_float64(x, "x"), real_number(radius, "radius")
    count = whole_number(anchors, "anchors", least=3)
    if x.ndim != 1 or len(x) < 2 or not radius > 0:
        raise InputError(f"x: a loop needs a point of at least two inputs and a positive radius, got {x.shape}")
    angle = 2 * np.pi * np.arange(count) / count
    return x + radius * np.stack([np.cos(angle), np.sin(angle)], axis=1) @ frame(len(x), 2, seed=seed_number(seed))


def _anchors(network: Network, points: Any, closed: bool) -> np.ndarray:
    anchors = exact_float64(points, "points")
    if anchors.ndim != 2 or anchors.shape[1] != network.input_dim or len(anchors) < 2:
        inputs = plural(network.input_dim, "input")
        raise InputError(f"points: expected at least two corners of the network's {inputs}, got shape {anchors.shape}")
    if closed and len(anchors) > 2 and np.array_equal(anchors[0], anchors[-1]):
        anchors = anchors[:-1]
    following = np.roll(anchors, -1, axis=0) if closed else anchors[1:]
    for k in np.flatnonzero(np.all(anchors[: len(following)] == following, axis=1)):
        raise InputError(f"points: corner {k} and the next one are the same point; leave one of them out")
    return anchors


def _segment(network: Network, domain: Segment, found: Partition) -> dict[str, np.ndarray]:
    """The pieces of one segment in order, with where they begin and end and the outputs on them."""
    order = _order(found)
    patterns = found.patterns[order]
    at = found.witnesses[order, 0]
    t, stage, unit, offsets, steps = _breaks(network, domain, patterns)
    # Pieces begin between the points that are certainly inside them, whatever rounding says.
    t = np.clip(t, at[:-1], at[1:])
    return {
        "begins": np.concatenate([[0.0], t]),
        "ends": np.concatenate([t, [1.0]]),
        "stages": np.concatenate([[-1], stage]),
        "units": np.concatenate([[-1], unit]),
        "offsets": offsets,
        "slopes": steps,
        "patterns": patterns,
    }


def _order(found: Partition) -> np.ndarray:
    if found.certified.all():
        return np.argsort(found.witnesses[:, 0])
    exact = [found.exact_witness(i)[0] for i in range(len(found))]
    return np.array(sorted(range(len(found)), key=exact.__getitem__), dtype=np.int64)


def _breaks(
    network: Network, domain: Segment, patterns: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Between each two pieces: where, and the first unit that switches; and the outputs on every piece."""
    count = len(patterns)
    where, stages, units = np.full(count - 1, np.nan), np.full(count - 1, -1), np.full(count - 1, -1)
    level, step = np.asarray(domain.a)[None, :], (np.asarray(domain.b) - np.asarray(domain.a))[None, :]
    for k, (stage, pieces) in enumerate(zip(network.stages, stage_pieces(network, patterns), strict=True)):
        level, step = stage.preactivation(level), times(step, stage.weight.T)
        if stage.divisor is not None:
            step = step / stage.divisor
        level, step = (np.broadcast_to(v, (count, stage.rows)) for v in (level, step))
        pieces = pieces.astype(np.int64)
        new = np.flatnonzero((stages < 0) & np.any(pieces[1:] != pieces[:-1], axis=1))
        if len(new):
            unit = np.argmax(pieces[new + 1] != pieces[new], axis=1)
            stages[new], units[new] = k, unit
            where[new] = _root(stage, level[new], step[new], unit, pieces[new], pieces[new + 1])
        level, step = _on_pieces(stage, level, step, pieces)
    return where, stages, units, np.array(level), np.array(step)


def _root(stage: Any, level: Any, step: Any, unit: Any, before: Any, after: Any) -> np.ndarray:
    """Where a unit goes from one of its pieces to another; 1/2 where float64 sees no slope."""
    act, some = stage.activation, np.arange(len(unit))
    here, there = before[some, unit], after[some, unit]
    if isinstance(act, MaxGroups):
        one, other = act.offsets[unit] + here, act.offsets[unit] + there
        a, b = level[some, one] - level[some, other], step[some, one] - step[some, other]
    else:
        breakpoints = [act.functions[act.index[u]].breakpoints for u in unit]
        t = np.array([b[min(i, j)] for b, i, j in zip(breakpoints, here, there, strict=True)])
        a, b = level[some, unit] - t, step[some, unit]
    with np.errstate(all="ignore"):
        root = -a / b
    return np.where(np.isfinite(root), root, 0.5)


def _on_pieces(stage: Any, level: np.ndarray, step: np.ndarray, pieces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    act = stage.activation
    if isinstance(act, MaxGroups):
        rows = act.offsets[:-1] + pieces
        return np.take_along_axis(level, rows, axis=1), np.take_along_axis(step, rows, axis=1)
    if act.is_identity:
        return level, step
    gain, shift = (table[np.arange(act.units), pieces] for table in piece_tables(act))
    return gain * level + shift, gain * step


def _joined(anchors: np.ndarray, closed: bool, parts: list[dict[str, np.ndarray]], complete: bool, exact: bool) -> Path:
    table = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    segments = np.repeat(np.arange(len(parts)), [len(part["begins"]) for part in parts])
    switched = table["stages"] >= 0
    for s, first in enumerate(np.searchsorted(segments, np.arange(len(parts)))):
        before = parts[s - 1]["patterns"][-1]
        if s or (closed and complete):
            switched[first] = bool(np.any(before != table["patterns"][first]))
    return Path(anchors, closed, segments, switched=switched, complete=complete, exact=exact, **table)


def _area(a: np.ndarray, b: np.ndarray, ts: np.ndarray, te: np.ndarray) -> np.ndarray:
    """`int |a + b t| dt` from ts to te: a trapezoid, or two triangles where the sign changes."""
    left, right = a + b * ts, a + b * te
    both = np.abs(left) + np.abs(right)
    with np.errstate(invalid="ignore", divide="ignore"):
        crossed = np.where(both > 0, (left**2 + right**2) / (2 * both), 0.0)
    return (te - ts) * np.where(left * right < 0, crossed, both / 2)

"""The lp engine: depth first over sign patterns by small linear programs, exact, for domains of any dimension."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from ..domain import Box, Domain, Space
from ..errors import InputError
from ..exact import nearest_float, pivot_columns, scaled_integers
from ..network import Network
from ..stage import Stage, is_sparse
from . import cells

NAME = "lp"
# Above this many entries the rank of the first layer is not looked for: the elimination is exact and so not cheap.
MOST_ENTRIES = 20_000


def open_engine(net: Network, domain: Domain) -> Any:
    """A compiled engine for the network on the domain, with the verbs of the cells engine but no vertices.

    A cell is the domain cut by signed rows.  Whether a cut splits it is shown by a point on either side, or by
    multipliers `y >= 0` of the rows whose combination is nowhere positive on the domain; both are proposed by a linear
    program in float64, proved by rigorous error bounds, and found in integers where those do not suffice.

    Raises:
        InputError: the dimensions do not match, or the network does not fit into memory.
    """
    cells.check_inputs(net, domain)
    first = net.stages[0]
    keep = _needed_inputs(first, domain)
    stages = [first if len(keep) == domain.dim else _narrowed(first, keep), *net.stages[1:]]
    from .._core import LpEngine

    try:
        engine = LpEngine([cells.stage_input(s) for s in stages], _domain(domain, keep))
    except RuntimeError as error:
        raise InputError(f"network: {net!r} is too large for this engine: {error}") from error
    _check_memory(engine, net)
    if len(keep) == domain.dim:
        return engine
    fill = np.zeros(domain.dim) if isinstance(domain, Space) else _centre(domain)
    return Widened(engine, keep, fill)


class Widened:
    """An engine over some of the inputs, seen as one over all: the others, which nothing depends on, are filled in."""

    def __init__(self, engine: Any, keep: list[int], fill: np.ndarray):
        self._engine, self._keep, self._fill = engine, keep, fill

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def collect(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(patterns, witnesses, witness_ok) of a finished listing, in the order of the search."""
        patterns, witnesses, certified = self._engine.collect()
        wide = np.tile(self._fill, (len(witnesses), 1))
        wide[:, self._keep] = witnesses
        return patterns, wide, certified

    def replay(self, pieces: list[int], exact: bool) -> dict[str, Any] | None:
        """A rational point strictly inside the region with the given pieces."""
        shape = self._engine.replay(pieces, exact)
        if shape is None:
            return None
        *narrow, scale = (int(v, 16) for v in shape["exact"][0])
        point = [Fraction(float(v)) for v in self._fill]
        for k, v in zip(self._keep, narrow, strict=True):
            point[k] = Fraction(v, scale)
        integers, scale = scaled_integers([point])
        return {**shape, "exact": [[format(v, "x") for v in [*integers[0], scale]]]}


def _needed_inputs(first: Stage, domain: Domain) -> list[int]:
    """Inputs that the regions depend on; on the whole space, where affordable, as many as the first layer's rank."""
    everything = list(range(domain.dim))
    if not isinstance(domain, Box | Space):
        return everything
    weight = first.weight
    used = np.flatnonzero(np.diff(weight.tocsc().indptr) if is_sparse(weight) else np.any(weight != 0, axis=0)).tolist()
    if isinstance(domain, Space) and used and len(used) * first.rows <= MOST_ENTRIES:
        dense = (weight.toarray() if is_sparse(weight) else weight)[:, used]
        rows = [scaled_integers([[Fraction(float(v)) for v in row]])[0][0] for row in dense]
        used = [used[k] for k in pivot_columns(rows)]
    return used or [0]


def _narrowed(first: Stage, keep: list[int]) -> Stage:
    weight = first.weight[:, keep]
    return replace(first, weight=weight if is_sparse(weight) else np.ascontiguousarray(weight))


def _centre(domain: Domain) -> np.ndarray:
    assert isinstance(domain, Box)
    return np.clip(domain.lower / 2 + domain.upper / 2, domain.lower, domain.upper)


def _domain(domain: Domain, keep: list[int]) -> dict[str, Any]:
    out: dict[str, Any] = {"dim": len(keep), "rows": [], "embedding": None, "scale": "1", "lower": None, "upper": None}
    if isinstance(domain, Box):
        return {**out, "lower": domain.lower[keep].copy(), "upper": domain.upper[keep].copy()}
    lower, upper, rows = _outer_box(domain)
    out["rows"] = cells.hex_rows([scaled_integers([row])[0][0] for row in rows])
    if domain.embedding is not None:
        integers, scale = scaled_integers(domain.embedding)
        out["embedding"], out["scale"] = cells.hex_rows(integers), format(scale, "x")
    if lower is not None:
        out["lower"], out["upper"] = lower, upper
    return out


def _outer_box(domain: Domain) -> tuple[np.ndarray | None, np.ndarray | None, list[list[Fraction]]]:
    """A float64 box around the domain, from the half-spaces in one coordinate, and the half-spaces that it leaves.

    No box where a coordinate has no such bound on both sides.  Bounds that are no float64 are rounded outwards, and
    their half-spaces stay.
    """
    if isinstance(domain, Space):
        return None, None, []
    lower: list[Fraction | None] = [None] * domain.dim
    upper: list[Fraction | None] = [None] * domain.dim
    halfspaces = domain.halfspaces
    for row in halfspaces:
        at = [k for k, v in enumerate(row[:-1]) if v]
        if len(at) != 1:
            continue
        k, bound = at[0], -row[-1] / row[at[0]]
        low, up = lower[k], upper[k]
        if row[k] > 0:
            lower[k] = bound if low is None else max(low, bound)
        else:
            upper[k] = bound if up is None else min(up, bound)
    ends = [(_rounded(a, -1), _rounded(b, 1)) for a, b in zip(lower, upper, strict=True)]
    if not all(a < b and math.isfinite(a) and math.isfinite(b) for a, b in ends):
        return None, None, halfspaces
    rows = [row for row in halfspaces if not _implied(row, ends)]
    return np.array([a for a, _ in ends]), np.array([b for _, b in ends]), rows


def _rounded(value: Fraction | None, way: int) -> float:
    if value is None:
        return way * math.inf
    out = nearest_float(value)
    if math.isfinite(out) and (Fraction(out) - value) * way < 0:
        out = math.nextafter(out, way * math.inf)
    return out


def _implied(row: list[Fraction], ends: list[tuple[float, float]]) -> bool:
    """Whether a half-space in one coordinate holds on the whole box."""
    at = [k for k, v in enumerate(row[:-1]) if v]
    if len(at) != 1:
        return False
    k = at[0]
    return row[k] * Fraction(ends[k][0 if row[k] > 0 else 1]) + row[-1] >= 0


def _check_memory(engine: Any, net: Network) -> None:
    needed = engine.bytes_per_thread()
    try:
        most = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return
    if needed > most / 2:
        raise InputError(
            f"network: {net!r} needs about {needed / 2**30:.1f} GiB for each thread of the lp engine, and this machine "
            f"has {most / 2**30:.1f}; use a Segment or a Plane, or a smaller network"
        )

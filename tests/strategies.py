"""Hypothesis strategies: random small networks and domains, with every degeneracy that an exact count must survive."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from hypothesis import strategies as st

from linregions.activations import ABS, IDENTITY, RELU, MaxGroups, PiecewiseLinear, UnitActivations, clip, leaky_relu
from linregions.domain import Box, Domain, Plane, Polytope, Segment, Space
from linregions.network import Network
from linregions.stage import Stage

Draw = Callable[[st.SearchStrategy[Any]], Any]

INTEGERS = st.integers(-2, 2).map(float)
QUARTERS = st.integers(-12, 12).map(lambda k: k / 4)
FLOATS = st.floats(-2, 2, allow_nan=False, allow_subnormal=False)
EXTREMES = st.sampled_from([0.0, 1.0, -1.0, 1e-150, -1e-150, 1e150, -1e150, 3e-150, -7e149])
NEIGHBOURS = st.builds(lambda s, k: s * (1.0 + k * 2.0**-52), st.sampled_from([1.0, -1.0, 0.0]), st.integers(-1, 2))
PALETTES = {"integers": INTEGERS, "quarters": QUARTERS, "floats": FLOATS, "extremes": EXTREMES, "ulps": NEIGHBOURS}
# Hypothesis likes simple numbers, with which most networks have few regions; seeded ones have many.
SEEDED = {
    "seeded normal": lambda rng, shape: rng.normal(size=shape),
    "seeded integers": lambda rng, shape: rng.integers(-2, 3, size=shape).astype(float),
    "seeded mixture": lambda rng, shape: (
        rng.normal(size=shape) * rng.choice([0.0, 1.0, 1.0, 1e-9, 1e-150, 1e150], size=shape)
    ),
}
STYLES = [*PALETTES, *SEEDED, *SEEDED]
# Without sizes of 1e150: determinants of such numbers have tens of thousands of bits, and in eight dimensions the
# oracle's rationals then take minutes.
MODEST = [style for style in STYLES if style not in ("extremes", "seeded mixture")]
DIVISORS = st.sampled_from([1.0, 2.0, 3.0, 9.0, 0.1, 7.0])


@dataclass(frozen=True)
class Case:
    """A network and a domain of its inputs."""

    network: Network
    domain: Domain

    def __repr__(self) -> str:
        # Everything needed to rebuild a failing case by hand.
        lines = [f"domain {self.domain!r}: {vars(self.domain)}"]
        for stage in self.network.stages:
            dense = stage.weight.toarray() if hasattr(stage.weight, "toarray") else stage.weight
            act = stage.activation
            if isinstance(act, MaxGroups):
                shown: list[Any] = ["max", *act.offsets.tolist()]
            else:
                shown = [(f.breakpoints, f.slopes, f.value) for f in (act.functions[k] for k in act.index)]
            divisor = None if stage.divisor is None else stage.divisor.tolist()
            lines.append(f"W={dense.tolist()} b={stage.bias.tolist()} divisor={divisor} activation={shown}")
        return "\n".join(["Case", *lines])


@st.composite
def functions(draw: Draw) -> PiecewiseLinear:
    """Breakpoints and slopes, monotone or not."""
    ts = sorted(set(draw(st.lists(QUARTERS, min_size=0, max_size=3))))
    slopes = draw(st.lists(INTEGERS, min_size=len(ts) + 1, max_size=len(ts) + 1))
    return PiecewiseLinear(tuple(ts), tuple(slopes), draw(QUARTERS))


@st.composite
def clips(draw: Draw) -> PiecewiseLinear:
    """Clips with finite or infinite ends, hardtanh and ReLU6 among them."""
    ends = st.sampled_from(
        [(-1.0, 1.0), (0.0, 6.0), (0.0, 1.0), (-0.5, math.inf), (-math.inf, 0.25), (0.1, 0.3), (1.0, 1.0)]
    )
    return clip(*draw(ends))


LEAKY = st.sampled_from([-1.0, -0.5, 0.0, 0.01, 0.25, 1.0, 2.0, 1e3, -1e150]).map(leaky_relu)
ACTIVATIONS = {
    "relu": st.just(RELU),
    "leaky": LEAKY,
    "abs": st.just(ABS),
    "clip": clips(),
    "pieces": functions(),
    "identity": st.just(IDENTITY),
    "mixed": st.one_of(st.just(RELU), LEAKY, st.just(ABS), clips(), functions()),
}
# ReLU is what most networks have, so it comes up most often.
KINDS = st.sampled_from(["relu", "relu", "relu", "max", "max", "mixed", *ACTIVATIONS])


@st.composite
def activations(draw: Draw, rows: int) -> UnitActivations | MaxGroups:
    """One kind for a whole stage: the same function, one per unit, or max groups."""
    kind = draw(KINDS)
    if kind == "max":
        ends = [0]
        while ends[-1] < rows:
            ends.append(min(rows, ends[-1] + draw(st.sampled_from([2, 3, 1]))))
        return MaxGroups(np.array(ends, dtype=np.int32))
    if draw(st.booleans()):
        return UnitActivations.uniform(draw(ACTIVATIONS[kind]), rows)
    return UnitActivations.of([draw(ACTIVATIONS[kind]) for _ in range(rows)])


def matrix(draw: Draw, style: str, *shape: int) -> np.ndarray:
    """An array of numbers in the given style."""
    if style in SEEDED:
        return SEEDED[style](np.random.default_rng(draw(st.integers(0, 2**32 - 1))), shape)
    size = math.prod(shape)
    return np.array(draw(st.lists(PALETTES[style], min_size=size, max_size=size)), dtype=float).reshape(shape)


def special_row(draw: Draw, weight: np.ndarray, bias: np.ndarray, row: int, domain: Domain | None) -> None:
    """Overwrite one row with a degenerate one, in place; `domain` is given for the first stage."""
    names = ["duplicate", "opposite", "double", "zero", "dead", "constant", "ulp", "parallel", "facet", "corner"]
    name, other = draw(st.sampled_from(names)), draw(st.integers(0, row))
    if name in ("duplicate", "opposite", "double"):
        factor = {"duplicate": 1.0, "opposite": -1.0, "double": 2.0}[name]
        weight[row], bias[row] = factor * weight[other], factor * bias[other]
    elif name in ("zero", "dead", "constant"):
        weight[row], bias[row] = 0.0, {"zero": 0.0, "dead": -1.0, "constant": 1.0}[name]
    elif name == "ulp":
        weight[row], bias[row] = weight[other], bias[other]
        column = draw(st.integers(0, weight.shape[1]))
        if column == weight.shape[1]:
            bias[row] = np.nextafter(bias[row], math.inf)
        else:
            weight[row, column] = np.nextafter(weight[row, column], math.inf)
    elif name == "parallel":
        weight[row], bias[row] = weight[other], draw(QUARTERS)
    elif isinstance(domain, Box) and name == "facet":
        axis, above = draw(st.integers(0, domain.dim - 1)), draw(st.booleans())
        weight[row] = np.eye(domain.dim)[axis]
        bias[row] = -(domain.upper if above else domain.lower)[axis]
    elif isinstance(domain, Polytope) and name == "facet" and len(domain.A):
        side = draw(st.integers(0, len(domain.A) - 1))
        weight[row], bias[row] = -domain.A[side], domain.b[side]
    elif isinstance(domain, Box):
        corner = [domain.upper[k] if draw(st.booleans()) else domain.lower[k] for k in range(domain.dim)]
        exact = -sum(Fraction(float(w)) * Fraction(float(v)) for w, v in zip(weight[row], corner, strict=True))
        if abs(exact) < 1e300 and Fraction(float(exact)) == exact:
            bias[row] = float(exact)


@st.composite
def stages(draw: Draw, inputs: int, rows: int, style: str, domain: Domain | None) -> Stage:
    """One stage with `rows` rows."""
    weight, bias = matrix(draw, style, rows, inputs), matrix(draw, style, rows)
    if draw(st.integers(0, 3)) == 3:
        bias[:] = 0.0
    for row in range(rows):
        if draw(st.integers(0, 4)) == 4:
            special_row(draw, weight, bias, row, domain)
    divisor = np.array([draw(DIVISORS) for _ in range(rows)]) if draw(st.integers(0, 4)) == 4 else None
    return Stage(maybe_sparse(draw, weight), bias, draw(activations(rows)), divisor)


def maybe_sparse(draw: Draw, weight: np.ndarray) -> Any:
    """The same matrix, now and then in sparse form."""
    if draw(st.integers(0, 4)) < 4:
        return weight
    from scipy.sparse import csr_array

    return csr_array(weight)


@st.composite
def residual(draw: Draw, width: int, rows: int, style: str) -> list[Stage]:
    """`x -> f(W2 g(W1 x + b1) + b2 + x)`: the state is widened by a carried copy of x with identity activations."""
    inner = draw(stages(width, rows, style, None))
    carried = UnitActivations.of([*[draw(ACTIVATIONS["mixed"]) for _ in range(rows)], *[IDENTITY] * width])
    wide = inner.weight.toarray() if hasattr(inner.weight, "toarray") else inner.weight
    wide = np.vstack([wide, np.eye(width)])
    bias = np.concatenate([inner.bias, np.zeros(width)])
    divisor = None if inner.divisor is None else np.concatenate([inner.divisor, np.ones(width)])
    joined = maybe_sparse(draw, np.hstack([matrix(draw, style, width, rows), np.eye(width)]))
    after = UnitActivations.uniform(draw(st.sampled_from([RELU, ABS, IDENTITY])), width)
    return [
        Stage(maybe_sparse(draw, wide), bias, carried, divisor),
        Stage(joined, matrix(draw, style, width), after),
    ]


@st.composite
def networks(
    draw: Draw, inputs: int, domain: Domain | None = None, units: int = 8, styles: Sequence[str] = STYLES
) -> Network:
    """Up to three hidden stages with about `units` rows in all, and a linear output."""
    built, width, left = [], inputs, units
    style = draw(st.sampled_from(styles))
    for k in range(draw(st.sampled_from([2, 1, 3, 2, 2, 3, 0]))):
        rows = min(left, draw(st.sampled_from([3, 4, 2, 5, 1])))
        if rows <= 0:
            break
        if k and draw(st.integers(0, 3)) == 3 and width <= 3:
            built += draw(residual(width, rows, style))
            left -= rows + width
            continue
        stage = draw(stages(width, rows, style, domain if k == 0 else None))
        built.append(stage)
        width, left = stage.units, left - rows
    outputs = draw(st.integers(1, 2))
    built.append(Stage(np.ones((outputs, width)), np.zeros(outputs), UnitActivations.uniform(IDENTITY, outputs)))
    return Network(tuple(built), "random")


@st.composite
def boxes(draw: Draw, dim: int) -> Box:
    """Boxes with whole, quarter, arbitrary or extreme ends."""
    if draw(st.booleans()):
        return Box.cube(-draw(st.sampled_from([2.0, 1.0, 4.0])), draw(st.sampled_from([2.0, 1.0, 0.7])), dim)
    numbers = draw(st.sampled_from([INTEGERS, QUARTERS, FLOATS, EXTREMES]))
    pairs = st.lists(numbers, min_size=2, max_size=2, unique=True).map(sorted)
    ends = [draw(pairs) for _ in range(dim)]
    return Box([a for a, _ in ends], [b for _, b in ends])


@st.composite
def polytopes(draw: Draw, dim: int) -> Polytope:
    """Full-dimensional polyhedra around a point, bounded or not, some sides redundant, repeated or trivial."""
    sides = draw(st.integers(0 if dim > 1 else 1, dim + 3))
    centre = [draw(st.integers(-2, 2)) for _ in range(dim)]
    normals = [[draw(st.integers(-2, 2)) for _ in range(dim)] for _ in range(sides)]
    room = [draw(st.integers(1, 4)) for _ in range(sides)]
    offsets = [sum(a * c for a, c in zip(n, centre, strict=True)) + r for n, r in zip(normals, room, strict=True)]
    if draw(st.booleans()):
        # A simplex around the centre makes it bounded.
        size = draw(st.integers(1, 3))
        normals += [[-int(j == k) for j in range(dim)] for k in range(dim)] + [[1] * dim]
        offsets += [size - c for c in centre] + [sum(centre) + size]
        offsets[-dim - 1 : -1] = [size - c for c in centre]
    return Polytope(np.array(normals, dtype=float).reshape(len(normals), dim), np.array(offsets, dtype=float))


@st.composite
def segments(draw: Draw, inputs: int) -> Segment:
    """Segments in general and special position."""
    numbers = draw(st.sampled_from([INTEGERS, QUARTERS, FLOATS]))
    points = st.lists(numbers, min_size=inputs, max_size=inputs).map(tuple)
    a, b = draw(st.lists(points, min_size=2, max_size=2, unique=True))
    scale = draw(st.sampled_from([1.0, 2.0, 8.0]))
    return Segment([scale * v for v in a], [scale * v for v in b])


@st.composite
def planes(draw: Draw, inputs: int) -> Plane:
    """Plane slices with a square, triangular or other region; two axes are kept apart so that they span a plane."""
    first, second = draw(st.permutations(range(inputs)))[:2]
    p = np.array([draw(QUARTERS) for _ in range(inputs)])
    u, v = (np.array([draw(INTEGERS) for _ in range(inputs)]) for _ in range(2))
    u[[first, second]], v[[first, second]] = (1.0, 0.0), (draw(INTEGERS), draw(st.sampled_from([-1.0, 1.0, 2.0])))
    pentagon = [[0, 0], [2, -1], [3, 1], [1, 2], [0, 1]]
    region = draw(st.sampled_from(["square", "triangle", pentagon]))
    margin = draw(st.sampled_from([0.0, 0.5, 1.0])) if region == "square" else 0.0
    return Plane.through(p, p + u, p + v, region=region, margin=margin)


@st.composite
def domains(draw: Draw, inputs: int) -> Domain:
    """Every kind of domain for a network of that many inputs; slices only where there are more than three."""
    kinds = [segments, planes] if inputs > 3 else [boxes, boxes, Space, polytopes, segments, boxes, Space]
    if 2 <= inputs <= 3:
        kinds.append(planes)
    kind = draw(st.sampled_from(kinds))
    return Space(inputs) if kind is Space else draw(kind(inputs))


@st.composite
def cases(draw: Draw, units: int = 10, styles: Sequence[str] = STYLES) -> Case:
    """A network and a domain of dimension at most 3 (slices: of up to 4 inputs)."""
    inputs = draw(st.sampled_from([1, 1, 2, 2, 2, 3, 4]))
    domain = draw(domains(inputs))
    room = units if domain.dim < 3 else (units + 2) // 2
    return Case(draw(networks(inputs, domain, room, styles)), domain)


@st.composite
def line_cases(draw: Draw) -> Case:
    """A network and a domain of dimension one."""
    inputs = draw(st.sampled_from([1, 2, 1, 3]))
    domain = draw(segments(inputs) if inputs > 1 else domains(1))
    return Case(draw(networks(inputs, domain, 12)), domain)


@st.composite
def sliver_cases(draw: Draw) -> Case:
    """Lines through almost one point or almost parallel, 1e-9 to a few ulps apart, nested in a second layer."""
    gap = draw(st.sampled_from([1e-9, 1e-12, 1e-15, 2.0**-52, 1e-17, 1e-30, 1e-200]))
    count = draw(st.integers(3, 4))
    normals = draw(st.lists(st.tuples(INTEGERS, INTEGERS).filter(any), min_size=count, max_size=count))
    point = np.array([draw(st.sampled_from([0.0, 0.25, 1.0, 1 / 3])), draw(st.sampled_from([0.0, -0.5, 1 / 3]))])
    weight = np.array(normals)
    bias = -(weight @ point) + gap * np.array([draw(INTEGERS) for _ in range(count)])
    if draw(st.booleans()):
        weight[:, 0] += gap * np.array([draw(INTEGERS) for _ in range(count)])
    first = Stage(weight, bias, UnitActivations.uniform(draw(st.sampled_from([RELU, RELU, ABS])), count))
    rows = draw(st.integers(0, 2))
    inner = np.array([draw(INTEGERS) for _ in range(rows * count)]).reshape(rows, count)
    shift = gap * np.array([draw(INTEGERS) for _ in range(rows)])
    found = [first, Stage(inner, shift, UnitActivations.uniform(RELU, rows))] if rows else [first]
    found.append(Stage(np.ones((1, rows or count)), np.zeros(1), UnitActivations.uniform(IDENTITY, 1)))
    domain = draw(st.sampled_from([Box.cube(-1, 1, 2), Box.cube(0, 1, 2), Space(2), Box([-1.0, -1e-16], [1.0, 1e-17])]))
    return Case(Network(tuple(found), "sliver"), domain)


@st.composite
def high_cases(draw: Draw, styles: Sequence[str] = STYLES) -> Case:
    """Networks of few units on boxes, polyhedra and the whole space of dimension 4 to 8."""
    dim = draw(st.sampled_from([4, 5, 4, 6, 7, 8]))
    domain = draw(draw(st.sampled_from([boxes, polytopes, boxes]))(dim)) if draw(st.booleans()) else Space(dim)
    return Case(draw(networks(dim, domain, 6, styles)), domain)

"""Counting without listing: lines in polygons, planes in boxes and last stages, above all where things coincide."""

from __future__ import annotations

import itertools
import math
import random
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from fractions import Fraction

import arrangements
import numpy as np
import oracle
import pytest

from linregions import Box, Kind, Network, Polytope, Space, Status, count, enumerate_regions
from linregions.constructions.arrangements import arrangement

Line = tuple[float, float, float]  # a x + b y + c = 0
SQUARE = [(-4, -4), (4, -4), (4, 4), (-4, 4)]
TRIANGLE = [(-5, -3), (6, -4), (1, 7)]
HEXAGON = [(0, -4), (4, -2), (4, 2), (0, 4), (-4, 2), (-4, -2)]


def layer(rows: Sequence[Sequence[float]]) -> Network:
    """One hidden layer whose units vanish on the given hyperplanes."""
    numbers = np.array(rows, dtype=float)
    return Network.from_arrays([(numbers[:, :-1], numbers[:, -1]), (np.ones((1, len(rows))), [0.0])])


def polygon(corners: Sequence[tuple[int, int]]) -> Polytope:
    """A polygon from its corners, in positive order."""
    sides = [(q[1] - p[1], p[0] - q[0]) for p, q in zip(corners, [*corners[1:], corners[0]], strict=True)]
    return Polytope(sides, [a * x + b * y for (a, b), (x, y) in zip(sides, corners, strict=True)])


def pieces(lines: Sequence[Line], corners: Sequence[tuple[int, int]] | None) -> int:
    """1 + chords + sum over inner crossing points of (chords through it - 1), in rationals; no corners: the plane."""
    rows = set()
    for line in lines:
        a, b, c = (Fraction(v) for v in line)
        lead = a or b
        if lead == 0:
            continue
        sides = [a * x + b * y + c for x, y in corners or ()]
        if corners is None or min(sides) < 0 < max(sides):
            rows.add((a / lead, b / lead, c / lead))
    points = defaultdict(set)
    for (i, (a, b, c)), (j, (d, e, f)) in itertools.combinations(enumerate(sorted(rows)), 2):
        det = a * e - b * d
        if det:
            points[(b * f - c * e) / det, (c * d - a * f) / det] |= {i, j}
    inner = [p for p in points if corners is None or _inside(p, corners)]
    return 1 + len(rows) + sum(len(points[p]) - 1 for p in inner)


def _inside(p: tuple[Fraction, Fraction], corners: Sequence[tuple[int, int]]) -> bool:
    around = zip(corners, [*corners[1:], corners[0]], strict=True)
    return all((q[0] - o[0]) * (p[1] - o[1]) > (q[1] - o[1]) * (p[0] - o[0]) for o, q in around)


def integer_lines(rng: random.Random, n: int, size: int) -> list[Line]:
    return [(rng.randint(-size, size), rng.randint(-size, size), rng.randint(-2 * size, 2 * size)) for _ in range(n)]


def grid(rng: random.Random, n: int) -> list[Line]:
    return [line for k in range(-n, n + 1) for line in ((1, 0, k / 4), (0, 1, k / 4))]


def parallel_families(rng: random.Random, n: int) -> list[Line]:
    return [(*direction, k / 2) for direction in ((1, 0), (0, 1), (1, 1), (1, -1), (2, 1)) for k in range(-n, n)]


def concurrent(rng: random.Random, n: int) -> list[Line]:
    return [(k + 1, 7 - k * k, 0.5 * (k + 1)) for k in range(n)] + [(1, k, 1.0) for k in range(n // 2)]


def through_corners(rng: random.Random, n: int) -> list[Line]:
    corners = SQUARE + TRIANGLE + HEXAGON
    spread = [(a, b, -a * x - b * y) for x, y in corners for a, b in ((1, 2), (3, -1), (0, 1))]
    return spread + [(y - v, u - x, x * v - y * u) for (x, y), (u, v) in itertools.combinations(corners, 2)]


def repeated(rng: random.Random, n: int) -> list[Line]:
    some = integer_lines(rng, n, 5)
    return [tuple(f * v for v in line) for f in (1, -1, 3, 0, -(2.0**-40)) for line in some]  # type: ignore[misc]


def nearly_concurrent(rng: random.Random, n: int) -> list[Line]:
    out = [(float(k - n), 3.0, 0.0) for k in range(2 * n)]
    # Moved by the smallest step that float64 has, or by 1e-17 and less.
    out += [(1.0, float(k), rng.choice([0.0, 1e-17, -1e-17, 2.0**-60, 5e-324])) for k in range(2, n)]
    return out + [(math.nextafter(1.0, 2.0), float(k) + 0.5, 2.0**-52) for k in range(n)]


FAMILIES: list[Callable[[random.Random, int], list[Line]]] = [
    lambda rng, n: integer_lines(rng, 4 * n, 1),
    lambda rng, n: integer_lines(rng, 4 * n, 3),
    lambda rng, n: integer_lines(rng, 4 * n, 2**20),
    lambda rng, n: [(rng.gauss(0, 1), rng.gauss(0, 1), rng.gauss(0, 2)) for _ in range(5 * n)],
    grid,
    parallel_families,
    concurrent,
    through_corners,
    repeated,
    nearly_concurrent,
]


@pytest.mark.parametrize("corners", [SQUARE, TRIANGLE, HEXAGON, None], ids=["square", "triangle", "hexagon", "plane"])
@pytest.mark.parametrize("family", range(len(FAMILIES)))
@pytest.mark.parametrize("n", [2, 4, 15])
def test_lines_in_a_polygon(family: int, n: int, corners: list[tuple[int, int]] | None) -> None:
    rng = random.Random(100 * family + n)
    lines = FAMILIES[family](rng, n)
    rng.shuffle(lines)
    domain = Space(2) if corners is None else polygon(corners)
    found = count(layer(lines), domain, threads=1 + n % 2, engine="cells")
    assert found.kind is Kind.EXACT
    assert found.doubtful == 0
    assert found.value == pieces(lines, corners)
    assert count(layer(lines), domain, threads=2 - n % 2, engine="cells").value == found.value


def test_more_than_64_lines_of_every_kind_together() -> None:
    rng = random.Random(5)
    lines = [line for make in FAMILIES for line in make(rng, 4)]
    rng.shuffle(lines)
    for corners in (SQUARE, TRIANGLE, HEXAGON, None):
        domain = Space(2) if corners is None else polygon(corners)
        assert count(layer(lines), domain, engine="cells").value == pieces(lines, corners)


def test_a_wedge() -> None:
    """An unbounded polygon with one finite corner, x >= 0 and y >= 0, some lines through it."""
    rng = random.Random(6)
    far = 10**6
    corners = [(0, 0), (far, 0), (0, far)]
    for n in (5, 40, 80):
        lines = [
            *integer_lines(rng, n, 4),
            *((k, -3, 0) for k in range(1, n // 4)),
            *((1, 1, -k) for k in range(n // 4)),
        ]
        quadrant = Polytope([[-1, 0], [0, -1]], [0, 0])
        # Every crossing of such lines lies within the triangle.
        assert count(layer(lines), quadrant).value == pieces(lines, corners)


@pytest.mark.parametrize("m", [3, 10, 60, 64, 65, 66, 129, 700])
def test_generic_lines_of_the_plane(m: int) -> None:
    rng = np.random.default_rng(m)
    lines = rng.normal(size=(m, 3))
    found = count(layer(lines.tolist()), Space(2), engine="cells")
    assert found.value == 1 + m + math.comb(m, 2)
    assert found.kind is Kind.EXACT


@pytest.mark.parametrize(("d", "m"), [(3, 5), (3, 40), (3, 70), (4, 12), (4, 20), (5, 11)])
def test_generic_hyperplanes_of_space(d: int, m: int) -> None:
    rows = np.random.default_rng(10 * d + m).normal(size=(m, d + 1))
    assert count(layer(rows.tolist()), Space(d), engine="cells").value == sum(math.comb(m, k) for k in range(d + 1))


@pytest.mark.parametrize(
    ("name", "n"), [("braid", 4), ("braid", 5), ("shi", 3), ("shi", 4), ("catalan", 3), ("catalan", 4), ("type_b", 3)]
)
def test_named_arrangements(name: str, n: int) -> None:
    """In a box against the list of regions, in the whole space against their known numbers."""
    given = arrangement(name, n)
    net, d = layer(given.hyperplanes), len(given.hyperplanes[0]) - 1
    for side in (1, 2.5):
        assert count(net, Box.cube(-side, side, d)).value == len(enumerate_regions(net, Box.cube(-side, side, d)))
    assert count(net, Space(d), engine="cells").value == arrangements.chambers(given.hyperplanes)


@pytest.mark.parametrize("seed", range(12))
def test_integer_planes_against_the_list(seed: int) -> None:
    """Small integers: planes through common lines and points, parallel and repeated, in dimensions 3 and 4."""
    rng = random.Random(seed)
    d, m, size = (3, 24, 1 + seed % 3) if seed % 2 else (4, 11, 1 + seed % 3)
    rows = [[rng.randint(-size, size) for _ in range(d + 1)] for _ in range(m)]
    box = Box.cube(-2, 2, d)
    assert count(layer(rows), box, threads=1 + seed % 2).value == len(enumerate_regions(layer(rows), box))


def test_more_than_64_planes_against_the_list() -> None:
    rng = random.Random(3)
    flat = [[rng.randint(-2, 2) for _ in range(4)] for _ in range(30)]
    loose = np.random.default_rng(3).normal(size=(50, 4)).tolist()
    for rows in (loose + flat[:16], flat + loose[:40]):
        net = layer(rows)
        assert count(net, Box.cube(-1, 1, 3)).value == len(enumerate_regions(net, Box.cube(-1, 1, 3)))


@pytest.mark.parametrize("seed", range(30))
def test_deep_networks_with_small_integers_against_the_list_and_the_oracle(seed: int) -> None:
    rng = random.Random(seed)
    d = 2 + seed % 3
    widths = [d, rng.randint(3, 5), rng.randint(4, 7)]
    layers = []
    for fan_in, out in itertools.pairwise(widths):
        weight = [[rng.randint(-2, 2) for _ in range(fan_in)] for _ in range(out)]
        layers.append((np.array(weight, dtype=float), np.array([rng.choice([0, 0, 1, -1]) for _ in range(out)], float)))
    net = Network.from_arrays([*layers, (np.ones((1, widths[-1])), [0.0])])
    domain = Box.cube(-1, 1, d) if seed % 5 else Space(d)
    found = count(net, domain, engine="cells").value
    assert found == len(enumerate_regions(net, domain))
    if d == 2:
        assert found == oracle.count(net, domain)


@pytest.mark.parametrize("widths", [(3, 20, 20), (4, 12, 12), (5, 9, 10), (2, 24, 24, 24)])
def test_deep_networks_against_the_list(widths: tuple[int, ...]) -> None:
    rng = np.random.default_rng(sum(widths))
    layers = [
        (rng.normal(0, math.sqrt(2 / a), (b, a)), rng.normal(0, 0.1, b)) for a, b in itertools.pairwise((*widths, 1))
    ]
    net, box = Network.from_arrays(layers), Box.cube(-1, 1, widths[0])
    found = count(net, box, threads=1)
    assert found.value == len(enumerate_regions(net, box)) == count(net, box, threads=2).value
    assert found.kind is Kind.EXACT


def test_doubtful_decisions_are_counted_without_the_exact_layer() -> None:
    lines = [(k + 1, 7 - k * k, 0.5 * (k + 1)) for k in range(100)]  # all through one point
    found = count(layer(lines), polygon(SQUARE), exact=False)
    assert found.doubtful > 0
    assert found.kind is Kind.ESTIMATE


def test_budgets_stop_a_large_count() -> None:
    rng = np.random.default_rng(1)
    net = layer(rng.normal(size=(4000, 3)).tolist())
    part = count(net, Box.cube(-1, 1, 2), max_regions=100_000, threads=1)
    assert part.status is Status.BUDGET
    assert part.kind is Kind.LOWER
    assert 100_000 <= part.value < 110_000
    net = layer(rng.normal(size=(20_000, 3)).tolist())
    started = time.perf_counter()
    part = count(net, Box.cube(-1, 1, 2), time_limit=0.1)
    assert part.status is Status.BUDGET
    assert part.kind is Kind.LOWER
    assert time.perf_counter() - started < 5  # far above the tenth of a second that it takes on a quiet machine


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_a_point_that_is_hardly_known_beside_others(order: tuple[int, ...]) -> None:
    """Two equal lines meet the last one within 1e-18 of the side, so floating point cannot say where, in any order."""
    lines = [(0, 1, 2), (0, -8, -16), (1, -3, -2), (1.0, 2.0, 8.673617379884035e-19)]
    assert count(layer([lines[k] for k in order]), polygon(SQUARE)).value == 6


def test_long_integers_in_many_dimensions() -> None:
    """Rows beyond 2^20 in nine dimensions: the arrangement engine by name, linear programs otherwise."""
    rng = np.random.default_rng(2)
    rows = [*np.eye(9, 10).tolist(), rng.integers(-(2**30), 2**30, 10).tolist()]
    for engine in ("auto", "lp", "arrangement"):
        assert count(layer(rows), Space(9), engine=engine).value == 2**10 - 1


@pytest.mark.parametrize("dim", [2, 3, 4])
def test_unbounded_polyhedra(dim: int) -> None:
    """Sections of a half-space have edges that are whole lines; a chord that starts there goes to infinity once."""
    rng = np.random.default_rng(dim)
    for k in range(60 if dim < 4 else 15):
        m = int(rng.integers(2, 8))
        net = layer(rng.integers(-2, 3, (m, dim + 1)).astype(float))
        sides = np.ones((1, dim)) if k % 2 else np.vstack([np.eye(dim)[:1], -np.eye(dim)[: k % 4 // 2]])
        domain = Polytope(sides, np.full(len(sides), 0.5))
        found = {count(net, domain, engine=engine, threads=1).value for engine in ("cells", "lp")}
        assert found == {len(enumerate_regions(net, domain))}

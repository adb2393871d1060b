"""Proofs on simplices: known signs, exact against float, zero faces, witnesses, the origin."""

from fractions import Fraction
from itertools import permutations, product
from math import prod
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linregions.errors import InputError
from linregions.lyapunov.dynamics.dynamics import dynamics_of
from linregions.lyapunov.proving.classify import Leaf
from linregions.lyapunov.proving.prove import prove
from linregions.lyapunov.proving.simplices import Ball, Rows, Simplices, simplices_of, weights_of

F = Fraction


def forms(*polynomials):
    return SimpleNamespace(polynomials=[{a: F(c) for a, c in p.items()} for p in polynomials])


def doubtful(simplices, weights):
    """The same simplices with floats that say nothing, so that every sign is taken from integers."""
    blind = Simplices(simplices.points, np.full_like(simplices.errors, 1e3), simplices.exact, simplices.origin)
    return blind, weights


def value(polynomial, point):
    return sum(
        (F(c) * prod((F(y) ** e for y, e in zip(point, a, strict=True)), start=F(1)) for a, c in polynomial.items()),
        F(0),
    )


def orthants(n, r):
    """The 2^n n! simplices of the box [-r, r]^n with the origin as a vertex."""
    out = []
    for signs in product((1, -1), repeat=n):
        for order in permutations(range(n)):
            point, rows = [F(0)] * n, [tuple([F(0)] * n)]
            for k in order:
                point[k] = F(r) * signs[k]
                rows.append(tuple(point))
            out.append(rows)
    return out


POINTS = st.fractions(-3, 3, max_denominator=8)


@st.composite
def problems(draw):
    n = draw(st.integers(1, 2))
    exponents = draw(st.lists(st.tuples(*[st.integers(0, 3)] * n).filter(any), min_size=1, max_size=4, unique=True))
    polynomial = {a: draw(st.integers(-4, 4)) for a in exponents}
    far = [draw(st.tuples(*[POINTS] * n)) for _ in range(n)]
    first = (F(0),) * n if draw(st.booleans()) else draw(st.tuples(*[POINTS] * n))
    weight = draw(st.fractions(-2, 2, max_denominator=5))
    return polynomial, [first, *far], weight


@settings(max_examples=50, deadline=None)
@given(problems(), st.randoms(use_true_random=False))
def test_random_polynomials_against_points(problem, random):
    polynomial, simplex, weight = problem
    given_ = simplices_of([simplex]), weights_of([[weight]])
    proof = prove(*given_, forms(polynomial), max_depth=10)
    blind = prove(*doubtful(*given_), forms(polynomial), max_depth=10)
    if Leaf.UNKNOWN not in (blind.status[0], proof.status[0]):  # they may bisect other edges
        assert blind.status.tolist() == proof.status.tolist()
    scaled = {a: c * weight for a, c in polynomial.items()}
    status = proof.status[0]
    if status == Leaf.VIOLATED:
        witness = proof.witness(0)
        assert witness.value[0] == witness.value[1] == value(scaled, witness.coordinates) > 0
        return
    assert proof.witness(0) is None
    for _ in range(30):
        mu = [random.randint(0, 6) for _ in simplex]
        if sum(mu) == 0:
            continue
        point = [sum(F(m) * v[i] for m, v in zip(mu, simplex, strict=True)) / sum(mu) for i in range(len(simplex[0]))]
        if status == Leaf.PROVED and any(point):
            assert value(scaled, point) < 0
        if status == Leaf.ZERO:
            assert value(scaled, point) <= 0
    if status == Leaf.ZERO:
        assert proof.zero_faces(0)
        for face in proof.zero_faces(0):
            middle = [sum(F(v[i], v[-1]) for v in face) / len(face) for i in range(len(simplex[0]))]
            assert value(scaled, middle) == 0


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize(
    ("r", "status"),
    [(F(9, 10), Leaf.PROVED), (1 - F(1, 10**12), Leaf.PROVED), (F(1), Leaf.ZERO), (1 + F(1, 10**12), Leaf.VIOLATED)],
)
def test_cubic_on_both_sides_of_its_threshold(n, r, status):
    """x_i' = -x_i + x_i^3 with the 1-norm: strict exactly for r < 1."""
    simplices = simplices_of(orthants(n, r))
    signs = [[1 if sum(v[k] for v in s) > 0 else -1 for k in range(n)] for s in orthants(n, r)]
    field = [{tuple(int(i == k) for i in range(n)): -1, tuple(3 * int(i == k) for i in range(n)): 1} for k in range(n)]
    proof = prove(simplices, weights_of(signs), forms(*field))
    assert set(proof.status.tolist()) == {int(status)}
    if status == Leaf.ZERO:
        for root in range(simplices.count):
            faces = proof.zero_faces(root)
            assert faces
            for vertex in (v for face in faces for v in face):
                assert all(abs(F(c, vertex[-1])) in (0, 1) for c in vertex[:-1])


def test_degenerate_linear_part_is_strict():
    proof = prove(simplices_of([[(0,), (1,)], [(-1,), (0,)]]), weights_of([[1], [-1]]), forms({(3,): -1}))
    assert proof.worst == Leaf.PROVED
    assert proof.leaf_count == 2


def test_negative_square_with_interior_zero_is_zero_or_unknown():
    """-(x - y)^2 vanishes on an edge of each triangle, -(x - 1/3)^2 at a point that bisection never meets."""
    square = [[(0, 0), (1, 0), (1, 1)], [(0, 0), (0, 1), (1, 1)]]
    proof = prove(simplices_of(square), weights_of([[1], [1]]), forms({(2, 0): -1, (1, 1): 2, (0, 2): -1}))
    assert set(proof.status.tolist()) == {Leaf.ZERO}
    assert {frozenset(face) for face in proof.zero_faces(0)} == {frozenset({(0, 0, 1), (1, 1, 1)})}
    poly = {(2,): -9, (1,): 6, (0,): -1}
    assert prove(simplices_of([[(0,), (1,)]]), weights_of([[1]]), forms(poly), max_depth=12).status[0] == Leaf.UNKNOWN


@pytest.mark.parametrize("slope", [F(1, 10), F(1, 2), F(2)])
def test_rotating_linear_system_ends_at_the_origin(slope):
    """x' = [[-s, 1], [-1, -s]] x plus cubic terms, V = x^2 + y^2 on triangles round 0: strict, no hole."""
    field = {(2, 0): -slope, (0, 2): -slope, (3, 1): 3, (1, 3): -3}
    r = slope / 8
    proof = prove(simplices_of(orthants(2, r)), weights_of([[1]] * 8), forms(field))
    assert proof.worst == Leaf.PROVED
    assert proof.complete


def test_products_of_squares():
    """-(x^2 - 2 y^2)^2 - y^2/100 is negative off 0; plus x^2/10 it is not."""
    poly = {(4, 0): -1, (2, 2): 4, (0, 4): -4, (0, 2): F(-1, 100), (2, 0): F(-1, 100)}
    assert prove(simplices_of(orthants(2, 1)), weights_of([[1]] * 8), forms(poly)).worst == Leaf.PROVED
    poly[(2, 0)] = F(1, 10)
    proof = prove(simplices_of(orthants(2, 1)), weights_of([[1]] * 8), forms(poly))
    assert proof.worst == Leaf.VIOLATED


def test_sliver_of_width_1e_12():
    """p = x - 1/2 is positive only on a strip that a thin triangle holds."""
    thin = F(1, 10**12)
    triangle = [(0, 0), (F(1, 2) + thin, 0), (F(1, 2) + thin, thin)]
    poly = {(1, 0): 1, (0, 0): F(-1, 2)}
    proof = prove(simplices_of([triangle]), weights_of([[1]]), forms(poly))
    assert proof.status[0] == Leaf.VIOLATED
    assert proof.witness(0).value == (thin, thin)
    triangle = [(0, 0), (F(1, 2) - thin, 0), (F(1, 2) - thin, thin)]
    assert prove(simplices_of([triangle]), weights_of([[1]]), forms(poly)).status[0] == Leaf.PROVED


def test_excluded_sets():
    """p = x^2 - 1 + ... is positive outside the unit ball only; -p inside it only."""
    p = {(2, 0): -1, (0, 2): -1, (0, 0): F(1, 4)}
    given_ = simplices_of(orthants(2, 1)), weights_of([[1]] * 8)
    unknown = prove(*given_, forms(p), max_depth=14, inside=None)
    assert unknown.worst == Leaf.VIOLATED
    assert prove(*given_, forms(p), inside=Ball(F(6, 10))).worst == Leaf.PROVED
    box = Rows([(1, 0, F(6, 10)), (-1, 0, F(6, 10)), (0, 1, F(6, 10)), (0, -1, F(6, 10))])
    proof = prove(*given_, forms(p), inside=box)
    assert proof.worst == Leaf.PROVED
    assert len(proof.leaves(status=Leaf.EXCLUDED)) > 0
    small = prove(*given_, forms(p), inside=Ball(F(4, 10)))
    assert small.worst == Leaf.VIOLATED
    for root in np.flatnonzero(small.status == Leaf.VIOLATED):
        x, y = small.witness(int(root)).coordinates
        assert x * x + y * y > F(16, 100)


def test_masked_face():
    triangle = [[(0, 0), (1, 0), (0, 1)]]
    p = {(1, 0): -1, (0, 1): 1}
    mask = np.array([[True, True, False]])
    assert prove(simplices_of(triangle), weights_of([[1]]), forms(p)).status[0] == Leaf.VIOLATED
    assert prove(simplices_of(triangle), weights_of([[1]]), forms(p), mask=mask).status[0] == Leaf.PROVED


def test_leaves_and_trees_agree():
    """The leaves of a tree are its volume, and each proved leaf is proved by itself."""
    poly = {(4, 0): -1, (2, 2): 4, (0, 4): -4, (0, 2): F(-1, 10), (2, 0): F(-1, 10)}
    roots = orthants(2, 1)
    proof = prove(simplices_of(roots), weights_of([[1]] * 8), forms(poly))
    leaves = proof.leaves()
    assert len(leaves) == proof.leaf_count > 8
    volume = [F(0)] * 8
    again = []
    for root, parts in zip(leaves.root, leaves.parts, strict=True):
        sums = [int(sum(row)) for row in parts]
        exact = np.array([[int(c) for c in row] for row in parts], dtype=object)
        a, b, c = ([F(int(x), s) for x in row] for row, s in zip(exact, sums, strict=True))
        volume[root] += abs((b[1] - a[1]) * (c[2] - a[2]) - (b[2] - a[2]) * (c[1] - a[1]))
        again.append(
            [[sum(w * v[k] for w, v in zip(row, roots[root], strict=True)) for k in range(2)] for row in (a, b, c)]
        )
    assert volume == [1] * 8
    alone = prove(simplices_of(again), weights_of([[1]] * len(again)), forms(poly), max_depth=0)
    assert alone.worst == Leaf.PROVED

    def count(tree):
        return 1 if isinstance(tree, int) else count(tree[2]) + count(tree[3])

    assert sum(count(proof.tree(r)) for r in range(8)) == proof.leaf_count


def test_going_on_inside_violations():
    """x - 1/3 on [0, 1]: the proved leaves reach 1/3 from below up to the refinement."""
    given_ = simplices_of([[(0,), (1,)]]), weights_of([[1]])
    p = {(1,): 1, (0,): F(-1, 3)}
    proof = prove(*given_, forms(p), stop_at_violation=False, refine=6)
    assert proof.status[0] == Leaf.VIOLATED
    proved = proof.leaves(status=Leaf.PROVED)
    end = max(F(int(row[1]), int(sum(row))) for parts in proved.parts for row in parts)
    assert F(1, 3) - F(1, 32) < end < F(1, 3)
    bad = proof.leaves(status=Leaf.VIOLATED)
    low = min(F(int(row[1]), int(sum(row))) for parts in bad.parts for row in parts)
    assert low == end


def test_budgets_keep_what_was_decided():
    roots = [[(F(1, 3), 0), (1, 0), (1, 1)], [(0, 0), (1, 0), (1, 1)]]
    p = {(2, 0): -1, (1, 1): 2, (0, 2): -1, (0, 0): F(-1, 10**6)}
    given_ = simplices_of(roots), weights_of([[1], [1]])
    proof = prove(*given_, forms(p), time_limit=0.0)
    assert not proof.complete
    assert set(proof.status.tolist()) == {Leaf.UNKNOWN}

    def stop(share, waiting):
        raise KeyboardInterrupt

    kept = prove(*given_, forms({(1, 0): 1, (2, 0): -2, (0, 0): F(-1, 9)}), progress=stop)
    assert not kept.complete
    assert kept.leaf_count == 2
    shallow = prove(
        simplices_of([[(0,), (1,)]]), weights_of([[1]]), forms({(2,): -9, (1,): 6, (0,): F(-1001, 1000)}), max_depth=1
    )
    assert shallow.status[0] == Leaf.UNKNOWN


def test_a_crowded_simplex_is_given_up_and_the_others_go_on():
    """-(x - y)^2 off its own faces is 0 on a line that no bisection meets; its neighbour is strict."""
    roots = [[(0, F(1, 3)), (1, F(1, 7)), (1, 1)], [(2, 0), (3, 0), (3, 1)]]
    proof = prove(simplices_of(roots), weights_of([[1], [1]]), forms({(2, 0): -1, (1, 1): 2, (0, 2): -1}), max_parts=64)
    assert proof.status.tolist() == [Leaf.UNKNOWN, Leaf.PROVED]
    assert not proof.complete


def test_refusals():
    given_ = simplices_of([[(0,), (1,)]]), weights_of([[1], [1]])
    with pytest.raises(InputError, match="one row per simplex"):
        prove(*given_, forms({(1,): 1}))
    with pytest.raises(InputError, match="max_depth"):
        prove(given_[0], weights_of([[1]]), forms({(1,): 1}), max_depth=61)


def hidden(dynamics):
    """Forms that show their enclosures only."""
    return SimpleNamespace(enclosure=dynamics.enclosure, at=dynamics.at)


SMALL = st.fractions(-1, 1, max_denominator=6)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(SMALL, SMALL), min_size=3, max_size=3, unique=True), st.tuples(SMALL, SMALL), st.booleans())
def test_enclosures_of_polynomials_agree_with_the_polynomials(corners, weight, own):
    """A polynomial of degree 3 hidden behind its Taylor models of degree 3 gets the same verdict where it is strict."""
    dynamics = dynamics_of(["-x1 + x1*x2^2", "-x2 - x1^3"], dim=2)
    given_ = simplices_of([corners]), weights_of([weight])
    plain = prove(*given_, dynamics, max_depth=9)
    smooth = prove(*given_, hidden(dynamics), degree=3, shared=not own, max_depth=9)
    if Leaf.UNKNOWN not in (plain.status[0], smooth.status[0]) and plain.status[0] != Leaf.ZERO:
        assert plain.status[0] == smooth.status[0]
    if smooth.status[0] == Leaf.VIOLATED:
        low, high = smooth.witness(0).value
        assert 0 < low <= high


@pytest.mark.parametrize("degree", [1, 2, 5])
@pytest.mark.parametrize("shared", [True, False])
def test_pendulum_energy_like_margin(degree, shared):
    """p = x2 (-sin x1 - x2) + x1 x2 - x1^2 / 10 < 0 on a disc of triangles; on a longer one it is not."""
    forms_ = dynamics_of(["x2", "-sin(x1) - x2"], dim=2)
    near = prove(
        simplices_of(orthants(2, F(1, 2))),
        weights_of([[0, F(1)]] * 8),
        forms_,
        degree=degree,
        shared=shared,
        max_depth=6,
    )
    assert near.worst == Leaf.VIOLATED  # x2 = 0, x1 < 0: p = -sin x1 > 0
    for root in np.flatnonzero(near.status == Leaf.VIOLATED):
        witness = near.witness(int(root))
        x, y = witness.coordinates
        assert -np.sin(float(x)) - float(y) > 0
        assert 0 < witness.value[0] <= witness.value[1]
    slopes = [[a, b] for a, b in [(F(2), F(1))] * 2]
    cone = [[(0, 0), (F(1, 2), F(1, 8)), (F(1, 2), 0)], [(0, 0), (F(1, 2), 0), (F(1, 2), F(-1, 8))]]
    # 2 x2 - sin x1 - x2 = x2 - sin x1 < 0 on the cone |x2| <= x1 / 4
    proof = prove(simplices_of(cone), weights_of(slopes), forms_, degree=degree, shared=shared)
    assert proof.worst == Leaf.PROVED
    assert proof.degree == degree


def test_a_denominator_that_may_vanish_is_divided():
    """-x / (1 + x) on [0, 100] in one coordinate; its boxes reach over -1 at first."""
    forms_ = dynamics_of(["-x1/(1 + x1)"], dim=1)
    proof = prove(simplices_of([[(0,), (F(1, 2),)], [(F(1, 2),), (100,)]]), weights_of([[1], [1]]), forms_)
    assert proof.worst == Leaf.PROVED
    proof = prove(simplices_of([[(0,), (100,)]]), weights_of([[1]]), forms_)
    assert proof.worst == Leaf.PROVED
    assert proof.leaf_count > 1


def test_constants_that_cancel_at_the_origin_only():
    """sin(x + pi/3) - sin(pi/3): no coefficient is rational, p(0) = 0 is known."""
    forms_ = dynamics_of(["-(sin(x1 + pi/3) - sin(pi/3))"], dim=1)
    proof = prove(simplices_of([[(0,), (F(1),)], [(F(-2),), (0,)]]), weights_of([[1], [-1]]), forms_)
    assert proof.worst == Leaf.PROVED
    proof = prove(simplices_of([[(0,), (F(21, 20),)], [(F(0),), (F(26, 25),)]]), weights_of([[1], [1]]), forms_)
    assert proof.status.tolist() == [Leaf.VIOLATED, Leaf.PROVED]  # 1.05 > pi/3 > 1.04: 0 again at pi/3


def test_quadratic_forms_need_narrow_cones_at_the_origin():
    """-x' Q x + cubic terms, Q positive definite: longest edges alone would repeat the same wide cones for ever."""
    matrix = [[70, -8, 36], [-8, 50, -56], [36, -56, 78]]
    p = {}
    for i, j in product(range(3), repeat=2):
        a = tuple((i == k) + (j == k) for k in range(3))
        p[a] = p.get(a, F(0)) - matrix[i][j]
    p[(2, 1, 0)] = F(1, 2)
    p[(0, 0, 3)] = F(-1, 2)
    roots = orthants(3, 1)
    proof = prove(simplices_of(roots), weights_of([[1]] * 48), forms(p))
    assert proof.worst == Leaf.PROVED
    assert proof.complete
    p[(0, 2, 0)] += F(99, 2)  # Q is indefinite now: violations close to 0, found in small cones as well
    small = prove(simplices_of(orthants(3, F(1, 10**6))), weights_of([[1]] * 48), forms(p))
    assert small.worst == Leaf.VIOLATED
    root = int(np.flatnonzero(small.status == Leaf.VIOLATED)[0])
    assert value(p, small.witness(root).coordinates) > 0

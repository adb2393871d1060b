"""Feature metrics against their formulas, written as loops over samples and pairs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linregions.errors import InputError
from linregions.metrics import representation as r

SMALL = st.tuples(st.integers(3, 12), st.integers(1, 6), st.integers(0, 10_000))


def drawn(spec, rows=None):
    n, d, seed = spec
    rng = np.random.default_rng(seed)
    z = np.round(rng.standard_normal((rows or n, d)), 2)
    z[np.abs(z).sum(axis=1) == 0, 0] = 1
    return z


def cosine(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True)) / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))


def unit(z):
    return [[x / math.sqrt(sum(y * y for y in row)) for x in row] for row in z.tolist()]


@settings(max_examples=30)
@given(SMALL)
def test_spread_and_pairs_against_loops(spec):
    z = drawn(spec)
    n, d = z.shape
    u = unit(z)
    spreads = []
    for j in range(d):
        mean = sum(row[j] for row in u) / n
        spreads.append(math.sqrt(sum((row[j] - mean) ** 2 for row in u) / (n - 1)))
    assert r.std_normalised(z) == pytest.approx(sum(spreads) / d, abs=1e-12)
    assert r.std_normalised(z, scaled=True) == pytest.approx(math.sqrt(d) * sum(spreads) / d, abs=1e-12)
    pairs = [(u[i], u[j]) for i in range(n) for j in range(i)]
    squares = [sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) for a, b in pairs]
    assert r.uniformity(z) == pytest.approx(math.log(sum(math.exp(-2 * s) for s in squares) / len(pairs)), abs=1e-12)
    assert r.mean_cosine(z) == pytest.approx(sum(cosine(a, b) for a, b in pairs) / len(pairs), abs=1e-12)
    other = drawn((n, d, spec[2] + 1))
    distances = [sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) for a, b in zip(u, unit(other), strict=True)]
    assert r.alignment(z, other) == pytest.approx(sum(distances) / n, abs=1e-12)


@settings(max_examples=30)
@given(SMALL)
def test_effective_rank_against_the_singular_values(spec):
    z = drawn(spec)
    s = np.linalg.svd(z - z.mean(axis=0), compute_uv=False)
    s = s[s > 1e-7 * s[0]]
    p = s / s.sum()
    assert r.effective_rank(z) == pytest.approx(math.exp(-sum(x * math.log(x) for x in p)), rel=1e-6)
    assert r.effective_rank(z) == pytest.approx(r.effective_rank(1000 * z + 5), rel=1e-6)


def test_effective_rank_of_known_ones():
    assert r.effective_rank(np.ones((5, 3))) == 0
    assert r.effective_rank(np.outer(np.arange(5.0), [1, 2, 3])) == pytest.approx(1)
    assert r.effective_rank(np.vstack([np.eye(4), -np.eye(4)])) == pytest.approx(4)


@settings(max_examples=30)
@given(SMALL, st.integers(1, 15), st.sampled_from([0.05, 0.1, 1.0]))
def test_neighbours_against_a_loop(spec, k, temperature):
    a, b = drawn(spec), drawn((spec[0], spec[1], spec[2] + 1), rows=7)
    rng = np.random.default_rng(spec[2])
    ya, yb = rng.integers(0, 3, len(a)), rng.integers(0, 3, len(b))
    right, clear = 0, True
    for x, y in zip(b.tolist(), yb.tolist(), strict=True):
        near = sorted(((cosine(x, t), c) for t, c in zip(a.tolist(), ya.tolist(), strict=True)), reverse=True)
        if k < len(near) and near[k - 1][0] - near[k][0] < 1e-12:
            clear = False  # which of two equally near ones counts is open
        votes = [0.0, 0.0, 0.0]
        for similarity, c in near[:k]:
            votes[c] += math.exp(similarity / temperature)
        top = sorted(votes)
        clear = clear and top[2] - top[1] > 1e-9 * top[2]
        right += votes.index(max(votes)) == y
    if clear:
        assert r.knn_accuracy(a, ya, b, yb, k=k, temperature=temperature) == right / len(b)


@settings(max_examples=30)
@given(SMALL)
def test_class_means_against_a_loop(spec):
    a, b = drawn(spec), drawn((spec[0], spec[1], spec[2] + 1), rows=6)
    ya, yb = np.arange(len(a)) % 3, np.arange(6) % 3
    u = unit(a)
    means = {}
    for c in set(ya.tolist()):
        rows = [row for row, y in zip(u, ya, strict=True) if y == c]
        means[c] = [sum(col) / len(rows) for col in zip(*rows, strict=True)]
    right, clear = 0, True
    for x, y in zip(unit(b), yb.tolist(), strict=True):
        far = sorted((sum((p - q) ** 2 for p, q in zip(x, m, strict=True)), c) for c, m in means.items())
        clear = clear and far[1][0] - far[0][0] > 1e-12
        right += far[0][1] == y
    if clear:
        assert r.ncm_accuracy(a, ya, b, yb) == right / len(b)


@settings(max_examples=20)
@given(SMALL)
def test_the_probe_is_least_squares(spec):
    """Ridge as an ordinary least-squares problem with rows sqrt(n * penalty) * I added."""
    a, b = drawn(spec, rows=20), drawn((spec[0], spec[1], spec[2] + 1), rows=9)
    ya, yb = np.arange(20) % 3, np.arange(9) % 3
    mean, spread = a.mean(axis=0), a.std(axis=0)
    za, zb = (a - mean) / spread, (b - mean) / spread
    targets = np.eye(3)[ya]
    d = a.shape[1]
    rows = np.vstack([za, math.sqrt(20 * 0.01) * np.eye(d)])
    w = np.linalg.lstsq(rows, np.vstack([targets - targets.mean(axis=0), np.zeros((d, 3))]), rcond=None)[0]
    scores = zb @ w + targets.mean(axis=0)
    ordered = np.sort(scores, axis=1)
    if (ordered[:, 2] - ordered[:, 1] > 1e-9).all():
        assert r.linear_probe(a, ya, b, yb, penalty=0.01) == (scores.argmax(axis=1) == yb).mean()


@given(SMALL, st.floats(1e-150, 1e150))
@settings(max_examples=20)
def test_scale_does_not_matter_on_the_sphere(spec, scale):
    z = drawn(spec)
    assert r.std_normalised(z * scale) == pytest.approx(r.std_normalised(z), rel=1e-9, abs=1e-12)
    assert r.mean_cosine(z * scale) == pytest.approx(r.mean_cosine(z), rel=1e-9, abs=1e-12)


def test_collapse_shows():
    z = np.ones((10, 4)) + 1e-9 * np.arange(10)[:, None] * np.eye(4)[0]
    assert r.std_normalised(z) < 1e-8
    assert r.mean_cosine(z) == pytest.approx(1)
    assert r.uniformity(z) == pytest.approx(0, abs=1e-12)
    assert r.dead_units(z) == 0.75
    zeros = np.zeros((10, 4))
    assert (r.std_normalised(zeros), r.dead_units(zeros), r.uniformity(zeros)) == (0, 1, 0)


def test_perfect_features_are_perfect():
    y = np.arange(40) % 4
    z = np.eye(4)[y] + 0.01
    for accuracy in (r.knn_accuracy, r.ncm_accuracy, r.linear_probe):
        assert accuracy(z, y, z, y) == 1
    # A class that training did not have cannot be found.
    assert r.linear_probe(z[y < 3], y[y < 3], z, y) == 0.75
    assert r.ncm_accuracy(z[y != 1], y[y != 1], z, y) == 0.75


def test_wrong_arguments_are_one_sentence():
    z, y = np.ones((3, 2)), np.zeros(3, dtype=int)
    for call, words in (
        (lambda: r.std_normalised(np.ones(3)), "shape"),
        (lambda: r.std_normalised(np.ones((1, 3))), "at least 2 rows"),
        (lambda: r.effective_rank([[1.0, np.nan], [1, 2]]), "row 0 is not"),
        (lambda: r.alignment(z, np.ones((2, 2))), "shape of first"),
        (lambda: r.knn_accuracy(z, y, z, y[:2]), "test_labels must be 3"),
        (lambda: r.knn_accuracy(z, y, np.ones((3, 3)), y), "has 3 features where train has 2"),
        (lambda: r.knn_accuracy(z, y, z, y, k=0), "k must be"),
        (lambda: r.knn_accuracy(z, y, z, y, temperature=0), "temperature must be positive"),
        (lambda: r.linear_probe(z, y, z, y, penalty=-1), "penalty must be positive"),
        (lambda: r.ncm_accuracy(z, y - 1, z, y), "train_labels must be 3 whole numbers"),
    ):
        with pytest.raises(InputError, match=words):
            call()

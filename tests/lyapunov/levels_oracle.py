"""Slow twins of the flood and of the levels, and meshes to try them on."""

from __future__ import annotations

from itertools import permutations, product
from types import SimpleNamespace

import numpy as np

from linregions import Network
from linregions.lyapunov.dynamics.parsing import parse
from linregions.lyapunov.dynamics.polynomial import polynomial_of
from linregions.lyapunov.proving.prove import prove
from linregions.lyapunov.proving.simplices import Weights


def kuhn(side, dim):
    """A conforming mesh of the grid {-side, ..., side}^dim: points and simplices."""
    ticks = range(-side, side + 1)
    points = list(product(ticks, repeat=dim))
    number = {p: k for k, p in enumerate(points)}
    simplices = []
    for base in product(range(-side, side), repeat=dim):
        for order in permutations(range(dim)):
            corner, path = list(base), [number[base]]
            for k in order:
                corner[k] += 1
                path.append(number[tuple(corner)])
            simplices.append(path)
    return np.array(points), np.array(simplices)


def slow_component(values, simplices, start, level):
    """Vertices and simplices of the component of {V <= level} that meets the simplices `start`, by repeated passes."""
    low = {v for v, value in enumerate(values) if value <= level}
    reached = {v for s in start for v in simplices[s] if v in low}
    while True:
        more = {v for s in simplices if reached & set(s) for v in s if v in low} | reached
        if more == reached:
            break
        reached = more
    return reached, {k for k, s in enumerate(simplices) if reached & set(s)} | set(start)


def l1(n):
    """The 1-norm as a network."""
    both = np.concatenate([np.eye(n), -np.eye(n)])
    return Network.from_arrays([(both, np.zeros(2 * n)), (np.ones((1, 2 * n)), [0.0])])


def zonotope(P, K, *, bias=None):
    """A network sum_k |w_k.x + b_k| / K that is near sqrt(x'Px) without biases."""
    size, turn = np.linalg.eigh(np.array(P, dtype=float))
    angles = np.pi * (np.arange(K) + 0.5) / K
    w = np.round(np.stack([np.cos(angles), np.sin(angles)], axis=1) @ (turn * np.sqrt(size) @ turn.T) * 2**20) / 2**20
    b = np.zeros(2 * K) if bias is None else bias
    return Network.from_arrays([(np.concatenate([w, -w]), b), (np.ones((1, 2 * K)) / K, [0.0])])


def field(*texts):
    """Polynomials from expressions in x, y, z."""
    return [polynomial_of(parse(text, dim=len(texts)), len(texts)) for text in texts]


def decrease(cells, f, **options):
    """The decrease of output 0 along a polynomial field, proved."""
    owner = cells.owner
    task = SimpleNamespace(
        condition="decrease",
        simplices=cells.lifted([]),
        weights=Weights(
            cells.slopes[owner, 0], cells.slope_errors[owner, 0], lambda i: cells.exact_slope(int(owner[i]), 0)
        ),
        forms=SimpleNamespace(polynomials=tuple(f)),
        mask=None,
        numbers=np.arange(len(owner)),
    )
    task.proof = prove(task.simplices, task.weights, task.forms, **{"stop_at_violation": False, **options})
    return task


def follow(f, x, *, step=0.01, seconds=10.0):
    """A trajectory of x' = f(x) by Runge and Kutta: (steps, ..., n)."""
    rate = [(np.array(list(p.terms)), np.array([float(c) for c in p.terms.values()])) for p in f]

    def at(y):
        return np.stack([(np.prod(y[..., None, :] ** e, axis=-1) * c).sum(axis=-1) for e, c in rate], axis=-1)

    path = [np.asarray(x, dtype=float)]
    for _ in range(int(seconds / step)):
        y = path[-1]
        a = at(y)
        b = at(y + step / 2 * a)
        c = at(y + step / 2 * b)
        d = at(y + step * c)
        path.append(y + step / 6 * (a + 2 * b + 2 * c + d))
    return np.array(path)

"""Which regions have the same affine map: decided exactly, for all regions at once.

A map's entries are rational numbers with one common denominator D for the whole network, so two entries are equal when
the integers D x and D y are.  Residues modulo a prime that does not divide D prove two maps different; equality is
proven when residues agree modulo primes whose product exceeds twice any |D x| (the Chinese remainder theorem).  Nothing
is rounded: primes are below 2^26, one factor of every product is split into halves of 13 bits, and so sums of up to
2^14 products stay below 2^53, where float64 matrix products are exact.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np

from ..activations import MaxGroups
from ..domain import Domain
from ..exact import scaled_integers
from ..network import Network
from ..stage import Stage, is_sparse
from .essential import essential_patterns
from .packing import pack

HALF = 13
BLOCK = 2**14  # terms that one float64 product may sum
FIRST = 2  # primes that tell maps apart before any equality is proven
CELLS = 2**21  # numbers in one array of states


def affine_classes(network: Network, domain: Domain, patterns: np.ndarray) -> np.ndarray:
    """Number the distinct affine maps of the network, restricted to the domain, over `patterns` (regions, units).

    Returns:
        One number per region; two regions have the same number exactly if the network is the same affine function of
        the domain's coordinates on both.
    """
    n = len(patterns)
    if n == 0 or network.unit_count == 0:
        return np.zeros(n, dtype=np.int64)
    reduced = essential_patterns(network, patterns)
    _, first, inverse = np.unique(pack(reduced, network.pieces), axis=0, return_index=True, return_inverse=True)
    return _classes(_plan(network, domain), reduced[first])[inverse.reshape(-1)]


def _classes(plan: _Plan, patterns: np.ndarray) -> np.ndarray:
    n = len(patterns)
    primes = _usable(plan.odd)
    prints = np.zeros((n, FIRST), dtype=np.int64)
    for k in range(FIRST):
        field = _Field(plan, next(primes))
        for rows in _chunks(np.arange(n), plan.size):
            maps = field.maps(patterns[rows])
            weights = np.random.default_rng(k).integers(1, field.p, size=maps.shape[1])
            prints[rows, k] = _dot_mod(maps, weights, field.p)
    labels = _number_rows(prints)
    return _proven(labels, plan, patterns)


def _proven(labels: np.ndarray, plan: _Plan, patterns: np.ndarray) -> np.ndarray:
    """Labels split until all maps of one label are proven equal."""
    _, first, inverse, size = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    members = np.flatnonzero(size[inverse] > 1)
    if not len(members):
        return labels
    leader = first[inverse]
    members = members[np.argsort(leader[members], kind="stable")]
    equal = np.ones(len(labels), dtype=bool)
    for p in _enough(plan):
        field = _Field(plan, p)
        for rows in _chunks(members, plan.size):
            both, at = np.unique(np.concatenate([rows, leader[rows]]), return_inverse=True)
            maps = field.maps(patterns[both])
            equal[rows] &= np.all(maps[at[: len(rows)]] == maps[at[len(rows) :]], axis=1)
    if equal.all():
        return labels
    # Fingerprints met by chance: those unlike their leader go by themselves and are compared again.
    rest = np.flatnonzero(~equal)
    labels = labels.copy()
    labels[rest] = labels.max() + 1 + labels[rest]
    labels[rest] = _proven(labels[rest], plan, patterns[rest]) + labels.max() + 1
    return labels


@dataclass(frozen=True)
class _Plan:
    """The network over the domain's coordinates, and what bounds the numbers: |D x| < 2^bits with D = 2^twos * odd."""

    stages: tuple[Stage, ...]
    start: list[list[Fraction]]
    bits: int
    odd: int
    size: int  # regions that one array of states takes


def _plan(network: Network, domain: Domain) -> _Plan:
    rows = domain.embedding
    if rows is None:
        n = network.input_dim
        rows = [[Fraction(int(i == j)) for j in range(n + 1)] for i in range(n)]
    high, twos, odd = _bits(rows), _twos(rows), 1
    for stage in network.stages:
        numbers = stage.weight.data if is_sparse(stage.weight) else stage.weight
        high = max(_high(numbers) + high + max(1, stage.inputs).bit_length(), _high(stage.bias)) + 1
        twos = max(twos + _low(numbers), _low(stage.bias))
        if stage.divisor is not None:
            exact = [Fraction(float(v)) for v in np.unique(stage.divisor)]
            parts = [_split_odd(v.numerator) for v in exact]
            odd *= math.lcm(*(o for o, _ in parts))
            twos += max(k for _, k in parts)
            high += max(0, 1 - _low_exponent(stage.divisor))
        act = stage.activation
        if not isinstance(act, MaxGroups):
            slopes = [Fraction(s) for f in act.functions for s in f.slopes]
            shifts = [c for f in act.functions for c in f.intercepts]
            high = max(high + _bits([slopes]), _bits([shifts])) + 1
            twos = max(twos + _twos([slopes]), _twos([shifts]))
    width = max(max(s.rows, s.inputs) for s in network.stages)
    size = max(1, CELLS // (width * (domain.dim + 1)))
    return _Plan(network.stages, rows, max(0, high) + max(0, twos) + odd.bit_length() + 1, odd, size)


def _high(values: np.ndarray) -> int:
    """The least e >= 0 with |v| < 2^e for all."""
    top = float(np.max(np.abs(values), initial=0.0))
    return max(0, math.frexp(top)[1])


def _low(values: np.ndarray) -> int:
    """The least k >= 0 such that all v * 2^k are integers."""
    mantissa, exponent = np.frexp(np.asarray(values)[np.asarray(values) != 0])
    integers = np.ldexp(mantissa, 53).astype(np.int64)
    zeros = np.frexp((integers & -integers).astype(float))[1] - 1
    return max(0, int(np.max(53 - exponent - zeros, initial=0)))


def _low_exponent(values: np.ndarray) -> int:
    return math.frexp(float(np.min(values)))[1]


def _bits(rows: list[list[Fraction]]) -> int:
    return max(
        (abs(v.numerator).bit_length() - v.denominator.bit_length() + 1 for r in rows for v in r if v), default=0
    )


def _twos(rows: list[list[Fraction]]) -> int:
    return scaled_integers(rows)[1].bit_length() - 1


def _split_odd(value: int) -> tuple[int, int]:
    k = (value & -value).bit_length() - 1
    return value >> k, k


class _Field:
    """The network modulo a prime."""

    def __init__(self, plan: _Plan, p: int):
        self.p, self.plan = p, plan
        self.start = np.array([[_residue(v, p) for v in row] for row in plan.start], dtype=np.int64)
        self.stages = [_reduced(stage, p) for stage in plan.stages]

    def maps(self, patterns: np.ndarray) -> np.ndarray:
        """Residues of the affine maps, (regions, outputs * (dim + 1)); the last column of a row is its offset."""
        n, p, at = len(patterns), self.p, 0
        state = np.repeat(self.start[:, None, :], n, axis=1)  # (width, regions, dim + 1)
        for stage, (low, high, bias, inverse, gains, shifts) in zip(self.plan.stages, self.stages, strict=True):
            flat = state.reshape(len(state), -1)
            z = _product(low, high, flat, p).reshape(-1, n, state.shape[2])
            z[:, :, -1] = (z[:, :, -1] + bias[:, None]) % p
            if inverse is not None:
                z = z * inverse[:, None, None] % p
            act = stage.activation
            counts = act.pieces
            keep = counts > 1
            pieces = np.zeros((stage.units, n), dtype=np.int64)
            pieces[keep] = patterns[:, at : at + int(keep.sum())].T
            at += int(keep.sum())
            if isinstance(act, MaxGroups):
                z = z[act.offsets[:-1, None] + pieces, np.arange(n)[None, :]]
            elif gains is not None:
                units = np.arange(stage.units)[:, None]
                gain = gains[units, pieces][:, :, None]
                z = z * gain if gains.max() <= 1 else z * gain % p
                if shifts.any():
                    z[:, :, -1] = (z[:, :, -1] + shifts[units, pieces]) % p
            state = z
        return np.ascontiguousarray(state.transpose(1, 0, 2)).reshape(n, -1)


def _reduced(stage: Stage, p: int) -> tuple[Any, Any, np.ndarray, np.ndarray | None, np.ndarray | None, Any]:
    """Weights in two halves, bias, 1 / divisor, and slope and intercept of every unit's pieces, modulo p."""
    weight = stage.weight
    if is_sparse(weight):
        residues = _residues(weight.data, p)
        low, high = (weight.copy() for _ in range(2))
        low.data, high.data = (residues & (2**HALF - 1)).astype(float), (residues >> HALF).astype(float)
    else:
        residues = _residues(weight, p)
        low, high = (residues & (2**HALF - 1)).astype(float), (residues >> HALF).astype(float)
    inverse = None
    if stage.divisor is not None:
        inverse = np.array([pow(int(v), -1, p) for v in _residues(stage.divisor, p)], dtype=np.int64)
    act = stage.activation
    if isinstance(act, MaxGroups) or act.is_identity:
        return low, high, _residues(stage.bias, p), inverse, None, None
    most = max(f.pieces for f in act.functions)
    gains, shifts = (np.zeros((len(act.functions), most), dtype=np.int64) for _ in range(2))
    for k, f in enumerate(act.functions):
        gains[k, : f.pieces] = _residues(np.array(f.slopes), p)
        shifts[k, : f.pieces] = [_residue(c, p) for c in f.intercepts]
    return low, high, _residues(stage.bias, p), inverse, gains[act.index], shifts[act.index]


def _product(low: Any, high: Any, state: np.ndarray, p: int) -> np.ndarray:
    """`(2^13 high + low) @ state` modulo p, exactly: the halves are below 2^13, the state below 2^26."""
    out = np.zeros((low.shape[0], state.shape[1]), dtype=np.int64)
    for a in range(0, low.shape[1], BLOCK):
        part = state[a : a + BLOCK].astype(float)
        upper = np.asarray(high[:, a : a + BLOCK] @ part).astype(np.int64) % p
        out += (upper << HALF) + np.asarray(low[:, a : a + BLOCK] @ part).astype(np.int64)
        out %= p
    return out


def _residues(values: np.ndarray, p: int) -> np.ndarray:
    """The floats, which are dyadic rationals, modulo an odd p."""
    mantissa, exponent = np.frexp(values)
    integers = np.ldexp(mantissa, 53).astype(np.int64)
    powers, at = np.unique(exponent, return_inverse=True)
    table = np.array([pow(2, int(e) - 53, p) for e in powers], dtype=np.int64)
    return integers % p * table[at].reshape(integers.shape) % p


def _residue(value: Fraction, p: int) -> int:
    return value.numerator * pow(value.denominator, -1, p) % p


def _dot_mod(maps: np.ndarray, weights: np.ndarray, p: int) -> np.ndarray:
    """`maps @ weights` modulo p, without overflow: a product is below 2^52, so 1,024 of them fit."""
    out = np.zeros(len(maps), dtype=np.int64)
    for a in range(0, maps.shape[1], 1024):
        out = (out + maps[:, a : a + 1024] @ weights[a : a + 1024] % p) % p
    return out


@cache
def _primes() -> tuple[int, ...]:
    """The primes between 2^26 - 2^20 and 2^26, largest first."""
    low, high = 2**26 - 2**20, 2**26
    root = math.isqrt(high)
    small = np.ones(root + 1, dtype=bool)
    small[:2] = False
    prime = np.ones(high - low, dtype=bool)
    for q in range(2, root + 1):
        if small[q]:
            small[q * q :: q] = False
            prime[-low % q :: q] = False
    return tuple(int(v) + low for v in np.flatnonzero(prime)[::-1])


def _usable(odd: int) -> Iterator[int]:
    """Primes that divide no denominator."""
    return (p for p in _primes() if odd % p)


def _enough(plan: _Plan) -> Iterator[int]:
    """Primes whose product exceeds twice any |D x|."""
    product = 1
    for p in _usable(plan.odd):
        if product >> (plan.bits + 1):
            return
        product *= p
        yield p
    raise OverflowError(f"the network's affine maps have numbers of {plan.bits} bits, too long to compare")


def _chunks(rows: np.ndarray, size: int) -> Iterator[np.ndarray]:
    return (rows[a : a + size] for a in range(0, len(rows), size))


def _number_rows(rows: np.ndarray) -> np.ndarray:
    """One number per distinct row."""
    keys = np.ascontiguousarray(rows).view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))).ravel()
    return np.unique(keys, return_inverse=True)[1]

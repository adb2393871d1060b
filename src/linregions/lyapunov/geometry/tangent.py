"""Whether the origin is a vertex of a network's own arrangement; if not, a direction that shows that it is no minimum.

Let F be the face of the arrangement that has 0 in its relative interior.  If dim F >= 1, the network is affine on F, so
V(x) - V(0) = -(V(-x) - V(0)) for small x in F: V with V(0) = 0 is not positive on all of a neighbourhood without 0
(derived, not published).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd
from typing import Any

from ...activations import MaxGroups
from ...checks import whole_number
from ...domain import Domain
from ...errors import InputError
from ...exact import dot, scaled_integers
from ...network import Network
from ...stage import Stage
from .vertices import coprime

Vector = list[Fraction]


@dataclass(frozen=True)
class OriginFace:
    """The face of a network's arrangement that has the origin in its relative interior.

    Attributes:
        dim: its dimension; 0 where the origin is a vertex, and then nothing else is known.
        direction: coprime integers along which the network does not increase, or None.
        rate: its exact rate of change in that direction, at most 0.
        reach: the network is affine at `t direction` for 0 <= t <= reach, and these points are inside the domain.
        witness: the point `reach direction`.
        value: the network there, exactly `V(0) + reach rate`.
    """

    dim: int
    direction: tuple[int, ...] | None = None
    rate: Fraction = Fraction(0)
    reach: Fraction = Fraction(0)
    witness: tuple[Fraction, ...] | None = None
    value: Fraction = Fraction(0)

    def as_dict(self) -> dict[str, Any]:
        """Plain values; rationals as text."""
        if self.direction is None:
            return {"dim": self.dim}
        assert self.witness is not None
        return {
            "dim": self.dim,
            "direction": list(self.direction),
            "rate": str(self.rate),
            "reach": str(self.reach),
            "witness": [str(v) for v in self.witness],
            "value": str(self.value),
        }


def origin_face(candidate: Network, domain: Domain, *, output: int = 0) -> OriginFace:
    """The face of the candidate's own arrangement round the origin, with a witness where it is no vertex.

    Every unit of the candidate counts, needed or not, and nothing else: other networks and splitting hyperplanes of a
    joint one are left out by asking for the candidate alone.

    Args:
        candidate: a network of n inputs, of any stages.
        domain: a Box or Polytope with the origin strictly inside.
        output: which output V is.

    Returns:
        An `OriginFace`; with `dim` >= 1 it holds a rational direction r with V(t r) = V(0) + t rate, rate <= 0, for all
        0 <= t <= reach.

    Raises:
        InputError: the origin is not strictly inside the domain, or there is no such output.

    Example:
        >>> from linregions import Box
        >>> net = Network.from_arrays([([[1.0, 1.0], [-1.0, -1.0]], [0.0, 0.0]), ([[1.0, 2.0]], [0.0])])
        >>> face = origin_face(net, Box.cube(-1, 1, 2))
        >>> face.dim, face.direction, face.rate, net.exact_values(face.witness)
        (1, (1, -1), Fraction(0, 1), [Fraction(0, 1)])
    """
    output = whole_number(output, "output", least=0, most=candidate.output_dim - 1)
    n = candidate.input_dim
    span: list[Vector] = [[Fraction(int(i == j)) for i in range(n)] for j in range(n)]
    # The network at 0, and its derivatives along the vectors that span the face: of the inputs, these are the vectors.
    values, rates = [Fraction(0)] * n, [list(v) for v in span]
    for stage in candidate.stages:
        z = stage.exact_preactivation(values)
        moved = [[a - b for a, b in zip(stage.exact_preactivation(_sum(values, r)), z, strict=True)] for r in rates]
        choice, tight = _tight(stage, z, moved)
        keep = _kernel(tight, len(moved))
        span, moved = _mixed(keep, span), _mixed(keep, moved)
        values, rates = _through(stage, choice, z, moved)
        if not span:
            return OriginFace(0)
    slopes = [r[output] for r in rates]
    best = next((k for k, s in enumerate(slopes) if s), 0)
    sign = -1 if slopes[best] > 0 else 1
    (integers,), scale = scaled_integers([[sign * v for v in span[best]]])
    direction = coprime(integers)
    rate = sign * slopes[best] * scale / gcd(*integers)
    reach = _reach(candidate, domain, direction)
    witness = tuple(reach * v for v in direction)
    return OriginFace(len(span), direction, rate, reach, witness, values[output] + reach * rate)


def _sum(a: Sequence[Fraction], b: Sequence[Fraction]) -> Vector:
    return [x + y for x, y in zip(a, b, strict=True)]


def _tight(stage: Stage, z: Vector, moved: list[Vector]) -> tuple[list[int], list[Vector]]:
    """The piece of every unit at 0, and the rates that vanish along its face: one row per condition."""
    act, conditions = stage.activation, []
    choice = []
    if isinstance(act, MaxGroups):
        for a, b in zip(act.offsets[:-1].tolist(), act.offsets[1:].tolist(), strict=True):
            best = max(range(a, b), key=lambda i: (z[i], -i))
            choice.append(best)
            conditions += [[r[i] - r[best] for r in moved] for i in range(a, b) if i != best and z[i] == z[best]]
        return choice, conditions
    for i, k in enumerate(act.index):
        f = act.functions[k]
        choice.append(f.exact(z[i])[0])
        if any(z[i] == Fraction(t) for t in f.breakpoints):
            conditions.append([r[i] for r in moved])
    return choice, conditions


def _through(stage: Stage, choice: list[int], z: Vector, moved: list[Vector]) -> tuple[Vector, list[Vector]]:
    """Values and rates after the activations, along directions in which every unit stays where it is."""
    act = stage.activation
    if isinstance(act, MaxGroups):
        return [z[i] for i in choice], [[r[i] for i in choice] for r in moved]
    functions = [act.functions[k] for k in act.index]
    values = [f.exact(v)[1] for f, v in zip(functions, z, strict=True)]
    gains = [Fraction(f.slopes[p]) for f, p in zip(functions, choice, strict=True)]
    return values, [[g * v for g, v in zip(gains, r, strict=True)] for r in moved]


def _kernel(conditions: list[Vector], size: int) -> list[Vector]:
    """A basis of the combinations of `size` vectors along which all conditions vanish."""
    if not conditions or not size:
        return [[Fraction(int(i == j)) for i in range(size)] for j in range(size)]
    from flint import fmpz_mat

    matrix, rank = fmpz_mat([scaled_integers([row])[0][0] for row in conditions]).nullspace()
    return [[Fraction(int(matrix[i, j])) for i in range(size)] for j in range(rank)]


def _mixed(combinations: list[Vector], vectors: list[Vector]) -> list[Vector]:
    return [
        [
            sum((c * v[i] for c, v in zip(combination, vectors, strict=True)), Fraction(0))
            for i in range(len(vectors[0]))
        ]
        for combination in combinations
    ]


def _reach(network: Network, domain: Domain, direction: Sequence[int]) -> Fraction:
    """A t > 0, a power of two, up to which no unit leaves its piece along the direction, and the domain is not left."""
    limit = Fraction(1)
    way = [Fraction(v) for v in direction]
    for row in domain.halfspaces:
        if row[-1] <= 0:
            raise InputError(f"domain: {domain!r} does not have the origin strictly inside; move it, or shift it")
        speed = -dot(row[:-1], way)
        if speed > 0:
            limit = min(limit, row[-1] / speed / 2)
    values, rates = [Fraction(0)] * network.input_dim, way
    for stage in network.stages:
        z = stage.exact_preactivation(values)
        moved = [a - b for a, b in zip(stage.exact_preactivation(_sum(values, rates)), z, strict=True)]
        for room, speed in _rooms(stage, z, moved):
            limit = min(limit, room / speed)
        choice, _ = _tight(stage, z, [moved])
        values, (rates,) = _through(stage, choice, z, [moved])
    power = Fraction(1)
    while power > limit:
        power /= 2
    return power


def _rooms(stage: Stage, z: Vector, moved: Vector) -> list[tuple[Fraction, Fraction]]:
    """Distances to the next breakpoints, and the positive speeds at which they are closed."""
    act, out = stage.activation, []
    if isinstance(act, MaxGroups):
        for a, b in zip(act.offsets[:-1].tolist(), act.offsets[1:].tolist(), strict=True):
            best = max(range(a, b), key=lambda i: (z[i], -i))
            out += [(z[best] - z[i], moved[i] - moved[best]) for i in range(a, b)]
    else:
        for i, k in enumerate(act.index):
            for t in act.functions[k].breakpoints:
                gap = Fraction(t) - z[i]
                out.append((gap, moved[i]) if gap > 0 else (-gap, -moved[i]))
    return [(room, speed) for room, speed in out if speed > 0 and room > 0]

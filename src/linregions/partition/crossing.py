"""The activation pattern just beyond a point, in rational arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from ..activations import MaxGroups
from ..domain import Domain
from ..exact import dot
from ..network import Network
from ..stage import Stage


def pattern_beyond(
    network: Network, domain: Domain, point: Sequence[Fraction], ahead: Sequence[Fraction]
) -> np.ndarray:
    """The pattern at `point + e * ahead` for all small positive e, in the domain's coordinates.

    Every unit is known as value + e * rate; such numbers are compared by their values, then by their rates.
    """
    rows = domain.embedding
    values = list(point) if rows is None else [dot(r[:-1], point) + r[-1] for r in rows]
    rates = list(ahead) if rows is None else [dot(r[:-1], ahead) for r in rows]
    out: list[int] = []
    for stage in network.stages:
        z = stage.exact_preactivation(values)
        # The stage is affine, so the difference of two of its values is what the rates become.
        moved = stage.exact_preactivation([v + r for v, r in zip(values, rates, strict=True)])
        pieces, values, rates = _step(stage, z, [b - a for a, b in zip(z, moved, strict=True)])
        keep = stage.activation.pieces > 1
        out.extend(p for p, k in zip(pieces, keep, strict=True) if k)
    return np.array(out, dtype=np.int32)


def _step(
    stage: Stage, values: list[Fraction], rates: list[Fraction]
) -> tuple[list[int], list[Fraction], list[Fraction]]:
    act, both = stage.activation, list(zip(values, rates, strict=True))
    if isinstance(act, MaxGroups):
        groups = [both[a:b] for a, b in zip(act.offsets[:-1], act.offsets[1:], strict=True)]
        winners = [g.index(max(g)) for g in groups]
        best = [g[w] for g, w in zip(groups, winners, strict=True)]
        return winners, [v for v, _ in best], [r for _, r in best]
    pieces, outputs, slopes = [], [], []
    for k, (z, rate) in zip(act.index, both, strict=True):
        f = act.functions[k]
        piece = sum(1 for t in f.breakpoints if (z, rate) > (Fraction(t), Fraction(0)))
        slope = Fraction(f.slopes[piece])
        pieces.append(piece)
        outputs.append(slope * z + f.intercepts[piece])
        slopes.append(slope * rate)
    return pieces, outputs, slopes

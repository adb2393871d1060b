"""Sentences on what not to conclude from a score, each where it applies."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...checks import plural
from ...partition import Kind
from .regularise import Regularisation

if TYPE_CHECKING:
    from .record import Pass

# Beyond this share of what can be reached at all, the score measures the limit rather than the network.
NEARLY_ALL = 0.9


def limit_of(units: int, symbols: int, samples: int) -> int:
    """min(V, symbols^S), without building a huge power where a small one decides."""
    # 2^(bits of V) exceeds V, and `symbols` is 2 or more.
    return units if samples > units.bit_length() else min(units, symbols**samples)


def on_saturation(swap: float, units: int, symbols: int, samples: int) -> list[str]:
    """The score is near the largest that it can be."""
    limit = limit_of(units, symbols, samples)
    if swap <= NEARLY_ALL * limit:
        return []
    share = f"{100 * swap / limit:.1f} %"
    if limit == units:
        return [
            f"there are nearly as many patterns as units ({share} of {units:,}): the score is a count of units; "
            "compare it with that count, or take fewer samples"
        ]
    return [
        f"{share} of the {limit:,} patterns that {samples} samples can show are there, so networks can hardly differ; "
        "take more samples"
    ]


def on_underflow(size: Regularisation | None, parameters: int | None) -> list[str]:
    """The size term has lost its digits."""
    # Below the smallest normal number the factor loses digits; further below it is 0, and every network ties.
    if size is None or parameters is None or size.factor(parameters) >= sys.float_info.min:
        return []
    return [
        f"the size term underflows: {size.theta(parameters):g} {size.unit} are too far from mu {size.mu:g} for sigma "
        f"{size.sigma:g}; rank by log_regularised, or check mu, sigma and the unit"
    ]


def on_units(passes: Sequence[Pass]) -> list[str]:
    """The repeats met different numbers of units."""
    least, most = min(p.units for p in passes), max(p.units for p in passes)
    if least == most:
        return []
    return [f"the repeats met {least:,} to {most:,} units: the model leaves parts out at random, or by its weights"]


def on_estimates(passes: Sequence[Pass]) -> list[str]:
    """The counts are not exact."""
    if passes[0].kind is Kind.EXACT:
        return []
    return [f'the counts are estimates, the first one {passes[0].interval}; method="auto" counts exactly']


def on_folded(folded: Sequence[str]) -> list[str]:
    """Several rows were read as one sample."""
    if not folded:
        return []
    return [
        f"{plural(len(folded), 'activation has', 'activations have')} several rows for each sample ({_some(folded)}), "
        "taken to lie side by side, samples outermost; where the model turns its axes first, name them by batch_dim"
    ]


def on_alike(alike: Sequence[str], samples: int) -> list[str]:
    """Two axes may hold the samples."""
    if not alike:
        return []
    return [
        f"the inputs and {plural(len(alike), 'activation')} ({_some(alike)}) have two axes of {samples:,} entries, and "
        "only the model knows which holds the samples; take another number of samples, or name the axis by batch_dim"
    ]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def on_ignored(ignored: Sequence[str]) -> list[str]:
    """Activations were left out."""
    if not ignored:
        return []
    many = plural(len(ignored), "activation")
    return [f"not counted, because the inputs do not reach them: {many} ({_some(ignored)})"]

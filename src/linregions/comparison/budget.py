"""Which networks are compared: the hidden widths of every depth that one budget allows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ..checks import plural, shown, whole_number
from ..errors import InputError
from ..folding import dealt

MOST_ROWS = 12
MOST_INPUTS = 10_000
MOST_OUTPUTS = 10_000
# Beyond these the exact integers take minutes.
MOST_UNITS = 20_000
MOST_PARAMETERS = 10**9


@dataclass(frozen=True)
class Plan:
    """The networks of a comparison, and for each how many units its shallow rival has.

    `budget` is {"units": N}, {"parameters": P} or {"widths": [...]}; `notes` tells what was left out or rounded.
    """

    budget: dict[str, Any]
    networks: tuple[tuple[int, ...], ...]
    shallow_units: tuple[int, ...]
    notes: tuple[str, ...] = ()


def parameter_count(inputs: int, widths: Sequence[int], outputs: int = 1) -> int:
    """Weights and biases of a fully connected network: `sum_l (n_{l-1} + 1) n_l`.

    Example:
        >>> parameter_count(2, [8, 8], 1)
        105
    """
    sizes = [inputs, *widths, outputs]
    return sum((a + 1) * b for a, b in pairwise(sizes))


def planned(inputs: int, outputs: int, units: Any, parameters: Any, widths: Any, depths: Any) -> Plan:
    """The plan for the one of `units`, `parameters` and `widths` that is given.

    Raises:
        InputError: none or several are given, or one cannot be used.
    """
    given = [name for name, v in (("units", units), ("parameters", parameters), ("widths", widths)) if v is not None]
    if len(given) != 1:
        got = " and ".join(given) or "none"
        raise InputError(f"budget: give one of units, parameters and widths, got {got}")
    if widths is not None:
        if depths is not None:
            raise InputError(f"depths: a list of widths says its own depths, got {shown(depths)}; leave depths out")
        return _of_widths(widths)
    if units is not None:
        return _of_units(inputs, whole_number(units, "units", most=MOST_UNITS), depths)
    return _of_parameters(inputs, outputs, whole_number(parameters, "parameters", most=MOST_PARAMETERS), depths)


def _of_units(inputs: int, units: int, depths: Any) -> Plan:
    chosen, notes = _chosen(depths, max(1, units // inputs), units, "unit")
    networks = tuple(tuple(dealt(units, d)) for d in chosen)
    return Plan({"units": units}, networks, (units,) * len(networks), notes)


def _of_parameters(inputs: int, outputs: int, budget: int, depths: Any) -> Plan:
    least = parameter_count(inputs, [1], outputs)
    if budget < least:
        raise InputError(
            f"parameters: one unit between {plural(inputs, 'input')} and {plural(outputs, 'output')} "
            f"takes {least}, got {budget}; give more"
        )
    one = widest(inputs, 1, outputs, budget)
    if one > MOST_UNITS:
        raise InputError(
            f"parameters: {budget} allow one layer of {one} units, more than the {MOST_UNITS} that are "
            "supported; give fewer"
        )
    every = _deepest(inputs, outputs, budget, min(inputs, one))
    chosen, notes = _chosen(depths, every, _deepest(inputs, outputs, budget, 1), "parameter")
    networks = tuple((widest(inputs, d, outputs, budget),) * d for d in chosen)
    rounding = "All layers of a network have the same width, so parts of the budget stay unused."
    return Plan({"parameters": budget}, networks, (one,) * len(networks), (*notes, rounding))


def widest(inputs: int, depth: int, outputs: int, budget: int) -> int:
    """The largest width of `depth` equal layers whose parameters fit into the budget; 0 if none does."""
    low, high = 0, budget
    while low < high:
        middle = (low + high + 1) // 2
        if _equal(inputs, depth, outputs, middle) <= budget:
            low = middle
        else:
            high = middle - 1
    return low


def _equal(inputs: int, depth: int, outputs: int, width: int) -> int:
    return (inputs + 1) * width + (depth - 1) * (width + 1) * width + (width + 1) * outputs


def _deepest(inputs: int, outputs: int, budget: int, width: int) -> int:
    return 1 + max(0, budget - _equal(inputs, 1, outputs, width)) // ((width + 1) * width)


def _chosen(depths: Any, top: int, possible: int, noun: str) -> tuple[list[int], tuple[str, ...]]:
    """The depths that are asked for, or 1 to `top`, thinned out to a geometric choice where they are many."""
    if depths is not None:
        return _checked(depths, possible, noun), ()
    if top <= MOST_ROWS:
        return list(range(1, top + 1)), ()
    ratio = top ** (1 / (MOST_ROWS - 1))
    chosen = sorted({1, top, *(round(ratio**k) for k in range(MOST_ROWS))})
    return chosen, (f"Of the depths 1 to {top} these {len(chosen)} are shown, spread geometrically.",)


def _checked(depths: Any, possible: int, noun: str) -> list[int]:
    if isinstance(depths, str | bytes):
        raise InputError(f"depths: expected a whole number or several, got {shown(depths)}")
    entries = list(depths) if isinstance(depths, Iterable) else [depths]
    if not entries:
        raise InputError("depths: expected at least one, got none")
    out = [whole_number(d, "depths: each") for d in entries]
    if max(out) > possible:
        raise InputError(f"depths: {max(out)} layers need more {noun}s than the budget has, which allows {possible}")
    return list(dict.fromkeys(out))


def _of_widths(widths: Any) -> Plan:
    form = "give lists of hidden widths such as [[24], [12, 12], [8, 8, 8]]"
    if isinstance(widths, str | bytes) or not isinstance(widths, Iterable):
        raise InputError(f"widths: expected several lists, got {shown(widths)}; {form}")
    networks = []
    for k, entry in enumerate(widths, start=1):
        if isinstance(entry, str | bytes) or not isinstance(entry, Iterable):
            raise InputError(f"widths: entry {k} is no list but {shown(entry)}; {form}")
        hidden = tuple(whole_number(n, f"widths: list {k}: each width", most=MOST_UNITS) for n in entry)
        if not hidden:
            raise InputError(f"widths: list {k} is empty; {form}")
        if sum(hidden) > MOST_UNITS:
            raise InputError(f"widths: list {k} has {sum(hidden)} units, more than the {MOST_UNITS} that are supported")
        networks.append(hidden)
    if not networks:
        raise InputError(f"widths: expected at least one list, got none; {form}")
    return Plan({"widths": [list(w) for w in networks]}, tuple(networks), tuple(sum(w) for w in networks))

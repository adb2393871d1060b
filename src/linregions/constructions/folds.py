"""Networks that fold every axis in each layer and end with hyperplanes in general position: numbers multiply."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from ..checks import plural, shown, whole_number
from ..combinatorics import product, zaslavsky
from ..domain import Box, Domain, Space
from ..errors import InputError
from ..folding import best_axes, dealt
from ..network import Network
from .construction import Construction
from .general_position import exact_array, in_cube

Rationals = list[list[Fraction]]
Layer = tuple[np.ndarray, np.ndarray]

# A larger layer is a mistake.
MOST_UNITS = 10_000


@dataclass(frozen=True)
class Fold:
    """Folds the interval (0, length) onto (0, 1): `x -> constant + sum_i read_i relu(slope_i x + bias_i)`.

    `pieces` intervals are each mapped onto (0, 1).  With `whole`, every unit's every piece on the whole line contains
    one of them, so that nothing is added outside.
    """

    slope: tuple[int, ...]
    bias: tuple[int, ...]
    read: tuple[Fraction, ...]
    constant: Fraction
    length: int
    pieces: int
    whole: bool = True


def zigzag(units: int) -> Fold:
    """P + 1 pieces from p >= 3 units: Serra et al. 2018, Theorem 5, with interval lengths 1, 1, 2, 2, 1, 1, ...

    Slopes s_i alternate in sign and 1/|s_i| are the lengths; the third unit faces left, which needs
    |s_0| = |s_2| + |s_3|.  One unit gives the identity on (0, 1), two an absolute value.
    """
    if units == 1:
        return Fold((1,), (0,), (Fraction(1),), Fraction(0), 1, 1, whole=False)
    if units == 2:
        return Fold((1, -1), (-1, 1), (Fraction(1), Fraction(1)), Fraction(0), 2, 2)
    lengths = [1, 1, 2, 2, *[1] * (units - 3)]
    slopes = [Fraction((-1) ** i, n) for i, n in enumerate(lengths)]
    ends = list(itertools.accumulate(lengths))
    read = [slopes[i] - slopes[i - 1] for i in range(1, units + 1)]
    read[2] = -slopes[0]
    facing = [1] * units
    facing[2] = -1
    bias = [-f * t for f, t in zip(facing, ends[:-1], strict=True)]
    constant = -read[2] * ends[2]  # so that 0 is mapped to 0
    return Fold(tuple(facing), tuple(bias), tuple(read), constant, sum(lengths), units + 1)


def interleaved(units: int) -> Fold:
    """P pieces from p units: Montúfar et al. 2014, relu(x), relu(x - 1), ... with reads 1, -2, 2, ... on (0, p)."""
    read = tuple(Fraction(1 if i == 0 else 2 * (-1) ** i) for i in range(units))
    return Fold((1,) * units, tuple(-i for i in range(units)), read, Fraction(0), units, units, whole=False)


def rising(units: int) -> Fold:
    """`interleaved`, or 1 minus it where its last piece falls: p pieces of (0, oo), the last one rising for ever."""
    fold = interleaved(units)
    if units % 2:
        return fold
    return replace(fold, read=tuple(-r for r in fold.read), constant=1 - fold.constant)


ABS = zigzag(2)


def zigzag_product(inputs: int, widths: Sequence[int]) -> Construction:
    """Zig-zags on as many axes as pay, then hyperplanes in general position: attains `bounds.zigzag_product`.

    Every cell of each layer's grid is mapped onto the same cube, which all cells of the last arrangement meet.

    Args:
        inputs: number of inputs n0.
        widths: hidden widths, each at least 1.

    Returns:
        A `Construction` exact on its domain: the whole space where every folded axis has two units or more, else a box.

    Raises:
        InputError: a width is no positive whole number; the weights would not be float64.

    Example:
        >>> c = zigzag_product(2, [6, 6])
        >>> c.regions, c.confirmed()
        (352, True)
    """
    inputs, widths = checked_widths(inputs, widths, "zigzag_product")
    axes = best_axes(inputs, widths)
    folds = [[zigzag(p) for p in dealt(n, d)] for n, d in zip(widths[:-1], axes[:-1], strict=True)]
    return stacked(
        label("zigzag_product", inputs, widths),
        inputs,
        folds,
        (widths[-1], axes[-1]),
        formula="prod_{l<L} prod_a g(p_la) * sum_{j<=d_L} C(n_L, j); g(1) = 1, g(2) = 2, g(p) = p + 1",
        reference="Serra, Tjandraatmadja, Ramalingam 2018, Theorems 5 and 6, with uneven units per axis",
    )


def stacked(
    name: str,
    inputs: int,
    folds: Sequence[Sequence[Fold]],
    last: tuple[int, int],
    *,
    formula: str,
    reference: str,
    spare: Sequence[int] = (),
) -> Construction:
    """One layer per list of folds (one for each axis that is kept), then `last = (hyperplanes, dimension)`.

    `spare` gives for every layer how many units are added that do nothing.
    """
    counts = [f.pieces for layer in folds for f in layer]
    regions = product(counts) * zaslavsky(*last)
    whole = all(f.whole for layer in folds for f in layer)
    layers, state = folded(inputs_read(inputs), folds, name, spare=spare, scaled=False)
    network = Network.from_arrays(layers + crossed(state, last, name), source=name)
    domain: Domain = Space(inputs) if whole else _box(inputs, folds[0])
    return Construction(name, network, domain, regions, formula, reference)


def _box(inputs: int, first: Sequence[Fold]) -> Box:
    lengths = [float(f.length) for f in first]
    return Box([0.0] * inputs, lengths + [1.0] * (inputs - len(lengths)))


@dataclass(frozen=True)
class State:
    """What the next layer works on: `read @ h + shift` of the units h so far (of the inputs, before any)."""

    read: Rationals
    shift: list[Fraction]

    def through(self, normal: Sequence[Fraction], offset: Fraction | int) -> tuple[list[Fraction], Fraction]:
        """Weights and bias of a unit with pre-activation `normal . state + offset`; missing coordinates are 0."""
        row, bias = [Fraction(0)] * len(self.read[0]), Fraction(offset)
        for a, read, shift in zip(normal, self.read, self.shift, strict=False):
            if a:  # a fold works on one coordinate of many
                row = [v + a * r if r else v for v, r in zip(row, read, strict=True)]
                bias += a * shift
        return row, bias


def inputs_read(inputs: int) -> State:
    """The inputs themselves."""
    return State([[Fraction(int(i == j)) for j in range(inputs)] for i in range(inputs)], [Fraction(0)] * inputs)


def folded(
    state: State, folds: Sequence[Sequence[Fold]], name: str, *, spare: Sequence[int] = (), scaled: bool = True
) -> tuple[list[Layer], State]:
    """Weights and biases of one layer per list of folds, float64 exactly, and the state after them.

    A fold works on (0, length), so a state on (0, 1) is scaled; the first layer takes its state as it is when not
    `scaled`.
    """
    out: list[Layer] = []
    for number, layer in enumerate(folds):
        extra = spare[number] if spare else 0
        units = sum(len(f.slope) for f in layer) + extra
        pairs, read, at = [], [], 0
        for axis, f in enumerate(layer):
            scale = f.length if scaled or number else 1
            along = [Fraction(0)] * axis
            pairs += [state.through([*along, Fraction(s * scale)], b) for s, b in zip(f.slope, f.bias, strict=True)]
            read.append([Fraction(0)] * at + list(f.read) + [Fraction(0)] * (units - at - len(f.read)))
            at += len(f.read)
        pairs += [state.through([], 0)] * extra
        out.append(_layer(pairs, name))
        state = State(read, [f.constant for f in layer])
    return out, state


def crossed(state: State, last: tuple[int, int], name: str) -> list[Layer]:
    """The last hidden layer, `last = (hyperplanes, dimension)` with all cells in the unit cube, and the output."""
    pairs = [state.through(normal, offset) for *normal, offset in in_cube(*last, 1)]
    return [_layer(pairs, name), different_outputs(len(pairs))]


def different_outputs(units: int) -> Layer:
    """One output with the weights 1, 2, 3, ..., so that no two units cancel."""
    return np.arange(1.0, units + 1)[None, :], np.zeros(1)


def _layer(pairs: Sequence[tuple[list[Fraction], Fraction]], name: str) -> Layer:
    return exact_array([row for row, _ in pairs], name), exact_array([b for _, b in pairs], name)


def checked_widths(inputs: int, widths: Sequence[int], name: str, *, least: int = 0) -> tuple[int, list[int]]:
    """Inputs and hidden widths as ints; every layer but the last `least` times as wide as the inputs, the last once.

    With `least` 0 any positive width will do.
    """
    inputs = whole_number(inputs, f"{name}: inputs", most=MOST_UNITS)
    if isinstance(widths, str | bytes) or not isinstance(widths, Iterable):
        raise InputError(f"{name}: widths must be a list of hidden widths, got {shown(widths)}; write [6, 6], say")
    checked = [
        whole_number(n, f"{name}: width of hidden layer {k}", most=MOST_UNITS) for k, n in enumerate(widths, start=1)
    ]
    if not checked:
        raise InputError(f"{name}: widths must name at least one hidden layer, got none; write [6, 6], say")
    for k, n in enumerate(checked, start=1):
        times = min(least, 1) if k == len(checked) else least
        if n < times * inputs:
            raise InputError(
                f"{name}: hidden layer {k} needs at least {plural(times * inputs, 'unit')} for "
                f"{plural(inputs, 'input')}, got {n}; widen it or take fewer inputs"
            )
    return inputs, checked


def label(name: str, inputs: int, widths: Sequence[int]) -> str:
    """`name (2; 4, 4)`: what the network is called."""
    return f"{name} ({inputs}; {', '.join(map(str, widths))})"

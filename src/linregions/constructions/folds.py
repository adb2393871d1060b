"""Networks that fold every axis in each layer and end with hyperplanes in general position: numbers multiply."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from ..checks import whole_number
from ..combinatorics import product, zaslavsky
from ..domain import Box, Domain, Space
from ..errors import InputError
from ..folding import best_axes, dealt
from ..network import Network
from .construction import Construction
from .general_position import exact_array, in_cube

Rationals = list[list[Fraction]]


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
    inputs, widths = _checked(inputs, widths)
    axes = best_axes(inputs, widths)
    folds = [[zigzag(p) for p in dealt(n, d)] for n, d in zip(widths[:-1], axes[:-1], strict=True)]
    return stacked(
        f"zigzag_product ({inputs}; {', '.join(map(str, widths))})",
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
    network = Network.from_arrays(_layers(inputs, folds, last, name, list(spare)), source=name)
    domain: Domain = Space(inputs) if whole else _box(inputs, folds[0])
    return Construction(name, network, domain, regions, formula, reference)


def _box(inputs: int, first: Sequence[Fold]) -> Box:
    lengths = [float(f.length) for f in first]
    return Box([0.0] * inputs, lengths + [1.0] * (inputs - len(lengths)))


def _layers(
    inputs: int, folds: Sequence[Sequence[Fold]], last: tuple[int, int], name: str, spare: list[int]
) -> list[tuple[object, object]]:
    """Weights and biases, composed in rationals and then float64 exactly."""
    # The state is read @ h + shift, on (0, 1)^axes after the first layer and in the inputs themselves before it.
    read = [[Fraction(int(i == j)) for j in range(inputs)] for i in range(inputs)]
    shift = [Fraction(0)] * inputs
    out, first = [], True
    for number, layer in enumerate(folds):
        extra = spare[number] if spare else 0
        units = sum(len(f.slope) for f in layer)
        rows, bias, new_read, new_shift, at = [], [], [], [], 0
        for axis, f in enumerate(layer):
            scale = 1 if first else f.length
            for s, b in zip(f.slope, f.bias, strict=True):
                rows.append([s * scale * v for v in read[axis]])
                bias.append(s * scale * shift[axis] + b)
            p = len(f.slope)
            new_read.append([Fraction(0)] * at + list(f.read) + [Fraction(0)] * (units + extra - at - p))
            new_shift.append(f.constant)
            at += p
        width = len(read[0])
        rows += [[Fraction(0)] * width for _ in range(extra)]
        bias += [Fraction(0)] * extra
        out.append((exact_array(rows, name), exact_array(bias, name)))
        read, shift, first = new_read, new_shift, False
    rows, bias = _last(last, read, shift)
    out.append((exact_array(rows, name), exact_array(bias, name)))
    # Different output weights, so that no two units cancel.
    out.append((exact_array([[Fraction(k) for k in range(1, len(rows) + 1)]], name), [0.0]))
    return out


def _last(last: tuple[int, int], read: Rationals, shift: list[Fraction]) -> tuple[Rationals, list[Fraction]]:
    hyperplanes, dim = last
    rows, bias = [], []
    for *normal, offset in in_cube(hyperplanes, dim, 1):
        rows.append(
            [sum((a * r[j] for a, r in zip(normal, read, strict=False)), Fraction(0)) for j in range(len(read[0]))]
        )
        bias.append(offset + sum((a * s for a, s in zip(normal, shift, strict=False)), Fraction(0)))
    return rows, bias


def _checked(inputs: int, widths: Sequence[int]) -> tuple[int, list[int]]:
    inputs = whole_number(inputs, "inputs")
    checked = [whole_number(n, f"widths: hidden layer {k}") for k, n in enumerate(widths, start=1)]
    if not checked:
        raise InputError("widths: at least one hidden layer is needed, got none")
    return inputs, checked

"""Xiong et al. 2020: how many regions convolutional ReLU layers can have."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..checks import plural, shown, whole_number
from ..combinatorics import product, zaslavsky
from ..errors import InputError
from .bound import CONJECTURED, LOWER, PUBLISHED, UPPER, Bound, require

PAPER = "Xiong, Huang, Yu, Liu, Zhu, Shao 2020, On the Number of Linear Regions of Convolutional Neural Networks"

# Larger images, filters and channel numbers are a mistake, and the integers would only take memory.
MOST_SIZE = 10**4
# Work that ends within seconds: steps where windows lie in a row, and for one window where they do not.
MOST_ENTRIES = 2 * 10**6
MOST_STEPS = 2 * 10**6
MOST_CELLS = 64

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Convolution:
    """A convolutional layer of ReLUs without padding: `filters` filters of a height and width, moved by a stride.

    Example:
        >>> Convolution((2, 2), 3).output((4, 5, 1))
        (3, 4, 3)
    """

    kernel: tuple[int, int]
    filters: int
    stride: tuple[int, int] = (1, 1)

    def __post_init__(self) -> None:
        object.__setattr__(self, "kernel", _pair(self.kernel, "convolution: kernel"))
        stride = self.stride if isinstance(self.stride, Iterable) else (self.stride, self.stride)
        object.__setattr__(self, "stride", _pair(stride, "convolution: stride"))
        filters = whole_number(self.filters, "convolution: filters", most=MOST_SIZE)
        object.__setattr__(self, "filters", filters)

    def output(self, shape: Shape) -> Shape:
        """Height, width and channels of the output for an input of the given ones."""
        for side, size, filter_size in zip(("height", "width"), shape, self.kernel, strict=False):
            if filter_size > size:
                raise InputError(
                    f"convolution: kernel {self.kernel} exceeds the input's {side} {size}; use a smaller kernel"
                )
        rows, columns = ((n - f) // s + 1 for n, f, s in zip(shape, self.kernel, self.stride, strict=False))
        return rows, columns, self.filters

    def __str__(self) -> str:
        size = f"{self.kernel[0]}x{self.kernel[1]}"
        step = "" if self.stride == (1, 1) else f" by {self.stride[0]}x{self.stride[1]}"
        return f"{plural(self.filters, 'filter')} {size}{step}"


def convolution_layer(input_shape: Any, layer: Convolution) -> Bound:
    """Upper bound for one convolutional layer; of one filter, or where windows do not overlap, the exact maximum.

        R = sum over t in K of prod_i C(d_1, t_i),   K = {t : sum_J t <= |union_J S| for every set J of positions}

    where i runs over the output positions, S_i are the input numbers in the window of i, and d_1 is the number of
    filters.  The condition is Hall's: every position i can be given t_i numbers of its window, all different.

    The paper states that almost all weights attain R.  That R is an upper bound is derived too: an arrangement has at
    most as many regions as it has linearly independent sets of normals, and the rows of such a set can be given
    different numbers of their windows, because a minor that is not 0 has a term that is not.  That R is attained fails
    for windows in two directions that share their weights: filters f and g on one channel, seen as polynomials,
    fulfil g f - f g = 0, so of the 8 normals of two 2x2 filters on 3x3 inputs only 7 are independent, and there are
    at most 255 regions where R is 256.  `attained` is therefore only set where that cannot occur.

    Args:
        input_shape: height, width and channels of the input; the channels last.
        layer: the layer.

    Returns:
        A `Bound` on patterns, so on every definition.

    Raises:
        InputError: a size does not fit, or the sum is too large to be found in seconds.

    Reference:
        Xiong et al. 2020, the theorem on one-layer networks.

    Example:
        >>> convolution_layer((3, 3, 1), Convolution((2, 2), 1)).value
        16
        >>> convolution_layer((2, 3, 1), Convolution((2, 2), 3)).value
        64
    """
    shape = _shape(input_shape)
    return _bound(
        "convolution_layer",
        _regions(shape, layer),
        shape,
        (layer,),
        direction=UPPER,
        attained=_attained(shape, layer),
        formula="sum over t in K of prod_i C(d_1, t_i), K = {t : sum_J t <= |union_J S| for every J}",
    )


def convolution_upper(input_shape: Any, layers: Iterable[Convolution]) -> Bound:
    """Upper bound for convolutional layers one after the other: `R(first) * prod_{l>=2} Z(n_l, n_0)`.

    n_l is the number of units of layer l and n_0 that of inputs: in a region of the earlier layers, a layer cuts a
    space of dimension n_0 at most.

    Args:
        input_shape: height, width and channels of the input.
        layers: the layers, each without padding and with ReLUs.

    Returns:
        A `Bound` on patterns, so on every definition.

    Raises:
        InputError: a size does not fit, or the first layer is too large.

    Reference:
        Xiong et al. 2020, the theorem on deep networks.

    Example:
        >>> convolution_upper((1, 3, 1), [Convolution((1, 2), 2), Convolution((1, 2), 2)]).value
        60
    """
    shape, stack = _shape(input_shape), _stack(layers)
    outputs = _outputs(shape, stack)
    later = [zaslavsky(math.prod(out), math.prod(shape)) for out in outputs[1:]]
    return _bound(
        "convolution_upper",
        _regions(shape, stack[0]) * product(later),
        shape,
        stack,
        direction=UPPER,
        attained=len(stack) == 1 and _attained(shape, stack[0]),
        formula="R(first layer) prod_{l>=2} sum_{j<=n_0} C(n_l, j)",
    )


def convolution_lower(input_shape: Any, layers: Iterable[Convolution]) -> Bound:
    """Lower bound for convolutional layers: `R(N') prod_{l<L} floor(d_l / d_0)^(height_l width_l d_0)`.

    d_l is the number of channels after layer l; N' is the last layer on an input of d_0 channels.  It rests on R(N')
    being attained (see `convolution_layer`), so it is conjectured where that is not certain.

    Args:
        input_shape: height, width and channels of the input.
        layers: the layers, each without padding and with ReLUs.

    Returns:
        A `Bound` on activation regions of some network with these sizes.

    Raises:
        ConditionError: a layer before the last has fewer filters than the input has channels.
        InputError: a size does not fit, or the last layer is too large.

    Reference:
        Xiong et al. 2020, the theorem on deep networks.

    Example:
        >>> convolution_lower((1, 3, 1), [Convolution((1, 2), 2), Convolution((1, 2), 2)]).value
        16
    """
    shape, stack = _shape(input_shape), _stack(layers)
    outputs, channels, final = _outputs(shape, stack), shape[2], stack[-1]
    for number, layer in enumerate(stack[:-1], start=1):
        require(
            layer.filters >= channels,
            f"convolution_lower: layer {number} needs at least as many filters as the input has channels ({channels}), "
            f"got {layer.filters}; give it more filters",
        )
    folds = [(d // channels) ** (h * w * channels) for h, w, d in outputs[:-1]]
    before = outputs[-2] if len(stack) > 1 else shape
    last = (before[0], before[1], channels)
    return _bound(
        "convolution_lower",
        _regions(last, final) * product(folds),
        shape,
        stack,
        direction=LOWER,
        attained=len(stack) == 1 and _attained(last, final),
        status=PUBLISHED if _attained(last, final) else CONJECTURED,
        formula="R(N') prod_{l<L} floor(d_l / d_0)^(height_l width_l d_0)",
    )


def _bound(
    name: str,
    value: int,
    shape: Shape,
    layers: Iterable[Convolution],
    *,
    direction: str,
    attained: bool,
    formula: str,
    status: str = PUBLISHED,
) -> Bound:
    size = "x".join(map(str, shape))
    return Bound(
        name=name,
        value=value,
        direction=direction,
        definition="patterns" if direction == UPPER else "activation",
        status=status,
        formula=formula,
        reference=PAPER,
        conditions=("ReLU units", "no padding", *(("d_l >= d_0 for l < L",) if direction == LOWER else ())),
        architecture=", ".join([f"conv {size}", *map(str, layers)]),
        attained=attained,
    )


def _shape(shape: Any) -> Shape:
    if not isinstance(shape, Iterable) or isinstance(shape, str):
        raise InputError(f"input_shape: expected (height, width, channels), got {shown(shape)}")
    entries = list(shape)
    if len(entries) != 3:
        raise InputError(f"input_shape: expected (height, width, channels), got {shown(shape)}")
    names = ("height", "width", "channels")
    height, width, channels = (
        whole_number(v, f"input_shape: {n}", most=MOST_SIZE) for v, n in zip(entries, names, strict=True)
    )
    return height, width, channels


def _pair(value: Any, what: str) -> tuple[int, int]:
    entries = list(value) if isinstance(value, Iterable) and not isinstance(value, str) else []
    if len(entries) != 2:
        raise InputError(f"{what} must be two whole numbers (height, width), got {shown(value)}")
    first, second = (whole_number(v, what, most=MOST_SIZE) for v in entries)
    return first, second


def _stack(layers: Any) -> tuple[Convolution, ...]:
    out = (layers,) if isinstance(layers, Convolution) else tuple(layers) if isinstance(layers, Iterable) else ()
    if not out or not all(isinstance(v, Convolution) for v in out):
        raise InputError(f"layers: expected one Convolution or more, got {shown(layers)}")
    return out


def _outputs(shape: Shape, layers: tuple[Convolution, ...]) -> list[Shape]:
    out = []
    for layer in layers:
        shape = layer.output(shape)
        out.append(shape)
    return out


def _attained(shape: Shape, layer: Convolution) -> bool:
    """Whether some weights are known to attain R.

    The shifts of one filter are linearly independent, like the multiples of a polynomial by different monomials;
    windows that do not overlap read different inputs, so their numbers of regions multiply.
    """
    apart = all(n == 1 or s >= f for n, s, f in zip(layer.output(shape)[:2], layer.stride, layer.kernel, strict=True))
    return layer.filters == 1 or apart


# -- The sum over K --------------------------------------------------------------------------------------------------


def _regions(shape: Shape, layer: Convolution) -> int:
    if not isinstance(layer, Convolution):
        raise InputError(f"layer: expected a Convolution, got {shown(layer)}")
    rows, columns, _ = layer.output(shape)
    if min(rows, columns) == 1:
        along = 1 if rows == 1 else 0
        block = shape[2] * layer.kernel[1 - along]  # input numbers in one slice across the row of windows
        starts = [i * layer.stride[along] * block for i in range(max(rows, columns))]
        return _in_a_row(starts, layer.kernel[along] * block, layer.filters)
    return _in_a_grid(_windows(shape, layer), layer.filters)


def _in_a_row(starts: list[int], length: int, filters: int) -> int:
    """The sum for windows that are intervals of one length: each in turn takes the first free numbers.

    Only the first number that is still free matters then: `ways[p]` sums over all t so far that leave p the first.
    """
    size, most = starts[-1] + length, min(filters, length)
    if len(starts) * length * most > MOST_ENTRIES:
        raise InputError(
            f"convolution: {plural(len(starts), 'position')} with windows of {plural(length, 'number')} are too many "
            f"to be summed in seconds; use fewer filters or a smaller input, up to {MOST_ENTRIES} steps together"
        )
    row = [math.comb(filters, t) for t in range(most + 1)]
    ways = {0: 1}
    for start in starts:
        after: dict[int, int] = {}
        for place, many in ways.items():
            first = max(place, start)
            for t in range(min(most, start + length - first) + 1):
                after[first + t] = after.get(first + t, 0) + many * row[t]
        ways = after
    assert max(ways) <= size
    return sum(ways.values())


def _windows(shape: Shape, layer: Convolution) -> list[int]:
    """The windows as bit sets of input numbers, along the shorter side of the output first."""
    (height, width, channels), (rows, columns, _) = shape, layer.output(shape)
    if height * width * channels > MOST_CELLS:
        raise InputError(
            f"convolution: an input of {height}x{width}x{channels} is too large for the exact sum over windows in two "
            f"directions; use one of at most {MOST_CELLS} numbers, or windows that lie in one row"
        )
    (fh, fw), (sh, sw) = layer.kernel, layer.stride

    def window(i: int, j: int) -> int:
        cells = ((i * sh + a) * width + j * sw + b for a in range(fh) for b in range(fw))
        return sum(((1 << channels) - 1) << (cell * channels) for cell in cells)

    if columns <= rows:
        return [window(i, j) for i in range(rows) for j in range(columns)]
    return [window(i, j) for j in range(columns) for i in range(rows)]


def _in_a_grid(windows: list[int], filters: int) -> int:
    """The sum for any windows: position by position, over what the positions so far leave to the later ones.

    A state is the family of sets of numbers that the positions so far may have taken, seen on the numbers that a later
    window holds, and of these the smallest ones: taking more is never better.  States that agree are one (the family
    is the set of bases of a matroid, so no other information is needed).
    """
    states = {frozenset([0]): 1}
    for k, window in enumerate(windows):
        later = 0
        for other in windows[k + 1 :]:
            later |= other
        after: dict[frozenset[int], int] = {}
        work = 0
        for family, many in states.items():
            for t in range(filters + 1):
                if not family:
                    break
                rest = _smallest(family, later)
                after[rest] = after.get(rest, 0) + many * math.comb(filters, t)
                work += len(family) * window.bit_count()
                if work > MOST_STEPS:
                    raise InputError(
                        f"convolution: {plural(len(windows), 'window')} in two directions overlap too much for the "
                        "exact sum; use fewer channels, a smaller input or a larger stride"
                    )
                family = _one_more(family, window)
        states = after
    return sum(states.values())


def _one_more(family: frozenset[int], window: int) -> frozenset[int]:
    """Every set of the family with one more number of the window."""
    out = set()
    for taken in family:
        free = window & ~taken
        while free:
            bit = free & -free
            out.add(taken | bit)
            free ^= bit
    return frozenset(out)


def _smallest(family: frozenset[int], later: int) -> frozenset[int]:
    """The family on the numbers that matter later, its sets of least size."""
    seen = {taken & later for taken in family}
    least = min(s.bit_count() for s in seen)
    return frozenset(s for s in seen if s.bit_count() == least)

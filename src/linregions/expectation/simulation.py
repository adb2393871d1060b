"""The two verbs: expected regions, and expected size of their boundaries, simulated and by formula."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..bounds.architecture import Architecture, architecture_of
from ..bounds.expected import one_layer, one_layer_vertices, outline
from ..checks import real_number, shown, whole_number
from ..counting import count, enumerate_regions
from ..domain import Box, Domain, Segment
from ..errors import InputError
from ..network import Network
from ..partition import Count, Kind, Status
from .integrals import POINTS, Integrals, Law, Layers
from .records import Estimate, Expectation

INITS = ("he", "glorot", "lecun")
MOST_SAMPLES = 10**9
BATCH = 2**21  # most numbers in one array


def expected_regions(
    widths: Any,
    domain: Domain,
    *,
    init: str = "he",
    weight_std: float | None = None,
    bias_std: float,
    samples: int = 1000,
    formula_samples: int | None = None,
    seed: int = 0,
) -> Expectation:
    """Expected number of activation regions of random ReLU networks, simulated and by formula.

        segment:          E[regions] = 1 + sum_z int E[ |z'(x)| rho_b(z(x)) ] dx
        convex polygon:   E[regions] = 1 + E[vertices inside] + E[ends of boundaries on the edges] / 2

    On a segment every change of a unit's piece starts a new region.  In a polygon the boundaries cross two at a time
    almost surely, and Euler's formula gives the number of cells (derived).  On other domains there is no formula, and
    only the simulation is made.

    Args:
        widths: what `bounds.architecture_of` reads: "1;8,8" or (1, [8, 8]); ReLU layers.
        domain: where to count; the formula is for a `Segment`, a `Plane`, and a `Box` of dimension 1 or 2.
        init: Gaussian weights with variance 2/fan-in ("he"), 2/(fan-in + fan-out) ("glorot"), 1/fan-in ("lecun").
        weight_std: the standard deviation of every weight instead.
        bias_std: the standard deviation of every bias; positive, for the formula needs their density.
        samples: networks that are drawn and counted.
        formula_samples: networks that are drawn for the formula; None takes 4 times `samples`.
        seed: of the draws.

    Returns:
        An `Expectation`.

    Raises:
        InputError: an argument does not fit; the message says which.

    Reference:
        Hanin, Rolnick 2019 (1901.09021); activation regions, so without the factor for good units.

    Example:
        >>> found = expected_regions("1;8", Segment([-2], [2]), bias_std=0.5, samples=200)
        >>> abs(found.gap) < 4, round(found.closed.value, 3)
        (True, 8.109)
    """
    a = _architecture(widths)
    law = _law(init, weight_std, bias_std)
    drawn, other = _samples(samples, formula_samples)
    if not isinstance(domain, Domain) or domain.input_dim != a.inputs:
        raise InputError(f"domain: expected one in {a.inputs} inputs as in {a}, got {shown(domain)}")
    seeds = np.random.SeedSequence(_seed(seed)).spawn(2)
    simulated = _simulated(a, law, drawn, seeds[0], lambda net: _exact(count(net, domain, threads=1)))
    corners = outline(domain)
    formula = closed = None
    if corners is not None:
        integrals = Integrals(domain, corners)
        formula = _by_formula(a, law, other, seeds[1], integrals.regions)
        if len(a.widths) == 1:
            std = law.std(a.inputs, a.widths[0])
            closed = one_layer(a.widths[0], domain, weight_std=std, bias_std=law.bias_std)
    return Expectation("activation regions", str(a), repr(domain), str(law), seed, simulated, formula, closed)


def expected_boundary(
    widths: Any,
    box: Box,
    *,
    k: int = 1,
    init: str = "he",
    weight_std: float | None = None,
    bias_std: float,
    samples: int = 200,
    formula_samples: int | None = None,
    seed: int = 0,
) -> Expectation:
    """Expected length of the region boundaries (k = 1), or number of their crossings (k = 2), in a box in the plane.

        E[vol_{2-k}(B_k in K)] = sum over k-sets of units of int_K E[ ||J(x)|| rho_b(z1(x)) ... rho_b(zk(x)) ] dx

    The simulated numbers come from exact partitions: lengths from their polygons, with corners rounded to float64;
    crossings from exact counts, `regions - 1 - ends on the edges / 2`.

    Args:
        widths: what `bounds.architecture_of` reads, with two inputs; ReLU layers.
        box: a `Box` of dimension 2.
        k: the codimension.
        init: as for `expected_regions`.
        weight_std: likewise.
        bias_std: likewise.
        samples: likewise.
        formula_samples: likewise.
        seed: likewise.

    Returns:
        An `Expectation`.

    Raises:
        InputError: an argument does not fit; the message says which.

    Reference:
        Hanin, Rolnick 2019 (1901.09021).

    Example:
        >>> found = expected_boundary("2;6", Box.cube(-1, 1, 2), k=2, bias_std=1.0, samples=100)
        >>> abs(found.gap) < 4, found.quantity
        (True, 'vertices inside')
    """
    a = _architecture(widths)
    law = _law(init, weight_std, bias_std)
    drawn, other = _samples(samples, formula_samples)
    if not isinstance(box, Box) or box.dim != 2 or a.inputs != 2:
        raise InputError(f"box: lengths and crossings need a Box in 2 inputs, got {shown(box)} for {a}")
    if whole_number(k, "k") > 2:
        raise InputError(f"k must be 1 (length) or 2 (crossings), got {k}")
    corners = outline(box)
    assert corners is not None
    integrals = Integrals(box, corners)
    measure, integral = (boundary_length, integrals.first) if k == 1 else (crossings, integrals.second)
    seeds = np.random.SeedSequence(_seed(seed)).spawn(2)
    simulated = _simulated(a, law, drawn, seeds[0], lambda net: measure(net, box))
    formula = _by_formula(a, law, other, seeds[1], integral)
    closed = None
    if k == 2 and len(a.widths) == 1:
        std = law.std(a.inputs, a.widths[0])
        closed = one_layer_vertices(a.widths[0], box, weight_std=std, bias_std=law.bias_std)
    quantity = "length of the boundaries" if k == 1 else "vertices inside"
    return Expectation(quantity, str(a), repr(box), str(law), seed, simulated, formula, closed)


def boundary_length(net: Network, box: Box) -> float:
    """Length of the boundaries between the regions inside a box: each lies on two polygons, the box's edges on one."""
    partition = enumerate_regions(net, box, threads=1)
    _exact(partition.count)
    total = sum(_perimeter(partition.vertices(i)) for i in range(len(partition)))
    return (total - 2.0 * float(np.sum(box.upper - box.lower))) / 2.0


def crossings(net: Network, box: Box) -> float:
    """Number of points inside a box where two boundaries cross, for a network in general position."""
    corners = outline(box)
    assert corners is not None
    edges = zip(corners, np.roll(corners, -1, axis=0), strict=True)
    ends = sum(_exact(count(net, Segment(p, q), threads=1)) - 1 for p, q in edges)
    return _exact(count(net, box, threads=1)) - 1 - ends / 2


def _perimeter(polygon: np.ndarray) -> float:
    return float(np.linalg.norm(polygon - np.roll(polygon, -1, axis=0), axis=1).sum())


def _batches(nets: int, a: Architecture) -> Iterator[int]:
    width = max(a.inputs, *a.widths)
    most = max(1, BATCH // (width * max(width, 2 * POINTS)))
    for start in range(0, nets, most):
        yield min(most, nets - start)


Integral = Callable[[Layers, Law, np.random.Generator], np.ndarray]


def _by_formula(a: Architecture, law: Law, nets: int, seed: np.random.SeedSequence, integral: Integral) -> Estimate:
    rng = np.random.default_rng(seed)
    return Estimate.of(np.concatenate([integral(law.draw(a, n, rng), law, rng) for n in _batches(nets, a)]))


def _simulated(
    a: Architecture, law: Law, nets: int, seed: np.random.SeedSequence, measure: Callable[[Network], float]
) -> Estimate:
    rng = np.random.default_rng(seed)
    values = []
    # The output layer changes no activation region.
    output = (np.ones((1, a.widths[-1])), np.zeros(1))
    status = Status.COMPLETE
    try:
        for _ in range(nets):
            hidden = [(w[0], b[0]) for w, b in law.draw(a, 1, rng)]
            values.append(measure(Network.from_arrays([*hidden, output])))
    except KeyboardInterrupt:
        if len(values) < 2:
            raise
        status = Status.INTERRUPTED
    return Estimate.of(np.array(values, dtype=np.float64), status)


def _exact(found: Count) -> int:
    """The count, if it is complete: a run that Ctrl-C ended has only a lower bound, which is no sample."""
    if found.kind is not Kind.EXACT:
        raise KeyboardInterrupt
    return found.value


def _architecture(widths: Any) -> Architecture:
    a = architecture_of(widths)
    if not a.plain or a.network is not None:
        raise InputError(f"widths: expected the widths of fully connected ReLU layers such as '1;8,8', got {a}")
    return a


def _law(init: Any, weight_std: Any, bias_std: Any) -> Law:
    if init not in INITS:
        raise InputError(f"init: {shown(init)} is not known; use {', '.join(repr(i) for i in INITS)} or weight_std")
    return Law(init, None if weight_std is None else _std(weight_std, "weight_std"), _std(bias_std, "bias_std"))


def _std(value: Any, what: str) -> float:
    number = real_number(value, what)
    if not 0.0 < number < math.inf:
        raise InputError(f"{what} must be positive and finite, got {shown(value)}")
    return number


def _samples(samples: Any, formula_samples: Any) -> tuple[int, int]:
    drawn = whole_number(samples, "samples", most=MOST_SAMPLES)
    other = 4 * drawn if formula_samples is None else whole_number(formula_samples, "formula_samples")
    if min(drawn, other) < 2:
        raise InputError("samples: a standard error needs at least 2 networks, got 1; give 100 or more")
    return drawn, other


def _seed(seed: Any) -> int:
    return 0 if seed == 0 else whole_number(seed, "seed")

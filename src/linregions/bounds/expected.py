"""Expected numbers of regions of random ReLU networks: bounds on averages, and the closed form of one layer.

These speak of an average over random weights and biases, so they never certify a network: `Expected.proven` is False.
The Monte-Carlo estimates of the formulas behind them are in `linregions.expectation`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from ..checks import real_number, shown, whole_number
from ..domain import Box, Domain, Plane, Segment
from .architecture import MOST_UNITS
from .bound import CONJECTURED, DERIVED, EXPECTED, PUBLISHED, log10, require, short

ICML_2019 = "Hanin, Rolnick 2019 (ICML), Complexity of Linear Regions in Deep Networks"
NEURIPS_2019 = "Hanin, Rolnick 2019 (NeurIPS), Deep ReLU Networks Have Surprisingly Few Activation Patterns"
TIWARI = "Tiwari, Konidaris 2022, Effects of Data Geometry in Early Deep Learning"

# No function: the constant is not given.
DISTANCE_BOUND = "E[dist(x, B)] >= const / (C_grad C_bias C_manifold N), C_manifold = 1 for all of the input space"

GAUSSIAN = (
    "ReLU units, fully connected",
    "weights and biases independent and Gaussian with mean 0",
    "the expectation is over the weights and biases",
)
CONSTANTS = (
    "biases with a density, independent of each other and of the weights",
    "C_bias: the joint density of any k biases is at most C_bias^k",
    "C_grad: E[|grad z(x)|^k] is at most C_grad^k for every unit z and input x",
)


@dataclass(frozen=True)
class Expected:
    """An expected number, or a bound on one, with its assumptions.

    `value` is a float, and where it is beyond float64 the integer above it.  `relation` is "=" (the expectation is the
    value), "<=" or "~" (of that order); `quantity` says what is counted or measured.  The other fields are those of a
    `Bound`.
    """

    name: str
    value: float | int
    quantity: str
    relation: str
    definition: str
    status: str
    formula: str
    reference: str
    assumptions: tuple[str, ...]
    conditions: tuple[str, ...] = ()

    direction = EXPECTED
    proven = False  # an average certifies no network

    @property
    def log10(self) -> float:
        """Decimal logarithm of the value."""
        return log10(self.value)

    def __float__(self) -> float:
        return float(self.value)

    def __str__(self) -> str:
        mark = " (conjectured, proves nothing)" if self.status == CONJECTURED else ""
        value = f"{self.value:,.6g}" if isinstance(self.value, float) and self.value < 1e6 else short(self.value)
        return f"{self.name}: E[{self.quantity}] {self.relation} {value}{mark}"

    def as_dict(self) -> dict[str, Any]:
        """The record as plain JSON types."""
        return {
            "name": self.name,
            "value": self.value,
            "log10": self.log10,
            "quantity": self.quantity,
            "relation": self.relation,
            "direction": self.direction,
            "definition": self.definition,
            "status": self.status,
            "proven": self.proven,
            "formula": self.formula,
            "reference": self.reference,
            "conditions": list(self.conditions),
            "assumptions": list(self.assumptions),
        }


def hanin_rolnick(
    units: int, codimension: int, *, volume: float, c_grad: float, c_bias: float, c_manifold: float = 1.0
) -> Expected:
    """Upper bound on the expected volume of the part of the region boundaries that has a given codimension.

        E[vol_{n0-k}(B_k in K)] <= C(N, k) (2 C_grad C_bias C_manifold)^k vol(K)

    B_k is where k units change their piece at once; k = n0 gives the expected number of vertices.  On a manifold in
    the input space, vol is that of the manifold and C_manifold^k bounds the norms of the projections to its tangent
    spaces.

    Args:
        units: N, the number of hidden units.
        codimension: k >= 1.
        volume: vol(K).
        c_grad: bound on the gradients of the units.
        c_bias: bound on the bias density; `gaussian_density(bias_std)` for Gaussian biases.
        c_manifold: 1 for all of the input space.

    Returns:
        An `Expected` with relation "<=".

    Raises:
        InputError: a number is not positive.

    Reference:
        Hanin, Rolnick 2019 (1901.09021), as quoted by Tiwari and Konidaris; the manifold factor is theirs.

    Example:
        >>> print(hanin_rolnick(10, 2, volume=4.0, c_grad=1.0, c_bias=0.5))
        hanin_rolnick: E[vol of B_2] <= 180
    """
    n, k = _units(units), whole_number(codimension, "codimension", most=MOST_UNITS)
    factors = [_positive(v, w) for v, w in ((c_grad, "c_grad"), (c_bias, "c_bias"), (c_manifold, "c_manifold"))]
    size = _positive(volume, "volume")
    manifold = c_manifold != 1.0
    return Expected(
        name="hanin_rolnick",
        value=_number(math.comb(n, k) * (2 * math.prod(factors)) ** k * size),
        quantity=f"vol of B_{k}",
        relation="<=",
        definition="activation",
        status=PUBLISHED,
        formula="C(N, k) (2 C_grad C_bias)^k vol(K)" if not manifold else "C(N, k) (2 C_grad C_bias C_M)^k vol(K)",
        reference=f"{TIWARI}; after {ICML_2019}" if manifold else f"{ICML_2019}; as quoted by {TIWARI}",
        assumptions=CONSTANTS + (("C_M: norms of the projections to the tangent spaces",) if manifold else ()),
    )


def heuristic_density(units: int, inputs: int) -> Expected:
    """The expected number of regions in a unit volume with every constant set to 1: `N^n0 / n0!`, an order of size.

    Args:
        units: N, the number of hidden units.
        inputs: n0.

    Returns:
        An `Expected` with relation "~" and status "conjectured".

    Raises:
        InputError: a number is no positive whole number.

    Reference:
        After Hanin, Rolnick 2019 (1906.00904), whose bound is free of the depth.

    Example:
        >>> print(heuristic_density(20, 2))
        heuristic_density: E[activation regions per unit volume] ~ 200 (conjectured, proves nothing)
    """
    n, dim = _units(units), _inputs(inputs)
    return Expected(
        name="heuristic_density",
        value=_number(Fraction(n**dim, math.factorial(dim))),
        quantity="activation regions per unit volume",
        relation="~",
        definition="activation",
        status=CONJECTURED,
        formula="N^n0 / n0!",
        reference=NEURIPS_2019,
        assumptions=("every constant is 1: an order of size, no bound",),
    )


def hanin_rolnick_density(units: int, inputs: int, *, c_grad: float, c_bias: float) -> Expected:
    """Upper bound on the expected number of regions in a large cube, divided by the cube's volume; conjectured.

        (T N)^n0 / n0!  if N >= n0,  else 2^N,      T = 2^5 C_grad C_bias

    The constant and the threshold of the side length were not verified against the paper.

    Args:
        units: N, the number of hidden units.
        inputs: n0.
        c_grad: bound on the gradients of the units.
        c_bias: bound on the bias density.

    Returns:
        An `Expected` with relation "<=" and status "conjectured".

    Raises:
        InputError: a number is not positive.

    Reference:
        Hanin, Rolnick 2019 (1906.00904), in the form of the code of Tseran and Montúfar 2021.

    Example:
        >>> hanin_rolnick_density(20, 2, c_grad=1, c_bias=1).value
        204800.0
    """
    n, dim = _units(units), _inputs(inputs)
    t = 32 * _positive(c_grad, "c_grad") * _positive(c_bias, "c_bias")
    return Expected(
        name="hanin_rolnick_density",
        value=_number((t * n) ** dim / math.factorial(dim) if n >= dim else Fraction(2**n)),
        quantity="activation regions per unit volume",
        relation="<=",
        definition="activation",
        status=CONJECTURED,
        formula="(T N)^n0 / n0! if N >= n0, else 2^N; T = 2^5 C_grad C_bias",
        reference=NEURIPS_2019,
        assumptions=CONSTANTS,
        conditions=("a cube whose side is above a threshold that the source does not give",),
    )


def gaussian_density(std: float) -> float:
    """The largest density of a Gaussian: C_bias of biases N(0, std^2).

    Example:
        >>> round(gaussian_density(0.5), 4)
        0.7979
    """
    return 1.0 / (math.sqrt(2.0 * math.pi) * float(_positive(std, "std")))


def one_layer_line(units: int, half_length: float, *, weight_std: float, bias_std: float) -> Expected:
    """Expected number of regions of one layer with one input on [-t, t], Gaussian weights and biases.

        1 + N (2/pi) atan(t s_w / s_b)

    Derived: the breakpoint -b/w of a unit is Cauchy with scale s_b / s_w.

    Args:
        units: N.
        half_length: t.
        weight_std: s_w.
        bias_std: s_b.

    Returns:
        An `Expected` with relation "=".

    Raises:
        InputError: a number is not positive.

    Example:
        >>> print(one_layer_line(50, 2.0, weight_std=1.0, bias_std=0.7))
        one_layer_line: E[activation regions] = 40.2833
    """
    n, t = _units(units), _positive(half_length, "half_length")
    s_w, s_b = _positive(weight_std, "weight_std"), _positive(bias_std, "bias_std")
    value = 1.0 + n * 2.0 / math.pi * math.atan(t * s_w / s_b)
    return _closed("one_layer_line", value, "activation regions", "1 + N (2/pi) atan(t s_w / s_b)")


def one_layer(units: int, domain: Domain, *, weight_std: float, bias_std: float) -> Expected:
    """Expected number of regions of one layer on a segment or a convex polygon, Gaussian weights and biases.

        on a segment from p to q:   1 + N angle(p, q) / pi
        on a convex polygon K:      1 + N sum over edges angle(p, q) / (2 pi) + C(N, 2) Omega(K) / (2 pi)

    where an angle, and the solid angle Omega, are those of the points lifted to (s_w x, s_b).  Derived: the vector
    (w/s_w, b/s_b) has a uniform direction, so a unit separates p and q with probability angle/pi, and the common zero
    of two units has a uniform direction too; a polygon cut into cells by V crossings inside and E ends on its edges
    has 1 + V + E/2 cells, by Euler's formula.

    Args:
        units: N.
        domain: a `Segment`, a `Plane`, or a `Box` of dimension 1 or 2.
        weight_std: s_w.
        bias_std: s_b.

    Returns:
        An `Expected` with relation "=".

    Raises:
        ConditionError: the domain is of another kind.
        InputError: a number is not positive.

    Example:
        >>> one_layer(8, Box.cube(-1, 1, 2), weight_std=1.0, bias_std=1.0).value  # doctest: +ELLIPSIS
        16.602...
    """
    n = _units(units)
    lifted = _lifted(domain, weight_std, bias_std, "one_layer")
    if len(lifted) == 2:
        value, formula = 1.0 + n * _angle(*lifted) / math.pi, "1 + N angle / pi"
    else:
        around = sum(_angle(p, q) for p, q in zip(lifted, np.roll(lifted, -1, axis=0), strict=True))
        value = 1.0 + (n * around + math.comb(n, 2) * _solid_angle(lifted)) / (2.0 * math.pi)
        formula = "1 + (N sum of edge angles + C(N, 2) solid angle) / (2 pi)"
    return _closed("one_layer", value, "activation regions", formula)


def one_layer_vertices(units: int, domain: Domain, *, weight_std: float, bias_std: float) -> Expected:
    """Expected number of vertices inside a convex polygon, one layer: `C(N, 2) Omega(K) / (2 pi)`; see `one_layer`.

    Example:
        >>> one_layer_vertices(8, Box.cube(-1, 1, 2), weight_std=1.0, bias_std=1.0).value  # doctest: +ELLIPSIS
        9.333...
    """
    n = _units(units)
    lifted = _lifted(domain, weight_std, bias_std, "one_layer_vertices")
    require(len(lifted) > 2, f"one_layer_vertices: needs a polygon, got {domain!r}; on a line use one_layer")
    value = math.comb(n, 2) * _solid_angle(lifted) / (2.0 * math.pi)
    return _closed("one_layer_vertices", value, "vertices", "C(N, 2) solid angle / (2 pi)")


def outline(domain: Any) -> np.ndarray | None:
    """The corners of a bounded domain of dimension 1 or 2 in its coordinates, in order; None for any other."""
    if isinstance(domain, Segment):
        return np.array([[0.0], [1.0]])
    if isinstance(domain, Plane):
        return np.array(domain.region)
    if isinstance(domain, Box) and domain.dim == 1:
        return np.array([domain.lower, domain.upper])
    if isinstance(domain, Box) and domain.dim == 2:
        (a, b), (c, d) = domain.lower, domain.upper
        return np.array([[a, b], [c, b], [c, d], [a, d]])
    return None


def _lifted(domain: Any, weight_std: Any, bias_std: Any, name: str) -> np.ndarray:
    corners = outline(domain)
    require(corners is not None, f"{name}: needs a Segment, a Plane or a Box of dimension 1 or 2, got {shown(domain)}")
    s_w, s_b = _positive(weight_std, "weight_std"), _positive(bias_std, "bias_std")
    points = float(s_w) * domain.inputs(corners)
    lifted = np.column_stack([points, np.full(len(points), float(s_b))])
    return lifted / np.linalg.norm(lifted, axis=1, keepdims=True)


def _angle(u: np.ndarray, v: np.ndarray) -> float:
    """Angle between unit vectors; this form loses no digits at small angles."""
    return 2.0 * math.atan2(float(np.linalg.norm(u - v)), float(np.linalg.norm(u + v)))


def _solid_angle(corners: np.ndarray) -> float:
    """Solid angle of the cone over a convex polygon with these unit vectors (van Oosterom and Strackee's formula)."""
    total = 0.0
    for u, v, w in zip(corners[:1].repeat(len(corners) - 2, axis=0), corners[1:], corners[2:], strict=False):
        # The volume spanned by three vectors, whatever space they are in.
        volume = abs(np.prod(np.diag(np.linalg.qr(np.array([u, v, w]).T, mode="r"))))
        total += 2.0 * math.atan2(float(volume), float(1.0 + u @ v + v @ w + u @ w))
    return total


def _closed(name: str, value: float, quantity: str, formula: str) -> Expected:
    reference = "derived in the docstring"
    return Expected(name, value, quantity, "=", "activation", DERIVED, formula, reference, GAUSSIAN)


def _units(value: Any) -> int:
    return whole_number(value, "units", most=MOST_UNITS)


def _inputs(value: Any) -> int:
    return whole_number(value, "inputs", most=MOST_UNITS)


def _positive(value: Any, what: str) -> Fraction:
    """A positive finite number, exactly, so that long powers do not overflow."""
    number = real_number(value, what)
    require(0 < number < math.inf, f"{what} must be positive and finite, got {shown(value)}")
    return Fraction(number)


def _number(value: Fraction) -> float | int:
    try:
        return float(value)
    except OverflowError:
        return math.ceil(value)

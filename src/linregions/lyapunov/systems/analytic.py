"""Families whose truth is known by a one-line computation, with a sharp threshold."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from ...checks import whole_number
from ...domain import Box
from .record import System, number, positive, text

OURS = "one-line computation, derived for this project"


def decay(n: int = 2) -> System:
    """`x_i' = -x_i`: the 1-norm decreases as fast as it is large."""
    n = whole_number(n, "n")
    return System(
        name="decay",
        row="S1",
        dim=n,
        given=[f"-x{i}" for i in range(1, n + 1)],
        domains=(Box.cube(-3, 3, n),),
        source="the L1 benchmark of HyParLyVe (Wayment et al. 2026)",
        facts=("The 1-norm is a strict Lyapunov function: Vdot = -V, 2^n cones (derived).",),
    )


def cubic_decay(n: int = 2) -> System:
    """`x_i' = -x_i + x_i^3`: stable for `|x_i| < 1` only."""
    n = whole_number(n, "n")
    return System(
        name="cubic-decay",
        row="S2",
        dim=n,
        given=[f"-x{i} + x{i}^3" for i in range(1, n + 1)],
        domains=(Box.cube(-0.5, 0.5, n),),
        source=OURS,
        facts=(
            "The 1-norm on [-r, r]^n is a strict Lyapunov function if and only if r < 1; r = 1 is marginal (derived).",
            "The region of attraction of 0 is the open box (-1, 1)^n (derived).",
        ),
    )


def focus(s: Any = "0.1", w: Any = 1) -> System:
    """`x' = [[-s, w], [-w, -s]] x`: a spiral, decay rate s and frequency w."""
    s, w = positive(s, "s"), positive(w, "w")
    return System(
        name="focus",
        row="S3",
        dim=2,
        given=[f"-{text(s)}*x1 + {text(w)}*x2", f"-{text(w)}*x1 - {text(s)}*x2"],
        domains=(Box.cube(-1, 1, 2),),
        source=OURS,
        facts=(
            "The gauge of the regular N-gon is strict if and only if tan(pi / N) < s / w (derived).",
            "No piecewise-linear function with at most pi / atan(s / w) pieces at 0 is one (derived).",
        ),
    )


def rotation(rho: Any = "0.9", sides: int = 8) -> System:
    """`x+ = rho R(theta) x`, a rotation by `pi / sides`, the four numbers rounded to multiples of 2^-40."""
    rho, sides = positive(rho, "rho"), whole_number(sides, "sides", least=3)
    # Floats, so that V(f(x)) is a network with float64 weights.
    angle = math.pi / sides
    c, s = (Fraction(round(float(rho) * v * 2**40), 2**40) for v in (math.cos(angle), math.sin(angle)))
    return System(
        name="rotation",
        row="S4",
        dim=2,
        given=[f"{text(c)}*x1 - {text(s)}*x2", f"{text(s)}*x1 + {text(c)}*x2"],
        domains=(Box.cube(-1, 1, 2),),
        source=OURS,
        facts=(
            "With the gauge of the regular N-gon, N = sides: V(x+) <= rho / cos(pi / N) V(x), attained; "
            "so it decreases if and only if rho < cos(pi / N) (derived; the rounding moves it by 2^-40).",
        ),
        time="discrete",
    )


def ring(n: int = 3) -> System:
    """`x_i' = -x_i + x_i x_(i+1) - x_(i-1)^2`, indices modulo n."""
    n = whole_number(n, "n", least=2)
    lines = [f"-x{i} + x{i}*x{i % n + 1} - x{(i - 2) % n + 1}^2" for i in range(1, n + 1)]
    return System(
        name="ring",
        row="S5, B11",
        dim=n,
        given=lines,
        domains=(Box.cube(-0.5, 0.5, n), Box.cube(-1, 1, n)),
        source=OURS,
        facts=(
            "The squared 2-norm decreases globally: Vdot = -2 V (derived).",
            "The 1-norm on [-r, r]^n is a strict Lyapunov function if and only if r < 1 (derived).",
            "Zonotopes on the hyperplanes of B_n, n = 5 and 6: valid for r = 1, invalid for r = 1.5 (sampled).",
        ),
    )


def bil() -> System:
    """`x1' = -x1 + x1 x2`, `x2' = -x2 - x1^2`."""
    return System(
        name="bil",
        row="S7, B1",
        dim=2,
        given=["-x1 + x1*x2", "-x2 - x1^2"],
        domains=(Box.cube(-2, 2, 2), Box.cube(-0.5, 0.5, 2)),
        source="a benchmark of HyParLyVe (Wayment et al. 2026)",
        facts=(
            "The squared 2-norm decreases globally: Vdot = -2 V (derived).",
            "The 1-norm and the maximum norm on [-r, r]^2 are strict if and only if r < 1 (derived).",
            "Zonotopes of K even directions on [-2, 2]^2: K = 3 invalid, K = 4 and K = 8 valid (sampled).",
        ),
    )


def cbil(e: Any = "0.1") -> System:
    """Two copies of `bil`, coupled by e: `x2' = -x2 - x1^2 + e x3`, `x4' = -x4 - x3^2 + e x1`."""
    e = text(number(e, "e"))
    return System(
        name="cbil",
        row="S6, B10",
        dim=4,
        given=["-x1 + x1*x2", f"-x2 - x1^2 + {e}*x3", "-x3 + x3*x4", f"-x4 - x3^2 + {e}*x1"],
        domains=(Box.cube(-2, 2, 4), Box.cube(-0.5, 0.5, 4)),
        source="a benchmark of HyParLyVe (Wayment et al. 2026)",
        facts=(
            "The squared 2-norm decreases globally for e < 2: Vdot <= -(2 - e) V (derived).",
            "The 1-norm on [-r, r]^4 is a strict Lyapunov function if and only if r < 1 - e (derived).",
            "The zonotope on the hyperplanes of B_4: valid for r = 1, invalid for r = 1.5 (sampled).",
        ),
    )


def flower() -> System:
    """Two linear modes whose level sets are not convex: `|x1| >= |x2|` and the rest; f jumps between them."""
    tenth = Fraction(1, 10)
    first, second = [[-tenth, 5], [-1, -tenth]], [[-tenth, 1], [-5, -tenth]]
    # A mode is H x <= h; |x1| >= |x2| is two cones, right and left.
    right, left = [[-1, 1], [-1, -1]], [[1, 1], [1, -1]]
    up, down = [[1, -1], [-1, -1]], [[1, 1], [-1, 1]]
    modes = [(A, [0, 0], H, [0, 0]) for A, H in ((first, right), (second, up), (first, left), (second, down))]
    return System(
        name="flower",
        row="S8",
        dim=2,
        given=modes,
        domains=(Box.cube(-1, 1, 2),),
        source="the flower system of the piecewise quadratic literature (Johansson, Rantzer 1998)",
        facts=(
            "W = x1^2 + 5 x2^2 where |x1| >= |x2|, else 5 x1^2 + x2^2, is continuous with Wdot = -0.2 W (derived).",
            "Interpolation of sqrt W on N even rays from 45 degrees: N = 128 invalid, N = 160 and 256 valid "
            "(computed on the rays).",
        ),
    )


def linear_discrete() -> System:
    """`x+ = (x1 / 2 - x2 / 2, x1 / 2)`: eigenvalues of modulus 1 / sqrt 2, induced norms 1."""
    return System(
        name="linear-discrete",
        row="S9",
        dim=2,
        given=["0.5*x1 - 0.5*x2", "0.5*x1"],
        domains=(Box.cube(-1, 1, 2),),
        source="LinearDiscrete of FOSSIL (Edwards, Peruffo, Abate)",
        facts=(
            "The 1-norm and the maximum norm are marginal: both induced norms are 1, attained at (1, 0) and (1, -1) "
            "(derived).",
        ),
        time="discrete",
    )


def poly2() -> System:
    """`x1' = -x1^3 + x2`, `x2' = -x1 - x2`."""
    return System(
        name="poly2",
        row="S10",
        dim=2,
        given=["-x1^3 + x2", "-x1 - x2"],
        domains=(Box.cube(-1, 1, 2),),
        source="Poly2 of FOSSIL (Edwards, Peruffo, Abate)",
        facts=("|x|^2 / 2 decreases globally: Vdot = -x1^4 - x2^2, of fourth order along the first axis (derived).",),
    )


def nonpoly0() -> System:
    """`x1' = -x1 + x1 x2`, `x2' = -x2`."""
    return System(
        name="nonpoly0",
        row="S10",
        dim=2,
        given=["-x1 + x1*x2", "-x2"],
        domains=(Box.cube(-0.5, 0.5, 2),),
        source="NonPoly0 of FOSSIL (Edwards, Peruffo, Abate)",
        facts=("The 1-norm on [-r, r]^2 is a strict Lyapunov function if and only if r < 2 (derived).",),
    )


def cube() -> System:
    """`x' = -x^3`: no linear part, so the blow-up at 0 divides by the third power."""
    return System(
        name="cube",
        row="S10",
        dim=1,
        given=["-x1^3"],
        domains=(Box([-1], [1]),),
        source=OURS,
        facts=("|x| is a strict Lyapunov function: Vdot = -|x|^3 (derived).",),
    )

"""Systems of the literature, with what their sources and our own sampling say."""

from __future__ import annotations

import math
from typing import Any

from ...domain import Box
from .record import System, number, positive, text


def duffing() -> System:
    """`x1' = x2`, `x2' = -x2 - x1 - x1^3`."""
    return System(
        name="duffing",
        row="B2",
        dim=2,
        given=["x2", "-x2 - x1 - x1^3"],
        domains=(Box.cube(-2, 2, 2), Box.cube(-3, 3, 2)),
        source="a benchmark of HyParLyVe (Wayment et al. 2026)",
        facts=(
            "x2^2/2 + x1^2/2 + x1^4/4 + e (x1 x2 + x1^2/2) is strict on the whole plane for 0 < e < 1 (derived).",
            "x'Px with P = [[1.5, .5], [.5, 1]] is none on [-2, 2]^2: it increases at (2, -2) (derived).",
            "Zonotopes of that P: valid on [-1, 1]^2 for K >= 6, K = 6 invalid on [-2, 2]^2 (sampled).",
        ),
    )


def pendulum(g: Any = "9.81", length: Any = 1, mass: Any = 1, friction: Any = "0.5") -> System:
    """`x1' = x2`, `x2' = -(g / length) sin x1 - (friction / mass) x2`."""
    ratio = positive(g, "g") / positive(length, "length")
    damping = number(friction, "friction") / positive(mass, "mass")
    width, height = math.pi / 4, math.sqrt(ratio)
    small = Box([-width / 50, -height / 50], [width / 50, height / 50])
    return System(
        name="pendulum",
        row="B3",
        dim=2,
        given=["x2", f"-{text(ratio)}*sin(x1) - {text(damping)}*x2"],
        domains=(Box([-width, -height], [width, height]), small),
        source="a benchmark of HyParLyVe (Wayment et al. 2026)",
        facts=(
            "Modal zonotopes: K = 19 invalid even locally, K = 20 valid on 2 % of the box, K = 48 invalid and K = 64 "
            "valid on the whole box (sampled; the local part is derived).",
        ),
    )


def vanderpol(mu: Any = 1) -> System:
    """The Van der Pol oscillator in reversed time, `x1' = -x2`, `x2' = x1 - mu (1 - x1^2) x2`."""
    rate = positive(mu, "mu")
    facts = ("Inside the limit cycle every trajectory goes to 0, so no function serves on [-3, 3]^2 (derived).",)
    if rate == 1:
        facts += (
            "x'Px with P = [[1.5, -.5], [-.5, 1]]: the level 2.30415 was certified by LyZNet (HSCC 2024).",
            "Modal zonotopes: valid on [-.5, .5]^2 for K >= 5, on [-.9, .9]^2 for K >= 24, not on [-1, 1]^2 (sampled).",
        )
    if rate == 3:
        facts += ("The quadratic level 1.25812 was certified by LyZNet (HSCC 2024).",)
    return System(
        name="vanderpol",
        row="B4, B5",
        dim=2,
        given=["-x2", f"x1 - {text(rate)}*(1 - x1^2)*x2"],
        domains=(Box.cube(-0.5, 0.5, 2), Box.cube(-0.9, 0.9, 2)),
        source="Van der Pol 1926; LyZNet (Liu, Meng, Fitzsimmons, Zhou 2024)",
        facts=facts,
    )


def two_machine() -> System:
    """`x1' = x2`, `x2' = -x2 / 2 - (sin(x1 + pi/3) - sin(pi/3))`."""
    return System(
        name="two-machine",
        row="B6",
        dim=2,
        given=["x2", "-0.5*x2 - (sin(x1 + pi/3) - sin(pi/3))"],
        domains=(Box([-2, -3], [3, 1.5]), Box.cube(-0.5, 0.5, 2)),
        source="two-machine power system; LyZNet (Liu, Meng, Fitzsimmons, Zhou 2024)",
        facts=("A neural function covers 82.3 % of the region of attraction, a quadratic one 18.5 % (published).",),
    )


def inverted_pendulum(open_loop: bool = False) -> System:
    """`x1' = x2`, `x2' = (m g l sin x1 - b x2 + u) / (m l^2)` with the published feedback, or with input u."""
    if open_loop:
        lines = ["x2", "(0.15*9.81*0.5*sin(x1) - 0.1*x2 + u1) / (0.15*0.5^2)"]
    else:
        lines = ["x2", "(0.15*9.81*0.5*sin(x1) - 0.1*x2 - 23.586*x1 - 5.314*x2) / (0.15*0.5^2)"]
    return System(
        name="inverted-pendulum",
        row="B7",
        dim=2,
        given=lines,
        domains=(Box.cube(-0.5, 0.5, 2), Box.cube(-6, 6, 2)),
        source="Chang, Roohi, Gao 2019, Neural Lyapunov Control",
        facts=("The closed loop is stiff: eigenvalues about -4.35 and -140 (computed).",),
        inputs=int(bool(open_loop)),
    )


def lyznet_pendulum() -> System:
    """`x1' = x2`, `x2' = sin x1 - x2 - 4.4142 x1 - 2.3163 x2`."""
    return System(
        name="lyznet-pendulum",
        row="B7",
        dim=2,
        given=["x2", "sin(x1) - x2 - 4.4142*x1 - 2.3163*x2"],
        domains=(Box([-4, -10], [4, 10]), Box.cube(-1, 1, 2)),
        source="LyZNet (Liu, Meng, Fitzsimmons, Zhou 2024)",
    )


def nonpoly2() -> System:
    """`x1' = -x1`, `x2' = -2 x2 + 0.1 x1 x2^2 + x3`, `x3' = -x3 - 1.5 x2`."""
    return System(
        name="nonpoly2",
        row="B8",
        dim=3,
        given=["-x1", "-2*x2 + 0.1*x1*x2^2 + x3", "-x3 - 1.5*x2"],
        domains=(Box.cube(-1, 1, 3),),
        source="NonPoly2 of FOSSIL (Edwards, Peruffo, Abate)",
        facts=("FOSSIL 2.0 needs 0.45 s in the mean on 0.01 <= |x| <= 3 (published).",),
    )


def poly1() -> System:
    """`x1' = -x1^3 - x1 x3^2`, `x2' = -x2 - x1^2 x2`, `x3' = -4 x3 + 3 x1^2 x3`."""
    return System(
        name="poly1",
        row="B8",
        dim=3,
        given=["-x1^3 - x1*x3^2", "-x2 - x1^2*x2", "-4*x3 + 3*x1^2*x3"],
        domains=(Box.cube(-1, 1, 3),),
        source="Poly1 of FOSSIL (Edwards, Peruffo, Abate); Sankaranarayanan, Chen, Abraham 2013",
        facts=("The 1-norm is strict on [-1, 1]^3: no state drives another, and each decays there (derived).",),
    )


def sriram4() -> System:
    """`x1' = -x1 + x2^3 - 3 x3 x4`, `x2' = -x1 - x2^3`, `x3' = x1 x4 - x3`, `x4' = x1 x3 - x4^3`."""
    return System(
        name="sriram4",
        row="B8",
        dim=4,
        given=["-x1 + x2^3 - 3*x3*x4", "-x1 - x2^3", "x1*x4 - x3", "x1*x3 - x4^3"],
        domains=(Box.cube(-1, 1, 4),),
        source="Sankaranarayanan, Chen, Abraham 2013; Sriram4D of FOSSIL",
    )


def she6() -> System:
    """A polynomial system with six states, of degree 4."""
    return System(
        name="she6",
        row="B8",
        dim=6,
        given=[
            "x2*x4 - x1^3",
            "-3*x1*x4 - x2^3",
            "-x3 - 3*x1*x4^3",
            "-x4 + x1*x3",
            "-x5 + x6^3",
            "-x5 - x6 + x3^4",
        ],
        domains=(Box.cube(-1, 1, 6),),
        source="SheModel of FOSSIL (Edwards, Peruffo, Abate)",
        facts=("Certified by sums of squares in its source (unverified).",),
    )


def papachristodoulou6() -> System:
    """A cubic system with six states."""
    return System(
        name="papachristodoulou6",
        row="B8",
        dim=6,
        given=[
            "-x1^3 + 4*x2^3 - 6*x3*x4",
            "-x1 - x2 + x5^3",
            "x1*x4 - x3 + x4*x6",
            "x1*x3 + x3*x6 - x4^3",
            "-2*x2^3 - x5 + x6",
            "-3*x3*x4 - x5^3 - x6",
        ],
        domains=(Box.cube(-1, 1, 6),),
        source="Papachristodoulou, Prajna 2002; PapaPrajna6 of FOSSIL",
        facts=("Certified by sums of squares in its source (unverified).",),
    )


def coupled10() -> System:
    """Five pairs of spirals with weak quadratic coupling, ten states."""
    return System(
        name="coupled10",
        row="B9",
        dim=10,
        given=[
            "-x1 + 0.5*x2 - 0.1*x9^2",
            "-0.5*x1 - x2",
            "-x3 + 0.5*x4 - 0.1*x1^2",
            "-0.5*x3 - x4",
            "-x5 + 0.5*x6 + 0.1*x7^2",
            "-0.5*x5 - x6",
            "-x7 + 0.5*x8",
            "-0.5*x7 - x8",
            "-x9 + 0.5*x10",
            "-0.5*x9 - x10 + 0.1*x2^2",
        ],
        domains=(Box.cube(-1, 1, 10),),
        source="LyZNet (Liu, Meng, Fitzsimmons, Zhou 2024), example 4",
        facts=(
            "The 1-norm decreases strictly on [-1, 1]^10: Vdot <= -0.5 V + 0.1 (x1^2 + x2^2 + x7^2 + x9^2) (derived).",
        ),
    )

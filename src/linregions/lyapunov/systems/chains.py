"""Linear chains of any length, and a saturated loop: linear and piecewise-affine systems with exact truth."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ...activations import IDENTITY, RELU, UnitActivations
from ...checks import shown, whole_number
from ...domain import Box
from ...errors import InputError
from ...network import Network
from ...stage import Stage
from .record import System

# The three chains of the literature: x_n' = -(c_1 x_1 + ... + c_n x_n).
HIGH_ORDER = {
    4: (576, 2400, 4180, 3980),
    6: (576, 2400, 4180, 3980, 2273, 800),
    8: (576, 2400, 4180, 3980, 2273, 800, 170, 20),
}


def chain(roots: Any = (-1, -2, -3)) -> System:
    """`x_i' = x_(i+1)`, the last one such that the characteristic roots are the given whole negative numbers."""
    if isinstance(roots, str | bytes) or not isinstance(roots, Iterable):
        raise InputError(f"roots must be a sequence of whole negative numbers, got {shown(roots)}")
    numbers = [-whole_number(-r if isinstance(r, int) else r, "roots: minus each root") for r in roots]
    if not numbers:
        raise InputError("roots: at least one root is needed, got none")
    coefficients = [1]
    for r in numbers:
        coefficients = [a - r * b for a, b in zip([0, *coefficients], [*coefficients, 0], strict=True)]
    return _chain(
        "chain",
        coefficients[:-1],
        "companion form",
        ("chain_norm(roots) is a strict Lyapunov function, in any dimension (derived).",),
    )


def high_order(n: int = 8) -> System:
    """The chain of order 4, 6 or 8 of the barrier literature."""
    n = whole_number(n, "n")
    if n not in HIGH_ORDER:
        raise InputError(f"n must be 4, 6 or 8, got {n}; chain(roots) makes chains of any order")
    facts = {
        8: "The characteristic roots are -1, -2, -3, -4, each twice (computed), so the matrix has no eigenbasis.",
    }
    source = "hi-ord chains of FOSSIL (Edwards, Peruffo, Abate)"
    return _chain("high-order", HIGH_ORDER[n], source, (facts[n],) if n in facts else ())


def _chain(name: str, coefficients: Iterable[int], source: str, facts: tuple[str, ...]) -> System:
    terms = [f"{c}*x{k}" for k, c in enumerate(coefficients, start=1) if c]
    n = len(list(coefficients))
    lines = [f"x{k + 1}" for k in range(1, n)] + ["-" + " - ".join(terms)]
    return System(name=name, row="B12", dim=n, given=lines, domains=(Box.cube(-1, 1, n),), source=source, facts=facts)


def saturated_feedback(gain: Any, *, limit: float = 1.0) -> Network:
    """The controller `u = clip(K x, -limit, limit)` as two ReLUs an input.

    `clip(z) = relu(z + limit) - relu(z - limit) - limit`.

    Args:
        gain: (m, n) matrix K.
        limit: the bound, positive.

    Returns:
        A network with n inputs and m outputs, 0 at 0.

    Raises:
        InputError: K is no matrix.

    Example:
        >>> saturated_feedback([[2.0, 0.0]])([[0.25, 0.0], [3.0, 0.0]]).ravel()
        array([0.5, 1. ])
    """
    K = np.atleast_2d(np.asarray(gain, dtype=np.float64))
    m = len(K)
    eye = np.eye(m)
    hidden = (np.concatenate([K, K]), np.concatenate([np.full(m, limit), np.full(m, -limit)]))
    return Network.from_arrays([hidden, (np.concatenate([eye, -eye], axis=1), np.full(m, -limit))], source="clip(K x)")


def saturated_integrator(open_loop: bool = False) -> System:
    """`x+ = [[1, 1], [0, 1]] x + [1/2, 1] u` with `u = clip(K x, -1, 1)`, K the linear-quadratic gain.

    The closed loop is a network; with `open_loop` the input u is left free for a controller.
    """
    facts = (
        "Where |K x| <= 1 the loop is linear and stable; x'Px of its Lyapunov equation decreases there (computed).",
        "K is the gain for Q = I, R = 1, rounded to four decimals.",
    )
    return System(
        name="saturated-integrator",
        row="B13",
        dim=2,
        given=["x1 + x2 + 0.5*u1", "x2 + u1"] if open_loop else _saturated_loop(),
        domains=(Box.cube(-0.5, 0.5, 2), Box.cube(-4, 4, 2)),
        source="double integrator with saturation, a standard example of model predictive control",
        facts=facts,
        time="discrete",
        inputs=int(bool(open_loop)),
    )


# The gain for Q = I and R = 1: minus the solution of the Riccati equation, to four decimals.
GAIN = (-0.4345, -1.0285)


def _saturated_loop() -> Network:
    rows = np.array([[1.0, 0.0], [0.0, 1.0], GAIN, GAIN])
    kinds = UnitActivations.of([IDENTITY, IDENTITY, RELU, RELU])
    hidden = Stage(rows, np.array([0.0, 0.0, 1.0, -1.0]), kinds, name="1")
    out = np.array([[1.0, 1.0, 0.5, -0.5], [0.0, 1.0, 1.0, -1.0]])
    last = Stage(out, np.array([-0.5, -1.0]), UnitActivations.uniform(IDENTITY, 2), name="2")
    return Network((hidden, last), source="saturated double integrator")

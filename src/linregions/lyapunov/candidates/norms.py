"""Norms as candidates: the 1-norm, the maximum norm, and the 1-norm in other coordinates."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...checks import whole_number
from ...errors import InputError
from ...exact import fractions, inverse
from ...network import Network
from .forms import maximum_of_forms, square, sum_of_forms

# Every integer up to here is a float64.
WHOLE = 2**53


def one_norm(dim: int, *, activation: str = "relu") -> Network:
    """The 1-norm `V(x) = sum_i |x_i|`: 2^n cones, and 2n ReLUs (or n units of absolute value).

    Args:
        dim: number of states n.
        activation: "relu" (two units a coordinate) or "abs" (one).

    Returns:
        A network with one output.

    Raises:
        InputError: `dim` is not a positive whole number, or the activation is neither of the two.

    Example:
        >>> float(one_norm(3)([1.0, -2.0, 0.5])[0])
        3.5
    """
    return sum_of_forms(np.eye(whole_number(dim, "dim")), f"1-norm, dimension {dim}", activation=activation)


def max_norm(dim: int) -> Network:
    """The maximum norm `V(x) = max_i |x_i|` as one max group of 2n linear forms.

    Args:
        dim: number of states n.

    Returns:
        A network with one output.

    Raises:
        InputError: `dim` is not a positive whole number.

    Example:
        >>> float(max_norm(3)([1.0, -2.0, 0.5])[0])
        2.0
    """
    eye = np.eye(whole_number(dim, "dim"))
    return maximum_of_forms(np.concatenate([eye, -eye]), f"maximum norm, dimension {dim}")


def linear_norm(T: Any, *, activation: str = "relu") -> Network:
    """The 1-norm in other coordinates, `V(x) = |T^-1 x|_1`, with the exact rational inverse of T.

    Where the columns of T are eigenvectors of A with real eigenvalues l_i < 0, `x' = A x` has
    `Vdot <= -min |l_i| V` (derived: in y = T^-1 x every coordinate decays by itself).  The rows of the inverse are
    whole numbers over a common divisor, and are stored so; nothing is rounded.

    Args:
        T: (n, n), invertible.
        activation: "relu" or "abs", as for `one_norm`.

    Returns:
        A network with one output.

    Raises:
        InputError: T is not square, not invertible, or its inverse needs numbers longer than 53 bits.

    Example:
        >>> V = linear_norm([[1, 1], [-1, -2]])
        >>> V.exact_values([1, -2])  # the second eigenvector
        [Fraction(1, 1)]
    """
    try:
        rows = inverse([fractions(row) for row in square(T, "T")])
    except ZeroDivisionError as error:
        raise InputError("T: the matrix has no inverse; its columns must be linearly independent") from error
    weight, divisor = [], []
    for k, row in enumerate(rows):
        common = math.lcm(*(v.denominator for v in row))
        numerators = [int(v * common) for v in row]
        if max(map(abs, [common, *numerators])) > WHOLE:
            raise InputError(
                f"T: row {k + 1} of its inverse needs numbers longer than 53 bits; round T to fewer digits, "
                "or give the rows themselves to zonotope(None, rows)"
            )
        weight.append(numerators)
        divisor.append(common)
    forms = np.array(weight, dtype=np.float64)
    return sum_of_forms(forms, "1-norm of T^-1 x", activation=activation, divisor=np.array(divisor, dtype=np.float64))


def chain_norm(roots: Any, *, activation: str = "relu") -> Network:
    """A sum of absolute values that decreases along the chain `x_i' = x_(i+1)` with the given real roots.

    The chain has the characteristic polynomial `p(s) = prod (s - r_i)`.  A polynomial `q(s) = sum_k q_k s^k` of degree
    below n is the linear form `l_q(x) = sum_k q_k x_(k+1)`, and along the chain `l_q' = l_(s q mod p)`.  A root r of
    multiplicity m gives `y_j = l_q` with `q = p / (s - r)^j`, j = 1..m, for which `y_1' = r y_1` and
    `y_j' = r y_j + y_(j-1)`.  With coefficients c_j such that `c_(j+1) <= c_j |r| / 2`,
    `V = sum c_j |y_j|` has `Vdot <= -(min |r| / 2) V` (derived; `-min |r| V` where all roots are simple).

    Args:
        roots: the n roots, whole negative numbers, each as often as its multiplicity.
        activation: "relu" or "abs", as for `one_norm`.

    Returns:
        A network with n inputs, one output and whole-number weights.

    Raises:
        InputError: a root is not a negative whole number, or the weights are longer than 53 bits.

    Example:
        >>> chain_norm([-1, -2]).exact_values([1, -1])  # y = (2 x1 + x2, x1 + x2)
        [Fraction(1, 1)]
    """
    roots = [-whole_number(-r if isinstance(r, int) else r, "roots: minus each root") for r in roots]
    if not roots:
        raise InputError("roots: at least one root is needed, got none")
    forms = []
    for root in sorted(set(roots), reverse=True):
        times = roots.count(root)
        # The first coefficient is the one that leaves all of them whole: c_j = 2^(m - j).
        rest = [r for r in roots if r != root]
        for j in range(1, times + 1):
            quotient = _product([*rest, *[root] * (times - j)])
            forms.append([c * 2 ** (times - j) for c in quotient] + [0] * (len(roots) - len(quotient)))
    if max(abs(c) for form in forms for c in form) > WHOLE:
        raise InputError(f"roots: {len(roots)} roots of this size need weights longer than 53 bits; use fewer roots")
    name = f"chain norm, roots {', '.join(map(str, roots))}"
    return sum_of_forms(np.array(forms, dtype=np.float64), name, activation=activation)


def _product(roots: list[int]) -> list[int]:
    """Coefficients of `prod (s - r)`, lowest degree first."""
    out = [1]
    for r in roots:
        out = [a - r * b for a, b in zip([0, *out], [*out, 0], strict=True)]
    return out

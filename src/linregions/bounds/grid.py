"""What the lower bounds of Pascanu 2014, Montúfar 2014 and Serra 2018 share: folds of every axis times a last layer."""

from __future__ import annotations

from collections.abc import Callable

from ..checks import plural
from ..combinatorics import zaslavsky
from .architecture import Architecture
from .bound import require


def require_plain(a: Architecture, name: str) -> None:
    """Refuse what is no stack of fully connected ReLU layers: existence theorems are about these."""
    require(a.plain, f"{name}: is about fully connected ReLU layers, got {a}; give the widths alone")


def folds_times_last(a: Architecture, least: int, folds: Callable[[int], int], name: str, *, power: bool = True) -> int:
    """`prod_{l<L} folds(floor(n_l / n0)) * Z(n_L, n0)`, each factor to the power n0 if `power`.

    Needs `n_l >= least * n0` for l < L and `n_L >= n0`.
    """
    require_plain(a, name)
    n0, *widths = a.inputs, *a.widths
    for number, n in enumerate(widths, start=1):
        times = least if number < len(widths) else 1
        words = f"{times} times the {plural(n0, 'input')}" if times > 1 else f"as many as {plural(n0, 'input')}"
        require(
            n >= times * n0,
            f"{name}: hidden layer {number} needs at least {plural(times * n0, 'unit')}, {words}, got {n}; "
            "zigzag_product takes every width",
        )
    value = zaslavsky(widths[-1], n0)
    for n in widths[:-1]:
        value *= folds(n // n0) ** (n0 if power else 1)
    return value

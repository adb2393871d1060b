"""Systems by name: families with exact thresholds, and systems of the literature."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from ...checks import shown
from ...errors import InputError
from ..systems import analytic, chains, literature
from .chains import saturated_feedback
from .record import System

__all__ = ["System", "saturated_feedback", "system", "systems"]

_BUILDERS: tuple[Callable[..., System], ...] = (
    analytic.decay,
    analytic.cubic_decay,
    analytic.focus,
    analytic.rotation,
    analytic.ring,
    analytic.bil,
    analytic.cbil,
    analytic.flower,
    analytic.linear_discrete,
    analytic.poly2,
    analytic.nonpoly0,
    analytic.cube,
    literature.duffing,
    literature.pendulum,
    literature.vanderpol,
    literature.two_machine,
    literature.inverted_pendulum,
    literature.lyznet_pendulum,
    literature.nonpoly2,
    literature.poly1,
    literature.sriram4,
    literature.she6,
    literature.papachristodoulou6,
    literature.coupled10,
    chains.chain,
    chains.high_order,
    chains.saturated_integrator,
)
_CATALOGUE = {builder.__name__.replace("_", "-"): builder for builder in _BUILDERS}


def systems() -> tuple[str, ...]:
    """The names that `system` knows.

    Example:
        >>> systems()[:3]
        ('decay', 'cubic-decay', 'focus')
    """
    return tuple(_CATALOGUE)


def system(name: str, **parameters: Any) -> System:
    """A system of the catalogue by name.

    Args:
        name: one of `systems()`; `_` may stand for `-`.
        parameters: what the system lets one choose, for example `n` or `mu`; decimals in strings are exact
            ("9.81" is 981/100), floats are the binary numbers that they are.

    Returns:
        A `System`, whose `dynamics` goes into `verify`.

    Raises:
        InputError: an unknown name or parameter, or a value out of range.

    Example:
        >>> system("vanderpol", mu=3)
        System vanderpol: x1' = -x2; x2' = x1 - 3*(1 - x1^2)*x2
    """
    builder = _CATALOGUE.get(name.replace("_", "-")) if isinstance(name, str) else None
    if builder is None:
        raise InputError(f"name: unknown system {shown(name)}; use one of {', '.join(_CATALOGUE)}")
    known = tuple(inspect.signature(builder).parameters)
    for key in parameters:
        if key not in known:
            takes = f"takes {', '.join(known)}" if known else "takes no parameters"
            raise InputError(f"{key}: no parameter of the system {name}, which {takes}")
    return builder(**parameters)

"""Checks of single arguments, and how a refused value is shown in a message."""

from __future__ import annotations

from collections.abc import Iterable
from operator import index
from typing import Any

from .errors import InputError


def shown(value: Any) -> str:
    """A value on one short line, whatever it is."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # Python refuses to print very long integers, and anybody's __repr__ may fail
        text = f"a {type(value).__name__}"
    return text if len(text) <= 60 else text[:57] + "..."


def plural(count: int, noun: str, many: str = "") -> str:
    """`1 unit`, `2 units`."""
    return f"{count} {noun if count == 1 else many or noun + 's'}"


def whole_number(value: Any, what: str, *, least: int = 1, most: int | None = None) -> int:
    """`value` as an int from `least` to `most`; refuses floats and booleans too."""
    try:
        number = least - 1 if isinstance(value, bool) else index(value)
    except TypeError:
        number = least - 1
    if number < least or (most is not None and number > most):
        wanted = f"a whole number from {least}" + ("" if most is None else f" to {most}")
        if (least, most) == (1, None):
            wanted = "a positive whole number"
        raise InputError(f"{what} must be {wanted}, got {shown(value)}")
    return number


def seed_number(value: Any) -> int:
    """The argument `seed` as an int that every generator takes."""
    return whole_number(value, "seed", least=0, most=2**63 - 1)


def real_number(value: Any, what: str) -> float:
    """`value` as the float64 that it is, infinities and NaN included; refuses what is no number or no float64."""
    try:
        if isinstance(value, bool | str | bytes):
            raise TypeError
        number = float(value)
        same = number != number or bool(number == value)
    except OverflowError:
        same, number = False, 0.0
    except (TypeError, ValueError) as error:
        raise InputError(f"{what} must be a number, got {shown(value)}") from error
    if not same:
        raise InputError(f"{what} must be a float64 exactly, got {shown(value)}; round it first")
    return number


def real_numbers(values: Any, what: str) -> tuple[float, ...]:
    """A sequence of numbers as floats."""
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise InputError(f"{what} must be a sequence of numbers, got {shown(values)}")
    return tuple(real_number(v, what) for v in values)


def region_index(i: Any, count: int) -> int:
    """The number of a region of `count`, counted from the end where it is negative."""
    try:
        number = index(i)
    except TypeError:
        raise InputError(f"region: index must be an integer, got {shown(i)}") from None
    if not -count <= number < count:
        raise InputError(f"region: index {shown(number)} is outside the partition, which has {plural(count, 'region')}")
    return number % count

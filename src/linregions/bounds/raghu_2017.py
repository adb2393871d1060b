"""Raghu, Poole, Kleinberg, Ganguli, Sohl-Dickstein 2017: the order of growth in the depth; a rate, not a number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .architecture import architecture_of
from .bound import CONJECTURED, PUBLISHED, UPPER, require


@dataclass(frozen=True)
class Growth:
    """An order of growth `O(base^exponent)`; its constant is not known, so it bounds no single network."""

    name: str
    base: str
    exponent: int
    formula: str
    definition: str
    direction: str
    status: str
    reference: str
    architecture: str

    def __str__(self) -> str:
        mark = " (conjectured, proves nothing)" if self.status == CONJECTURED else ""
        return f"{self.name}: {self.definition} grow at most like O({self.base}^{self.exponent}), {self.formula}{mark}"


def raghu_2017(architecture: Any, *, activation: Any = "relu") -> Growth:
    """Order of the number of activation patterns of L layers of n units: `O(n^(L n0))`.

    Args:
        architecture: whatever `architecture_of` reads; all widths must be equal.
        activation: "relu", or "hardtanh" with `O((2n)^(L n0))`, which is conjectured.

    Returns:
        A `Growth`: base and exponent, no number.

    Raises:
        InputError: no architecture can be read.
        ConditionError: the widths are not equal; the units are neither ReLUs nor of three pieces.

    Reference:
        Raghu, Poole, Kleinberg, Ganguli, Sohl-Dickstein 2017, On the Expressive Power of Deep Neural Networks.

    Example:
        >>> print(raghu_2017("2;8,8,8"))
        raghu_2017: patterns grow at most like O(n^6), n^(L n0)
    """
    a = architecture_of(architecture, activation=activation)
    require(bool(a.layers), f"raghu_2017: needs a hidden layer, got {a}")
    pieces = {p for layer in a.layers for p in layer.pieces}
    relu = all(layer.kind == "relu" for layer in a.layers)
    hard = all(layer.kind == "scalar" for layer in a.layers) and {k for k, _ in pieces} == {3}
    require(relu or hard, f"raghu_2017: covers ReLU and hard-tanh units, got {a.layers[0].describe()} in {a}")
    same = len(set(a.widths)) == 1 and not any(layer.linear for layer in a.layers)
    require(same, f"raghu_2017: is about layers of one width, got {a}; serra_2018 takes every width")
    return Growth(
        name="raghu_2017",
        base="n" if relu else "(2n)",
        exponent=len(a.layers) * a.inputs,
        formula="n^(L n0)" if relu else "(2n)^(L n0)",
        definition="patterns",
        direction=UPPER,
        status=PUBLISHED if relu else CONJECTURED,
        reference="Raghu, Poole, Kleinberg, Ganguli, Sohl-Dickstein 2017, On the Expressive Power of Deep Neural "
        "Networks",
        architecture=str(a),
    )

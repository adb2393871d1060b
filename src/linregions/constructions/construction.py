"""The record of a network with a known number of regions, and its check by the engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..counting import count
from ..domain import Domain
from ..network import Network
from ..partition import Count, Kind


@dataclass(frozen=True)
class Construction:
    """A network together with what is known about it.

    On `domain` the network has exactly `regions` regions under `definition` when `kind` is exact, and at least so many
    when it is lower.  `pieces`, where the argument gives them, are subdomains with the exact number on each, on
    different patterns, which add up to `regions`: they certify a lower bound.  `formula` and `reference` say where the
    number comes from.
    """

    name: str
    network: Network
    domain: Domain
    regions: int
    formula: str
    reference: str
    kind: Kind = Kind.EXACT
    definition: str = "activation"
    pieces: tuple[tuple[Domain, int], ...] = ()

    def count(self, **options: Any) -> Count:
        """The engine's count on the domain; options as for `linregions.count`."""
        return count(self.network, self.domain, definition=self.definition, **options)

    def confirmed(self, **options: Any) -> bool:
        """Whether the engine's count says the same: equal when exact, no smaller when lower, equal on every piece."""
        if self.pieces and sum(regions for _, regions in self.pieces) != self.regions:
            return False
        for domain, regions in self.pieces:
            if count(self.network, domain, definition=self.definition, **options).value != regions:
                return False
        found = self.count(**options)
        if self.kind is Kind.EXACT:
            return found.kind is Kind.EXACT and found.value == self.regions
        return found.kind in (Kind.EXACT, Kind.LOWER) and found.value >= self.regions

    def __str__(self) -> str:
        says = "" if self.kind is Kind.EXACT else "at least "
        return f"{self.name}: {self.network!r}, {says}{self.regions:,} {self.definition} regions on {self.domain!r}"

    def as_dict(self) -> dict[str, Any]:
        """What is known, as plain JSON types (without the weights)."""
        return {
            "name": self.name,
            "network": repr(self.network),
            "hash": self.network.hash,
            "domain": repr(self.domain),
            "regions": self.regions,
            "kind": self.kind.value,
            "definition": self.definition,
            "formula": self.formula,
            "reference": self.reference,
        }

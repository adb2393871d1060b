"""Patterns over more samples than a network takes at once: it sees them batch by batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...checks import shown, whole_number
from ...errors import InputError
from ...partition import Kind
from ..needs import torch
from .between import Between
from .hashed import byte_tables, looked_up, uniform_numbers
from .packed import distinct_single
from .packing import byte_rows
from .reading import blocks

if TYPE_CHECKING:
    from ..capturing.observation import Observation

Tensor = torch.Tensor


class BatchCounter:
    """Estimates the distinct patterns over samples that come in batches, in any order.

        h[v] = sum over samples s and planes p of r[p, s] B[p, s, v]   modulo 2^64, all r independent and uniform

    Sums over disjoint batches add up, so 8 bytes per unit are kept whatever the samples: an *estimate* that is too low
    with probability at most V^2 / 2^65, and never too high.  The network must treat samples one by one: in
    `eval` mode; batch norms in training mode would show each batch another network.

    Args:
        samples: S, of all batches together.
        width: bit planes of an observation.
        seed: of the random numbers.

    Raises:
        InputError: an argument cannot be used.

    Example:
        >>> from types import SimpleNamespace
        >>> signs = torch.tensor([[0.0, 1, 0, 1], [0, 1, 1, 0], [1, 1, 0, 1]])
        >>> counter = BatchCounter(3)
        >>> for first, batch in ((0, signs[:1]), (1, signs[1:])):
        ...     layer = SimpleNamespace(layer="relu", values=batch, planes=lambda z: (z > 0,), width=1)
        ...     counter.add(layer, first)
        >>> counter.distinct
        4
    """

    kind = Kind.ESTIMATE

    def __init__(self, samples: int, *, width: int = 1, seed: int = 0) -> None:
        self.samples, self.width = whole_number(samples, "samples"), whole_number(width, "width")
        self._summands = uniform_numbers(self.samples * self.width, seed).reshape(self.width, self.samples)
        self._sums: dict[str, Tensor] = {}
        self._seen: dict[str, list[tuple[int, int]]] = {}
        self._tables: tuple[tuple[int, int, torch.device], Tensor] | None = None

    @property
    def distinct(self) -> int:
        """Different patterns over all layers.

        Raises:
            InputError: a layer has not been shown every sample.
        """
        for name, seen in self._seen.items():
            there = sum(last - first for first, last in seen)
            if there != self.samples:
                raise InputError(f"counter: layer {name} has seen {there} of {self.samples} samples; add the others")
        sums = list(self._sums.values())
        if not sums:
            return 0
        return distinct_single(torch.cat([s.to(sums[0].device) for s in sums]).unsqueeze(1)).shape[0]

    @property
    def interval(self) -> Between:
        """Where the number lies."""
        units = sum(sums.shape[0] for sums in self._sums.values())
        return Between(self.distinct, self.distinct, max(0.0, 1.0 - units**2 / 2**65))

    @property
    def bytes(self) -> int:
        """Memory held."""
        return sum(8 * sums.shape[0] for sums in self._sums.values())

    def add(self, observation: Observation, first: int) -> None:
        """Add what one layer shows on the samples `first`, `first` + 1, ...

        Args:
            observation: values (some samples, units); `layer` says which layer it is, as in every other batch.
            first: the number of its first sample, from 0.

        Raises:
            InputError: the samples are outside, or were there before, or the layer has other units or planes.
        """
        name, (count, units) = str(observation.layer), observation.values.shape
        seen = self._seen.get(name, [])
        if observation.width != self.width:
            raise InputError(
                f"observation: it has {observation.width} bit planes, the counter was made for {self.width}"
            )
        if not 0 <= first <= first + count <= self.samples:
            raise InputError(f"first: samples {shown(first)} to {first + count - 1} are not among the {self.samples}")
        if any(first < end and begin < first + count for begin, end in seen):
            raise InputError(f"first: layer {name} was shown some of the samples from {first} before; show each once")
        if name in self._sums and self._sums[name].shape[0] != units:
            raise InputError(
                f"observation: layer {name} has {units} units, {self._sums[name].shape[0]} in another batch"
            )
        tables = self._tables_for(first, count, observation.values.device)
        found = [looked_up(tables, byte_rows(bits)) for bits in blocks(observation)] if count else []
        if found:
            sums = torch.cat(found)
            self._sums[name] = sums if name not in self._sums else self._sums[name] + sums
        elif name not in self._sums:
            self._sums[name] = torch.zeros(units, dtype=torch.int64, device=observation.values.device)
        self._seen[name] = [*seen, (first, first + count)]

    def _tables_for(self, first: int, count: int, device: torch.device) -> Tensor:
        """The look-up tables of a batch; all its layers share them."""
        key = (first, count, device)
        if self._tables is None or self._tables[0] != key:
            self._tables = key, byte_tables(self._summands[:, first : first + count].reshape(-1)).to(device)
        return self._tables[1]

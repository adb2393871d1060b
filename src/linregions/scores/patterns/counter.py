"""Counting the distinct sample-wise activation patterns of a network, layer by layer and over all layers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol

from ...checks import plural, shown, whole_number
from ...errors import InputError
from ...partition import Kind
from ..needs import torch
from .between import Between
from .bitmap import MOST_BITS, Bitmap
from .certified import distinct_words
from .hashed import RandomSums
from .packed import Packed, distinct_single
from .packing import alive_and_on, byte_rows, words
from .reading import read
from .sketch import LEVEL, Sketch
from .straight import CODES_32, CODES_64, Form, Patterns
from .tally import Number, settled

if TYPE_CHECKING:
    from ..capturing.observation import Observation

Tensor = torch.Tensor

METHODS = ("auto", "bitmap", "words", "certified", "hashed", "sketch")
_ESTIMATES = ("hashed", "sketch")


@dataclass(frozen=True)
class LayerPatterns:
    """What one layer shows on the samples.

    Attributes:
        units: V, how many units it has.
        distinct: different patterns among them.
        dead: units with no bit on any sample.
        always_on: units whose first bit is 1 on every sample.
    """

    units: int
    distinct: int
    dead: int
    always_on: int

    def as_dict(self) -> dict[str, Any]:
        """The record as plain JSON types."""
        return asdict(self)

    def __str__(self) -> str:
        tail = f"{self.dead:,} dead, {self.always_on:,} always on"
        return f"{plural(self.distinct, 'pattern')} of {plural(self.units, 'unit')}, {tail}"


class Store(Protocol):
    """What keeps the patterns: layer by layer, and their union."""

    @property
    def bytes(self) -> int:
        """Memory held."""
        ...

    @property
    def distinct(self) -> int:
        """Patterns of all layers."""
        ...

    def begin(self, units: int) -> None:
        """A layer of `units` units follows."""

    def put(self, rows: Tensor) -> None:
        """Byte rows (bytes, some units)."""

    def end(self) -> Number:
        """The layer's patterns, which now belong to the union."""
        ...


class PatternCounter:
    """Counts distinct sample-wise activation patterns: the SWAP-Score of what it is shown.

        Psi = number of different columns of the matrix B (samples x units),   B[s, v] = [z_v(x_s) > 0]

    A unit's pattern is what it shows on all samples; layers share one set of patterns.  An observation is read a block
    at a time, packed into bits and forgotten.

    Args:
        samples: S, the number of samples, the rows of every observation.
        width: bit planes of an observation; a pattern has width * samples bits.
        method: how patterns are told apart.

            * "bitmap" (up to 24 bits): a table with a place for every pattern; between layers it does not grow with the
              units.
            * "words" (up to 64 bits): one word per unit, sorted layer by layer.
            * "certified" (any): the bits themselves, sorted by a hash; equal hashes are compared bit by bit.
            * "hashed" (any): 8 bytes per unit whatever the samples; an *estimate*, wrong with probability V^2 / 2^65
              at most.
            * "sketch" (any): the `minima` smallest hashes; an *estimate* with an interval, in constant memory.
            * "auto": the first of the three exact ones that can.
        seed: of the hashes of "hashed" and "sketch"; the exact methods need no luck.
        minima: how many hashes a sketch keeps; its relative error is about 1 / sqrt(minima - 2).
        device: where the patterns of all layers are kept; None: where the first layer's values are.

    Raises:
        InputError: an argument cannot be used.

    Reference:
        Peng, Song, Fayek, Ciesielski, Chang 2024, SWAP-NAS: sample-wise activation patterns for ultra-fast NAS,
        definitions 3.2 and 3.3.

    Example:
        >>> from types import SimpleNamespace
        >>> signs = torch.tensor([[0.0, 1, 0, 1], [0, 1, 1, 0], [1, 1, 0, 1]])
        >>> layer = SimpleNamespace(values=signs, planes=lambda z: (z > 0,), width=1)
        >>> counter = PatternCounter(3)
        >>> print(counter.add(layer))
        4 patterns of 4 units, 0 dead, 1 always on
        >>> print(counter.add(layer), "->", counter.distinct)
        4 patterns of 4 units, 0 dead, 1 always on -> 4
    """

    def __init__(
        self,
        samples: int,
        *,
        width: int = 1,
        method: str = "auto",
        seed: int = 0,
        minima: int = 4096,
        device: torch.device | None = None,
    ) -> None:
        self.samples = whole_number(samples, "samples")
        self.width = whole_number(width, "width")
        self.method = _chosen(method, self.samples * self.width)
        self.seed, self.minima, self.units = seed, whole_number(minima, "minima"), 0
        if self.minima < 3:
            raise InputError(f"minima must be at least 3 for an interval, got {self.minima}")
        self._store: Any = self._new_store(device)
        self._layer: tuple[int, Number, Number] = (0, 0, 0)

    @property
    def kind(self) -> Kind:
        """Whether `distinct` is exact or an estimate."""
        return Kind.ESTIMATE if self.method in _ESTIMATES else Kind.EXACT

    @property
    def distinct(self) -> int:
        """Different patterns among the units of all layers so far."""
        return self._store.distinct

    @property
    def interval(self) -> Between | None:
        """Where the number lies if it is an estimate; None if it is exact."""
        if self.method == "hashed":
            # A sum never tells equal units apart, so the number can only be too low.
            return Between(self.distinct, self.distinct, max(0.0, 1.0 - self.units**2 / 2**65))
        if self.method == "sketch":
            low, high = self._store.ends
            return Between(low, high, LEVEL)
        return None

    @property
    def bytes(self) -> int:
        """Memory that the patterns take now."""
        return self._store.bytes

    def add(self, observation: Observation) -> LayerPatterns:
        """Count the patterns of one layer and join them with the others.

        Args:
            observation: values (samples, units) and its bit planes; nothing of it is kept.

        Returns:
            A `LayerPatterns`.

        Raises:
            InputError: the observation has other samples or planes than the counter.
        """
        return read(observation, self)[0]

    @property
    def packed(self) -> Form | None:
        """It takes codes, if its store does (`Reader`)."""
        return {32: CODES_32, 64: CODES_64}.get(getattr(self._store, "code_bits", 0))

    def begin(self, units: int) -> None:
        """A layer of so many units follows (`Reader`)."""
        self._layer = (units, 0, 0)
        self._store.begin(units)

    def take(self, bits: Tensor) -> None:
        """Bits (width * samples, some units) of the layer (`Reader`)."""
        rows = byte_rows(bits)
        self._store.put(rows)
        units, alive, on = self._layer
        some, all_ = alive_and_on(rows, self.samples)
        self._layer = (units, alive + some, on + all_)

    def take_packed(self, patterns: Patterns) -> None:
        """The whole layer (`Reader`)."""
        self._store.put_codes(patterns.codes)
        self._layer = (self._layer[0], patterns.alive, patterns.always_on)

    def end(self) -> LayerPatterns:
        """The layer is complete (`Reader`)."""
        units, alive, on = self._layer
        distinct, alive, on = settled(self._store.end(), alive, on)
        self.units += units
        return LayerPatterns(units, distinct, units - alive, on)

    def merge(self, other: PatternCounter) -> None:
        """Join the patterns of other units on the same samples: shards of one network.

        Args:
            other: a counter with the same samples, width and method, and the same seed and minima where they matter.

        Raises:
            InputError: the counters do not go together.
        """
        mine, theirs = self._identity, other._identity
        if mine != theirs:
            raise InputError(f"other: it counts as {theirs}, this counter as {mine}; make both with the same arguments")
        self._store.merge(other._store)
        self.units += other.units

    @property
    def _identity(self) -> str:
        chance = f", seed={self.seed}, minima={self.minima}" if self.kind is Kind.ESTIMATE else ""
        return f"samples={self.samples}, width={self.width}, method={self.method!r}{chance}"

    def _new_store(self, device: torch.device | None) -> Store:
        bits = self.samples * self.width
        if self.method == "bitmap":
            return Bitmap(bits, device=device)
        if self.method == "words":
            return Packed(words, distinct_single, device=device, one_word=True)
        if self.method == "certified":
            return Packed(words, distinct_words, device=device, one_word=bits <= 64)
        sums = RandomSums(bits, seed=self.seed)
        if self.method == "hashed":
            return Packed(sums, distinct_single, device=device)
        return Sketch(sums, minima=self.minima)


def _chosen(method: str, bits: int) -> str:
    if method not in METHODS:
        raise InputError(f"method must be one of {', '.join(METHODS)}, got {shown(method)}")
    if method == "auto":
        return "bitmap" if bits <= MOST_BITS else "words" if bits <= 64 else "certified"
    most = {"bitmap": MOST_BITS, "words": 64}.get(method, bits)
    if bits > most:
        raise InputError(f"method: {method!r} tells at most {most} bits apart, a pattern here has {bits}; use 'auto'")
    return method

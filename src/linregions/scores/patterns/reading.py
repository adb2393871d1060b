"""Reading an observation once, some units at a time, for any number of readers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

from ...checks import shown
from ...errors import InputError
from ..needs import torch
from . import host
from .straight import Form, Patterns, pack, packable

if TYPE_CHECKING:
    from ..capturing.observation import Observation

Tensor = torch.Tensor

# Bits of one block, a byte each before they are packed: a mebibyte stays in the cache.  An accelerator
# wants long blocks instead, because starting an operation costs more there than a short one takes.
_BLOCK = 2**20
_BLOCK_ACCELERATOR = 2**27


class Reader(Protocol):
    """What takes the bits of a layer block by block; only `end` lets the layer count."""

    @property
    def samples(self) -> int:
        """Rows of every observation."""
        ...

    @property
    def width(self) -> int | None:
        """Bit planes of every observation; None: any."""
        ...

    @property
    def packed(self) -> Form | None:
        """What it takes of packed patterns; None: it wants the bits."""
        ...

    def begin(self, units: int) -> None:
        """A layer of so many units follows; what an interrupted layer left is forgotten."""

    def take(self, bits: Tensor) -> None:
        """Bits of some units, (width * samples, units) bytes of 0 and 1: plane after plane."""

    def take_packed(self, patterns: Patterns) -> None:
        """The whole layer, once, in place of `take`; readers of the same observation agree on the width of codes."""

    def end(self) -> Any:
        """The layer is complete: what was found in it."""


def read(observation: Observation, *readers: Reader) -> tuple[Any, ...]:
    """Show one observation to all readers in a single pass over its values.

    Args:
        observation: values (samples, units) and how to make bit planes of them.
        readers: what takes the bits; all of the same samples and width.

    Returns:
        What the readers' `end` gave, in their order.

    Raises:
        InputError: the observation has other samples or planes than a reader.
    """
    values = observation.values
    for reader in readers:
        _check(observation, reader)
        reader.begin(values.shape[1])
    forms = [form for form in (reader.packed for reader in readers) if form is not None]
    if len(forms) == len(readers) and packable(observation):
        patterns = pack(observation, *forms)
        for reader in readers:
            reader.take_packed(patterns)
    else:
        for bits in blocks(observation):
            for reader in readers:
                reader.take(bits)
    return tuple(reader.end() for reader in readers)


def blocks(observation: Observation) -> Iterator[Tensor]:
    """The bits of an observation, (width * samples, some units) bytes of 0 and 1, all units in turn."""
    values = observation.values
    samples, units = values.shape
    size = _BLOCK if host.on_cpu(values) else _BLOCK_ACCELERATOR
    # Whole vectors of 64 bytes, so that no row of a block begins in the middle of one.
    step = max(1024, size // max(1, samples * observation.width) // 64 * 64)
    for first in range(0, units, step):
        planes = observation.planes(values if units <= step else values[:, first : first + step])
        yield (planes[0] if len(planes) == 1 else torch.cat(planes)).view(torch.uint8)


def _check(observation: Observation, reader: Reader) -> None:
    shape = tuple(observation.values.shape)
    if len(shape) != 2 or shape[0] != reader.samples:
        wanted = f"({reader.samples}, units)"
        raise InputError(
            f"observation: its values must have the shape {wanted}, got {shown(shape)}; one row per sample"
        )
    if reader.width not in (None, observation.width):
        raise InputError(
            f"observation: it has {observation.width} bit planes, the counter was made for {reader.width}; "
            f"use one indicator for all layers"
        )

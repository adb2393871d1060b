"""Counting everything that one forward pass shows, while it runs."""

from __future__ import annotations

from typing import Any

from ...errors import InputError
from ..capturing.forward import Layer, Observation
from ..needs import torch
from ..patterns import HammingKernel, PatternCounter, RowCounter, read
from .record import KERNEL_SAMPLES, LayerScore, Pass

# Of these a sample shows two of the three signs, or pieces, that an activation may have.
NEVER_NEGATIVE = frozenset({"relu", "relu6", "hardsigmoid", "sigmoid", "softplus"})
TWO_PIECES = frozenset({"relu", "leaky_relu", "prelu", "rrelu", "threshold"})


class Collector:
    """Takes observations one by one, counts their patterns, and keeps none of their values."""

    def __init__(
        self, samples: int, *, indicator: str, method: str, companions: bool, eps: float | None, seed: int
    ) -> None:
        self._samples, self._indicator, self._method = samples, indicator, method
        self._companions, self._eps, self._seed = companions, eps, seed
        self._counter: PatternCounter | None = None
        self._compared: HammingKernel | RowCounter | None = None
        self._layers: list[LayerScore] = []
        self._near_zero: Any = 0
        self.symbols = 2

    @property
    def layers(self) -> tuple[LayerScore, ...]:
        """What was seen so far."""
        return tuple(self._layers)

    def visit(self, observation: Observation, *, symbols: int | None = None) -> None:
        """Count one layer, whose units show `symbols` different things for a sample (default: by its kind)."""
        counter, compared = self._counters(observation)
        readers: list[Any] = [counter] if compared is None else [counter, compared]
        found = read(observation, *readers)[0]
        if self._eps is not None:
            self._near_zero = self._near_zero + near_zero(observation.values, self._eps)
        layer = observation.layer
        self.symbols = max(self.symbols, symbols or symbols_of(layer, self._indicator, observation.width))
        counts = (found.units, found.distinct, found.dead, found.always_on)
        self._layers.append(LayerScore(layer.name, layer.kind, *counts))

    def result(self) -> Pass:
        """What the pass showed.

        Raises:
            InputError: there was no unit.
        """
        if self._counter is None or not sum(layer.units for layer in self._layers):
            raise InputError("model: its activations have no units at all; check the shapes of the inputs")
        kernel = self._compared if isinstance(self._compared, HammingKernel) else None
        rows = self._compared if isinstance(self._compared, RowCounter) else None
        return Pass(
            distinct=self._counter.distinct,
            kind=self._counter.kind,
            interval=str(self._counter.interval or ""),
            layers=self.layers,
            standard=kernel.standard if kernel is not None else None if rows is None else rows.distinct,
            nwot=None if kernel is None else kernel.nwot,
            near_zero=None if self._eps is None else int(self._near_zero),
        )

    def _counters(self, first: Observation) -> tuple[PatternCounter, HammingKernel | RowCounter | None]:
        if self._counter is None:
            self._counter = PatternCounter(self._samples, width=first.width, method=self._method, seed=self._seed)
            if self._companions:
                few = self._samples <= KERNEL_SAMPLES
                self._compared = HammingKernel(self._samples) if few else RowCounter(self._samples)
        return self._counter, self._compared


def symbols_of(layer: Layer, indicator: str, width: int) -> int:
    """How many different things a unit of a module's activation can show for one sample."""
    if indicator == "positive" or layer.kind in (NEVER_NEGATIVE if indicator == "sign" else TWO_PIECES):
        return 2
    return 2**width if indicator == "piece" and layer.kind == "max_pool" else 3


def near_zero(values: torch.Tensor, eps: float) -> Any:
    """How many values are closer to 0 than eps without being 0, which is what a ReLU makes of all that is negative."""
    if not values.is_floating_point():
        return 0  # places in a window
    sizes = values.abs()
    return ((sizes > 0) & (sizes < eps)).sum()  # on an accelerator nobody waits for it yet

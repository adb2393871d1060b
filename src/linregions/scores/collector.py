"""Counting everything that one forward pass shows, while it runs."""

from __future__ import annotations

from ..errors import InputError
from ..partition import Kind
from .capture import Layer, Observation
from .patterns import HammingKernel, PatternCounter
from .record import LayerScore, Pass

# How many values of a unit's output, or pieces, a sample can show; what is not named here may show all that fit.
NEVER_NEGATIVE = frozenset({"relu", "relu6", "hardsigmoid", "sigmoid", "softplus"})
PIECES = {"relu": 2, "leaky_relu": 2, "prelu": 2, "abs": 2, "relu6": 3, "hardtanh": 3, "hardswish": 3, "hardsigmoid": 3}


class Collector:
    """Takes observations one by one, counts their patterns, and keeps none of their values."""

    def __init__(
        self, samples: int, *, indicator: str, method: str, companions: bool, eps: float | None, seed: int
    ) -> None:
        self._samples, self._indicator, self._method = samples, indicator, method
        self._companions, self._eps, self._seed = companions, eps, seed
        self._counter: PatternCounter | None = None
        self._kernel: HammingKernel | None = None
        self._layers: list[LayerScore] = []
        self._near_zero = 0
        self.symbols = 2

    @property
    def layers(self) -> tuple[LayerScore, ...]:
        """What was seen so far."""
        return tuple(self._layers)

    def visit(self, observation: Observation) -> None:
        """Count one layer."""
        counter, kernel = self._counters(observation)
        found = counter.add(observation)
        if kernel is not None:
            kernel.add(observation)
        if self._eps is not None:
            self._near_zero += int((observation.values.abs() < self._eps).sum())
        layer = observation.layer
        self.symbols = max(self.symbols, symbols(layer, self._indicator, observation.width))
        counts = (found.units, found.distinct, found.dead, found.always_on)
        self._layers.append(LayerScore(layer.name, layer.kind, *counts))

    def result(self) -> Pass:
        """What the pass showed.

        Raises:
            InputError: there was no unit.
        """
        if self._counter is None or not sum(layer.units for layer in self._layers):
            raise InputError("model: its activations have no units at all; check the shapes of the inputs")
        kernel = self._kernel
        return Pass(
            distinct=self._counter.distinct,
            kind=Kind(self._counter.kind),
            layers=self.layers,
            standard=None if kernel is None else kernel.standard,
            nwot=None if kernel is None else kernel.nwot,
            near_zero=None if self._eps is None else self._near_zero,
        )

    def _counters(self, first: Observation) -> tuple[PatternCounter, HammingKernel | None]:
        if self._counter is None:
            self._counter = PatternCounter(
                self._samples, width=first.width, method=self._method, seed=self._seed, device=first.values.device
            )
            self._kernel = HammingKernel(self._samples) if self._companions else None
        return self._counter, self._kernel


def symbols(layer: Layer, indicator: str, width: int) -> int:
    """How many different things a unit of this layer can show for one sample."""
    if indicator == "positive":
        return 2
    if indicator == "sign":
        return 2 if layer.kind in NEVER_NEGATIVE else 3
    return PIECES.get(layer.kind, 2**width)

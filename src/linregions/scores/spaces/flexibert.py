"""The FlexiBERT space as benchmarked: encoders of two or four layers that mix tokens each in its own way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...checks import shown, whole_number
from ...errors import InputError
from .space import seeded

if TYPE_CHECKING:
    from torch import Tensor, nn

    from .table import Table

HIDDEN = (128, 256)
DEPTHS = (2, 4)
MIXINGS = ("sa-sdp", "sa-wma", "lt-dft", "lt-dct", "dsc-5", "dsc-9")
HEADS = (2, 4)
WIDTHS = (512, 1024)
STACKS = (1, 3)

_CHOICES = {"mixing": MIXINGS, "heads": HEADS, "width": WIDTHS, "stack": STACKS}


class Layer(NamedTuple):
    """One layer: what mixes tokens, with how many heads; units of a feed-forward sub-layer, and how many of these."""

    mixing: str
    heads: int
    width: int
    stack: int


class EncoderPlan(NamedTuple):
    """An architecture: the hidden size, and two or four layers."""

    hidden: int
    layers: tuple[Layer, ...]


class FlexiBERT:
    """The 10,621,440 encoders of the benchmark of Serianni and Kalita (ACL 2023), a part of the FlexiBERT space.

    An architecture is a hidden size (128 or 256) and two or four layers; a layer is one of six ways to mix tokens
    (self-attention, scaled dot product or weighted multiplicative; discrete Fourier or cosine transform; dynamic
    span-based convolution over 5 or 9 tokens), 2 or 4 heads, and 1 or 3 feed-forward sub-layers of 512 or 1024 units.
    `flexibert_layers` says what the modules are, and which freedoms they take.

    Text form: `256 sa-wma:4:1024x3 lt-dct:2:512x3`, for each layer mixing:heads:widthxsub-layers.
    Inputs: whole numbers (S, T) below the size of the vocabulary.

    Example:
        >>> space = FlexiBERT()
        >>> plan = space.parse("128 sa-sdp:2:512x1 dsc-9:4:1024x3")
        >>> space.controls(plan)["feed_forward_units"]  # of one token
        3584
    """

    name = "flexibert"
    size = len(HIDDEN) * sum((len(MIXINGS) * len(HEADS) * len(WIDTHS) * len(STACKS)) ** depth for depth in DEPTHS)

    def sample(self, rng: np.random.Generator) -> EncoderPlan:
        """Hidden size, depth and every choice of every layer, each equally likely by itself.

        So two layers are as likely as four, as among the benchmark's 500.
        """
        hidden, depth = _pick(HIDDEN, rng), _pick(DEPTHS, rng)
        layers = tuple(Layer(*(_pick(options, rng) for options in _CHOICES.values())) for _ in range(depth))
        return EncoderPlan(hidden, layers)

    def neighbours(self, architecture: EncoderPlan) -> Iterator[EncoderPlan]:
        """Every architecture that differs in one choice.

        Depth is a choice too: four layers become their first two, and two layers are repeated to make four.
        """
        hidden, layers = architecture
        yield EncoderPlan(HIDDEN[1 - HIDDEN.index(hidden)], layers)
        yield EncoderPlan(hidden, layers[:2] if len(layers) == 4 else layers * 2)
        for i, layer in enumerate(layers):
            for choice, options in _CHOICES.items():
                for option in options:
                    if option != getattr(layer, choice):
                        changed = layer._replace(**{choice: option})
                        yield EncoderPlan(hidden, (*layers[:i], changed, *layers[i + 1 :]))

    def mutate(self, architecture: EncoderPlan, rng: np.random.Generator) -> EncoderPlan:
        """One of the `neighbours`, all equally likely."""
        return _pick(tuple(self.neighbours(architecture)), rng)

    def crossover(self, first: EncoderPlan, second: EncoderPlan, rng: np.random.Generator) -> EncoderPlan:
        """Hidden size and depth of either parent; each layer whole from one of the parents that have one there."""
        parents = (first, second)
        hidden = _pick(parents, rng).hidden
        depth = len(_pick(parents, rng).layers)
        layers = (_pick([p.layers[i] for p in parents if i < len(p.layers)], rng) for i in range(depth))
        return EncoderPlan(hidden, tuple(layers))

    def text(self, architecture: EncoderPlan) -> str:
        """`256 sa-wma:4:1024x3 lt-dct:2:512x3`."""
        layers = (f"{layer.mixing}:{layer.heads}:{layer.width}x{layer.stack}" for layer in architecture.layers)
        return " ".join([str(architecture.hidden), *layers])

    def parse(self, text: str) -> EncoderPlan:
        """The architecture of a text form.

        Raises:
            InputError: it is not the text of an architecture of this space.
        """
        where = f"architecture {shown(text)}"
        if not isinstance(text, str) or not text.split():
            raise InputError(f"{where}: a text like '256 sa-wma:4:1024x3 lt-dct:2:512x3' expected")
        hidden, *layers = text.split()
        return plan(_number(hidden), [_parsed_layer(layer, where) for layer in layers], where)

    def controls(self, architecture: EncoderPlan) -> dict[str, int]:
        """What a score must beat, read off the architecture.

        layers; feed_forward_widths: sum over layers of the width; sublayers: sum of the numbers of sub-layers;
        feed_forward_units: sum of width x sub-layers, the units V of one token; hidden.
        """
        hidden, layers = architecture
        return {
            "layers": len(layers),
            "feed_forward_widths": sum(layer.width for layer in layers),
            "sublayers": sum(layer.stack for layer in layers),
            "feed_forward_units": sum(layer.width * layer.stack for layer in layers),
            "hidden": hidden,
        }

    def build(
        self,
        architecture: EncoderPlan,
        *,
        seed: int = 0,
        vocabulary: int = 30_522,
        positions: int = 512,
        as_published: bool = False,
        device: Any = "cpu",
    ) -> nn.Module:
        """The encoder, in training mode (which changes nothing: there is no dropout), weights N(0, 0.02^2) from `seed`.

        Args:
            architecture: which one.
            seed: of the weights; they are drawn on the CPU, the same for every device, and the global state is left.
            vocabulary: number of different tokens; the published models have 30,522.
            positions: longest text in tokens.
            as_published: build what the published scores of this space were computed on: hidden size 256 and
                feed-forward width 1024 whatever the architecture says, and no LayerNorm after a linear transform.  Its
                number of parameters is the published one.  The transform is left unscaled, which no published number
                settles: unscaled, some GELU outputs are exactly 0, as was observed on the published models.
            device: where the model goes.

        Raises:
            InputError: `vocabulary` or `positions` is not a positive whole number.
        """
        return build(
            plan(*architecture),
            seed=seed,
            vocabulary=whole_number(vocabulary, "vocabulary"),
            positions=whole_number(positions, "positions"),
            as_published=as_published,
            device=device,
        )

    def probe(self, samples: int, *, seed: int | None = None) -> Tensor:
        """English text, (samples, 32) tokens: the first pieces, or those that `seed` draws."""
        from ..probes import text

        return text(samples, 32, seed=seed).inputs

    def read_table(self, path: str | Path) -> Table:
        """The GLUE scores of 500 encoders; see `flexibert_table.read`."""
        from .flexibert_table import read

        return read(path)


def plan(hidden: Any, layers: Any, where: str = "architecture") -> EncoderPlan:
    """A checked architecture: InputError names the value that this space does not have."""
    layers = tuple(Layer(*layer) for layer in layers)
    checks = [("hidden size", hidden, HIDDEN), ("number of layers", len(layers), DEPTHS)]
    for i, layer in enumerate(layers):
        checks += [(f"{what} of layer {i}", getattr(layer, what), options) for what, options in _CHOICES.items()]
    for what, value, options in checks:
        if isinstance(value, bool) or value not in options:
            raise InputError(f"{where}: {what} must be one of {', '.join(map(str, options))}, got {shown(value)}")
    return EncoderPlan(hidden, layers)


def build(architecture: EncoderPlan, *, seed: int, vocabulary: int, positions: int, as_published: bool, device: Any):
    """`FlexiBERT.build` after its checks; also for plans outside the space."""
    from . import flexibert_layers as parts

    hidden = 256 if as_published else architecture.hidden
    with seeded(seed):
        embeddings = parts.Embeddings(hidden, vocabulary=vocabulary, positions=positions, size=128)
        layers = []
        for layer in architecture.layers:
            width = 1024 if as_published else layer.width
            kind = layer.mixing.partition("-")[0]
            layers.append(
                parts.EncoderLayer(
                    parts.mixing(layer.mixing, hidden, layer.heads, orthonormal=not as_published),
                    hidden,
                    width=width,
                    depth=layer.stack,
                    norm_first=not (as_published and kind == "lt"),
                )
            )
    return parts.Encoder(embeddings, layers).to(device)


def _pick(options: Any, rng: np.random.Generator) -> Any:
    # Not rng.choice, which makes numpy scalars of numbers and arrays of tuples.
    return options[int(rng.integers(len(options)))]


def _parsed_layer(text: str, where: str) -> Layer:
    parts = text.split(":")
    width, times, stack = parts[-1].partition("x")
    if len(parts) != 3 or not times:
        raise InputError(f"{where}: layer {shown(text)} must be written mixing:heads:widthxsub-layers")
    return Layer(parts[0], _number(parts[1]), _number(width), _number(stack))


def _number(text: str) -> Any:
    """A plain whole number; any other text as it is, for the check that knows what was expected."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text

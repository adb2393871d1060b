"""The torch models that are measured, with their inputs."""

from __future__ import annotations

from torch import Tensor, nn

from linregions.scores.probes import text
from linregions.scores.spaces.flexibert import EncoderPlan, Layer, build


def big_encoder(
    samples: int = 128, tokens: int = 512, *, layers: int = 12, hidden: int = 16
) -> tuple[nn.Module, Tensor]:
    """An encoder with 1,024 feed-forward units a layer and token, as the published ones have, and English text for it.

    With the defaults it has 12 x 512 x 1,024 = 6,291,456 units.  The hidden size is small, so that a forward pass costs
    little beside what is done with the activations: 128 x 512 x 1,024 float32 of 268 MB in each layer.
    """
    kinds = ("sa-sdp", "dsc-5", "lt-dct", "sa-wma", "dsc-9", "lt-dft")
    plan = EncoderPlan(hidden, tuple(Layer(kinds[i % len(kinds)], 2, 1024, 1) for i in range(layers)))
    model = build(plan, seed=0, vocabulary=4096, positions=tokens, as_published=False, device="cpu")
    return model.eval(), text(samples, tokens, vocabulary=4096, seed=0).inputs

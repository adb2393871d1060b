"""How good the features of an encoder are, and how they lie: everything that needs no gradient and no projector."""

from __future__ import annotations

import numpy as np

from ...metrics import representation as measure
from ...scores.needs import nn, torch
from ..datasets import Images
from .augment import Augmentation, usual_augmentation


def evaluate(
    encoder: nn.Module,
    images: Images,
    *,
    k: int | None = None,
    temperature: float = 0.1,
    penalty: float = 1e-3,
    augmentation: Augmentation | None = None,
    seed: int = 0,
    pairs: int = 1000,
) -> dict[str, float]:
    """Numbers about the features h = encoder(x): what they know, how they spread.

    knn, ncm, probe: accuracies on the held-out images with the training images as reference (weighted neighbours,
    nearest class mean, ridge regression). std: standard deviation on the unit sphere times sqrt(d), 1 for even spread.
    effective_rank, uniformity, mean_cosine, dead: of the held-out features. alignment: of two views of the held-out
    images, drawn by `seed`, the same for every encoder. norm: mean length of a held-out feature.

    The encoder is in evaluation mode meanwhile and gets its modes back; no gradient is kept, and the global random
    state is not used.

    Args:
        encoder: takes (n, 1, height, width), gives (n, d).
        images: the data.
        k: neighbours; None takes 20, or 200 from 20,000 training images on.
        temperature: of the neighbours' votes.
        penalty: of the linear probe.
        augmentation: for the alignment; None takes the usual one of the data set.
        seed: of the views.
        pairs: at most this many held-out images are used for alignment and uniformity.

    Returns:
        The names above, each with a number.

    Raises:
        InputError: the features are not finite, or a number is out of range.

    Example:
        >>> from linregions.studies.datasets import load
        >>> from linregions.studies.ssl.encoders import build_encoder
        >>> found = evaluate(build_encoder("mlp", (8, 8)), load("digits"))
        >>> found["knn"] > 0.8
        True
    """
    train, held = features(encoder, images.train), features(encoder, images.held)
    augmentation = augmentation or usual_augmentation(images.name, images.shape)
    generator = torch.Generator().manual_seed(seed)
    x = torch.from_numpy(images.held[:pairs])
    views = [features(encoder, augmentation(x, generator=generator).numpy()) for _ in range(2)]
    y, z = images.train_labels, images.held_labels
    if k is None:
        k = 200 if len(train) >= 20_000 else 20
    return {
        "knn": measure.knn_accuracy(train, y, held, z, k=k, temperature=temperature),
        "ncm": measure.ncm_accuracy(train, y, held, z),
        "probe": measure.linear_probe(train, y, held, z, penalty=penalty),
        "std": measure.std_normalised(held, scaled=True),
        "effective_rank": measure.effective_rank(held),
        "alignment": measure.alignment(*views),
        "uniformity": measure.uniformity(held[:pairs]),
        "mean_cosine": measure.mean_cosine(held),
        "dead": measure.dead_units(held),
        "norm": float(np.sqrt((held.astype(np.float64) ** 2).sum(axis=1)).mean()),
    }


@torch.no_grad()
def features(encoder: nn.Module, images: np.ndarray, *, batch: int = 2000) -> np.ndarray:
    """The features of images, in evaluation mode; the modes of all submodules are given back.

    Args:
        encoder: takes (n, 1, height, width) on its own device and in its own type.
        images: (n, height, width).
        batch: images at a time.

    Returns:
        (n, d) float32.
    """
    modes = [(module, module.training) for module in encoder.modules()]
    first = next(encoder.parameters())
    try:
        encoder.eval()
        parts = [
            encoder(torch.tensor(images[k : k + batch])[:, None].to(first)).flatten(1).float().cpu().numpy()
            for k in range(0, len(images), batch)
        ]
    finally:
        for module, mode in modes:
            module.training = mode
    return np.concatenate(parts)

"""The methods of the study by name, with the settings that this library trains them with.

The settings are no paper's. Those of the heads and losses were chosen on digits and on 8,000 MNIST images for a few
hundred steps of 256 images. The learning rates, one pair for all methods, were chosen on 3,520 Fashion-MNIST images for
600 steps, with another split and the seeds 100 to 102: so that SimSiam and BYOL end with at least the neighbours'
accuracy of their untrained encoder, which they did not while the encoder moved as fast as what is on top of it, and so
that the controls lose accuracy, which at half of these rates Barlow's hardly did. On digits the encoder kept its old
rate (see `training.usual_share`). Neighbours' accuracy and the standard deviation of features decided, never a number
of regions; the seeds 0 to 2 took no part, except on digits.

The controls do not all end alike: those of SimSiam, BYOL and DINO and the one with positives only shrink towards a
point, VICReg's loses directions, and Barlow's loses what it knew while its spread stays.
"""

from __future__ import annotations

from typing import Any

from ...checks import shown
from ...errors import InputError
from .contrastive import MoCo, SimCLR
from .controls import PositivesOnly
from .correlation import BarlowTwins, VICReg
from .distillation import BYOL, DINO, SimSiam
from .learner import Method
from .supervised import Supervised

_BYOL: dict[str, Any] = {"hidden": 256, "out": 64, "momentum": 0.95, "predictor": True, "norm": True}
_SIMSIAM: dict[str, Any] = {"hidden": 256, "out": 128, "narrow": 64, "stop": True, "predictor": True, "norm": True}
_DINO: dict[str, Any] = {
    "hidden": 256,
    "narrow": 64,
    "out": 256,
    "momentum": 0.99,
    "sharp": 0.04,
    "soft": 0.1,
    "centring": True,
    "centre_momentum": 0.9,
    "norm": True,
}
_VICREG: dict[str, Any] = {"hidden": 256, "out": 256, "invariance": 10.0, "variance": 25.0, "covariance": 1.0}
_BARLOW: dict[str, Any] = {"hidden": 256, "out": 256, "redundancy": 0.05, "invariance": 1.0}
_MOCO: dict[str, Any] = {"hidden": 256, "out": 128, "temperature": 0.2, "queue": 1024, "momentum": 0.99}

_ALL = (
    Method("supervised", "supervised", "cross entropy with labels", Supervised),
    Method(
        "simclr",
        "contrastive",
        "NT-Xent within the batch",
        SimCLR,
        {"hidden": 256, "out": 128, "temperature": 0.2},
    ),
    Method("moco", "contrastive", "InfoNCE against a queue of a moving average's keys", MoCo, _MOCO),
    Method("byol", "self-distillation", "a predictor aims at a moving average", BYOL, _BYOL),
    Method("simsiam", "self-distillation", "a predictor aims at the other view, gradient stopped", SimSiam, _SIMSIAM),
    Method("dino", "self-distillation", "softmax of a centred, sharpened moving average", DINO, _DINO),
    Method("vicreg", "cca", "variance, invariance, covariance", VICReg, _VICREG),
    Method("barlow", "cca", "correlation matrix near the identity", BarlowTwins, _BARLOW),
    Method(
        "simsiam-collapse",
        "control",
        "SimSiam without stopped gradient, predictor and normalisation",
        SimSiam,
        {**_SIMSIAM, "stop": False, "predictor": False, "norm": False},
        healthy="simsiam",
    ),
    Method(
        "byol-collapse",
        "control",
        "BYOL whose target is the network itself, without predictor and normalisation",
        BYOL,
        {**_BYOL, "momentum": 0.0, "predictor": False, "norm": False},
        healthy="byol",
    ),
    Method(
        "dino-collapse",
        "control",
        "DINO without centring and normalisation, its teacher softer than its student",
        DINO,
        {**_DINO, "centring": False, "sharp": 0.2, "norm": False},
        healthy="dino",
    ),
    Method(
        "vicreg-collapse", "control", "VICReg without variance", VICReg, {**_VICREG, "variance": 0.0}, healthy="vicreg"
    ),
    Method(
        "barlow-collapse",
        "control",
        "Barlow Twins without invariance",
        BarlowTwins,
        {**_BARLOW, "invariance": 0.0},
        healthy="barlow",
    ),
    Method(
        "contrastive-positives-only",
        "control",
        "attraction of two views and no repulsion",
        PositivesOnly,
        {"hidden": 128, "out": 64, "norm": False},
        healthy="simclr",
    ),
)

METHODS: dict[str, Method] = {method.name: method for method in _ALL}
"""Every method by its name."""

HEALTHY = tuple(method.name for method in _ALL if method.family != "control")
CONTROLS = tuple(method.name for method in _ALL if method.family == "control")


def find_method(name: str | Method) -> Method:
    """A method by its name.

    Args:
        name: of `METHODS`; a `Method` is returned as it is.

    Raises:
        InputError: there is none of this name.

    Example:
        >>> find_method("simclr").family
        'contrastive'
    """
    if isinstance(name, Method):
        return name
    if name not in METHODS:
        raise InputError(f"method: must be one of {', '.join(METHODS)}, got {shown(name)}")
    return METHODS[name]

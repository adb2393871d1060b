"""How the networks of each space are scored unless somebody says otherwise."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Protocol:
    """The setting of one space.

    Attributes:
        samples: S, inputs of the probe.
        repeats: draws of weights for each architecture.
        init: what `swap_score` takes, or "own": the space builds the network again with its own weights.
        mode: as for `swap_score`.
        limit: how many architectures; None for all of the table.
        truth: what the table holds.
        probe: the inputs.
        instead_of: the data that the networks of the table were trained on, where the probe is not from them.
    """

    samples: int
    repeats: int
    init: str
    mode: str
    limit: int | None
    truth: str
    probe: str
    instead_of: str = ""


_IMAGES = "scikit-learn's digits, enlarged to 32 x 32 in three channels"
_TEXT = "English text of Python's own help topics"

PROTOCOLS = {
    "darts": Protocol(16, 8, "gaussian", "auto", None, "CIFAR-10 validation accuracy, %", _IMAGES, "CIFAR-10"),
    "nb201": Protocol(
        32, 2, "gaussian", "auto", 1000, "CIFAR-10 test accuracy, mean over seeds, %", _IMAGES, "CIFAR-10"
    ),
    "flexibert": Protocol(32, 1, "own", "eval", None, "mean GLUE score", _TEXT, "OpenWebText"),
    "digits": Protocol(
        16, 8, "gaussian", "auto", 200, "held-out accuracy on digits, trained here, %", "scikit-learn's digits, 8 x 8"
    ),
}
USUAL = Protocol(16, 8, "gaussian", "auto", None, "accuracy", "the space's own inputs")


def protocol_of(space: str) -> Protocol:
    """The setting of a space by its name; the usual one where the space is not ours."""
    return PROTOCOLS.get(space, USUAL)

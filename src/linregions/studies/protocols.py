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
    """

    samples: int
    repeats: int
    init: str
    mode: str
    limit: int | None
    truth: str


PROTOCOLS = {
    "darts": Protocol(16, 8, "gaussian", "auto", None, "CIFAR-10 validation accuracy, %"),
    "nb201": Protocol(32, 2, "gaussian", "auto", 1000, "CIFAR-10 test accuracy, mean over seeds, %"),
    "flexibert": Protocol(32, 1, "own", "eval", None, "mean GLUE score"),
    "digits": Protocol(16, 8, "gaussian", "auto", 200, "held-out accuracy on digits, trained here, %"),
}
USUAL = Protocol(16, 8, "gaussian", "auto", None, "accuracy")


def protocol_of(space: str) -> Protocol:
    """The setting of a space by its name; the usual one where the space is not ours."""
    return PROTOCOLS.get(space, USUAL)

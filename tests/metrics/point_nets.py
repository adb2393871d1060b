"""Small random networks of every kind of activation, for the tests of metrics."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import strategies as st

from linregions.activations import IDENTITY, RELU, MaxGroups, UnitActivations, clip, leaky_relu
from linregions.network import Network
from linregions.stage import Stage

ACTIVATIONS = {"relu": RELU, "leaky": leaky_relu(0.125), "hardtanh": clip(-1.0, 1.0), "folding": leaky_relu(-0.5)}
KINDS = [*ACTIVATIONS, "max"]
kinds = st.sampled_from(KINDS)
seeds = st.integers(0, 10**6)
styles = st.sampled_from(["normal", "integers"])


def random_network(seed, inputs, widths, kind="relu", *, outputs=2, style="normal", divisors=True):
    """Hidden stages of these widths, the output linear; every third stage with a divisor."""
    rng = np.random.default_rng(seed)
    stages, width = [], inputs
    for units in widths:
        rows = 2 * units if kind == "max" else units
        if style == "integers":
            w, b = rng.integers(-2, 3, (rows, width)).astype(float), rng.integers(-1, 2, rows).astype(float)
        else:
            w, b = rng.normal(0, math.sqrt(2 / width), (rows, width)), rng.normal(0, 0.3, rows)
        pairs = MaxGroups(np.arange(0, rows + 1, 2))
        act = pairs if kind == "max" else UnitActivations.uniform(ACTIVATIONS[kind], rows)
        stages.append(Stage(w, b, act, 1.0 + rng.integers(0, 3, rows) if divisors and rng.random() < 0.3 else None))
        width = units
    linear = UnitActivations.uniform(IDENTITY, outputs)
    return Network((*stages, Stage(rng.normal(size=(outputs, width)), rng.normal(size=outputs), linear)))

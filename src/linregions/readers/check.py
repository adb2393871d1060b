"""The last step of every reader: the network and the model that it came from agree on random inputs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..errors import InputError
from ..network import Network

# Rounding errors of a model evaluated in a format of this precision stay well below this share of its largest terms;
# a wrong weight, sign or index does not.
_FACTORS = {"float16": 0.02, "bfloat16": 0.15, "float32": 1e-4, "float64": 1e-10}


def points(inputs: int, count: int = 5) -> np.ndarray:
    """The same few inputs every time: zero, and normal ones of sizes 0.3, 1 and 10."""
    rng = np.random.default_rng(20240229)
    sizes = np.array([0.0, 1.0, 0.3, 10.0, 1.0])[:count, None]
    return sizes * rng.standard_normal((len(sizes), inputs))


def check(
    net: Network,
    model: Callable[[np.ndarray], tuple[np.ndarray, float]],
    precision: str,
    *,
    source: str,
    count: int = 5,
) -> None:
    """Compare `net` with `model`, a function from one flat float64 input to the flat outputs.

    Args:
        net: the network that was read.
        model: evaluates the model as it was given: its outputs, and the largest absolute value on the way as far as
            it is known (0 if not).  The network can lack a large intermediate that the reader cancelled exactly.
        precision: the name of the format in which the model calculates.
        source: the model's name, for the message.
        count: number of inputs.

    Raises:
        InputError: the outputs differ by more than rounding explains.
    """
    for x in points(net.input_dim, count).astype(_storage(precision)).astype(np.float64):
        outputs, largest = model(x)
        theirs = np.asarray(outputs, dtype=np.float64).ravel()
        with np.errstate(all="ignore"):
            ours, size = _evaluate(net, x)
        size = max(size, largest)
        if theirs.shape != ours.shape:
            raise InputError(
                f"{source}: the reader and the model disagree: {ours.size} outputs against {theirs.size}; "
                "please report this model"
            )
        # Where the model itself overflows its own format there is nothing to compare.
        known = np.isfinite(theirs) & np.isfinite(ours)
        difference = float(np.max(np.abs(ours - theirs)[known], initial=0.0))
        tolerance = _FACTORS[precision] * size + _smallest(precision)
        if difference > tolerance:
            raise InputError(
                f"{source}: the reader and the model disagree by {difference:.3g} on a random input "
                f"(rounding explains {tolerance:.3g}); please report this model"
            )


def largest_of(values: Iterable[Any]) -> float:
    """The largest finite absolute value in some numeric arrays."""
    size = 0.0
    for value in values:
        array = np.asarray(value)
        if array.dtype.kind in "fiu" and array.size:
            array = np.abs(array.astype(np.float64))
            size = max(size, float(np.max(array[np.isfinite(array)], initial=0.0)))
    return size


def _evaluate(net: Network, x: np.ndarray) -> tuple[np.ndarray, float]:
    """Outputs, and the largest sum of absolute terms that any unit added up."""
    size = 0.0
    for stage in net.stages:
        terms = abs(stage.weight) @ np.abs(x) + np.abs(stage.bias)
        terms = terms if stage.divisor is None else terms / stage.divisor
        size = max(size, float(np.max(terms, initial=0.0)))
        x = stage(x[None])[0]
    return x, size


def _storage(precision: str) -> type:
    return {"float16": np.float16, "bfloat16": np.float16, "float64": np.float64}.get(precision, np.float32)


def _smallest(precision: str) -> float:
    """What underflow can lose."""
    return {"float16": 1e-3, "float64": 1e-300}.get(precision, 1e-30)

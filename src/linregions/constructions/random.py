"""Random networks, and small trained ones, from a seed."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..checks import real_number, shown, whole_number
from ..errors import InputError, MissingExtraError
from ..network import Network

Layers = list[tuple[np.ndarray, np.ndarray]]


def random(widths: Any, *, init: str = "he", bias: float | str | None = None, seed: Any = 0) -> Network:
    """A ReLU network with random weights, drawn layer by layer, the weight before the bias, the output layer last.

    Args:
        widths: "2-16-16-1" or [2, 16, 16, 1]: inputs first, outputs last.
        init: how weights are drawn.
            "he": N(0, 2 / fan_in) (He et al. 2015).
            "glorot": uniform on +- sqrt(6 / (fan_in + fan_out)) (Glorot, Bengio 2010).
            "orthogonal": sqrt(2) times orthonormal rows or columns, uniformly distributed (Saxe et al. 2014).
            "torch": uniform on +- 1 / sqrt(fan_in), the default of torch's Linear (in float64 and numpy's numbers).
        bias: a number s draws from N(0, s^2); "zero"; "torch": uniform on +- 1 / sqrt(fan_in).  None is "torch" with
            init "torch" and 0.1 otherwise.
        seed: a non-negative whole number for numpy's `default_rng`, or a `numpy.random.Generator`, which moves on.

    Raises:
        InputError: an argument is not one of these.

    Example:
        >>> from linregions import Box, count
        >>> count(random("2-16-16-1", seed=0), Box.cube(-1, 1, 2)).value
        412
    """
    sizes, rng = _widths(widths), _generator(seed)
    return Network.from_arrays(_drawn(sizes, init, bias, rng), source=f"random ({init})")


def trained(
    widths: Any,
    *,
    seed: Any = 0,
    steps: int = 200,
    learning_rate: float = 0.01,
    samples: int = 256,
    init: str = "he",
    bias: float | str | None = None,
) -> Network:
    """A ReLU network fitted to sine waves on [-1, 1]^n0: full-batch Adam on the mean squared error, in float64.

    Output j of the target is `mean_i sin(pi (j + 1) x_i + i)`, at `samples` uniform random points.  The random numbers
    are numpy's, first `random(widths, init=init, bias=bias, seed=seed)`, then the points; torch's random state is
    neither used nor changed.  The same seed gives the same network on the same machine.

    Args:
        widths: "2-16-16-1" or [2, 16, 16, 1]: inputs first, outputs last.
        seed: a non-negative whole number or a `numpy.random.Generator`.
        steps: how many steps; 0 gives the random network itself.
        learning_rate: of Adam.
        samples: number of points.
        init: as for `random`.
        bias: as for `random`.

    Raises:
        InputError: an argument does not fit, or the training diverged.
        MissingExtraError: torch is not installed.

    Example:
        >>> trained("2-8-1", steps=100, seed=1)  # doctest: +SKIP
        Network 2-8-1, 8 units with pieces (8 relu)
    """
    sizes, rng = _widths(widths), _generator(seed)
    steps = 0 if type(steps) is int and steps == 0 else whole_number(steps, "steps")
    learning_rate = real_number(learning_rate, "learning_rate")
    if not 0 < learning_rate < math.inf:
        raise InputError(f"learning_rate must be a positive finite number, got {learning_rate}")
    samples = whole_number(samples, "samples")
    layers = _drawn(sizes, init, bias, rng)
    x = rng.uniform(-1, 1, (samples, sizes[0]))
    waves = [np.sin(math.pi * (j + 1) * x + np.arange(sizes[0])).mean(axis=1) for j in range(sizes[-1])]
    fitted = _fitted(layers, x, np.stack(waves, axis=1), steps, learning_rate)
    if not all(np.isfinite(v).all() for layer in fitted for v in layer):
        raise InputError(f"learning_rate: the training diverged with {learning_rate}; take a smaller one")
    return Network.from_arrays(fitted, source=f"trained ({init}, {steps} steps)")


def _drawn(sizes: list[int], init: str, bias: float | str | None, rng: np.random.Generator) -> Layers:
    if not isinstance(init, str) or init not in INITS:
        raise InputError(f"init: {shown(init)} is not known; use one of {', '.join(INITS)}")
    draw_bias = _bias(("torch" if init == "torch" else 0.1) if bias is None else bias)
    layers = []
    for fan_in, out in itertools.pairwise(sizes):
        weight = INITS[init](rng, out, fan_in)
        layers.append((weight, draw_bias(rng, out, fan_in)))
    return layers


def _he(rng: np.random.Generator, out: int, fan_in: int) -> np.ndarray:
    return rng.normal(0, math.sqrt(2 / fan_in), (out, fan_in))


def _glorot(rng: np.random.Generator, out: int, fan_in: int) -> np.ndarray:
    end = math.sqrt(6 / (fan_in + out))
    return rng.uniform(-end, end, (out, fan_in))


def _orthogonal(rng: np.random.Generator, out: int, fan_in: int) -> np.ndarray:
    q, r = np.linalg.qr(rng.normal(size=(max(out, fan_in), min(out, fan_in))))
    # With the signs of R's diagonal the distribution is uniform (Mezzadri 2007).
    q = q * np.where(np.diag(r) < 0, -1.0, 1.0)
    return math.sqrt(2) * (q if out >= fan_in else q.T)


def _torch(rng: np.random.Generator, out: int, fan_in: int) -> np.ndarray:
    end = 1 / math.sqrt(fan_in)
    return rng.uniform(-end, end, (out, fan_in))


Draw = Callable[[np.random.Generator, int, int], np.ndarray]
INITS: dict[str, Draw] = {"he": _he, "glorot": _glorot, "orthogonal": _orthogonal, "torch": _torch}


def _bias(bias: Any) -> Draw:
    if isinstance(bias, str):
        if bias == "zero":
            return lambda rng, out, fan_in: np.zeros(out)
        if bias == "torch":
            return lambda rng, out, fan_in: rng.uniform(-1 / math.sqrt(fan_in), 1 / math.sqrt(fan_in), out)
        raise InputError(f"bias: {bias!r} is not known; use a number, 'zero' or 'torch'")
    spread = real_number(bias, "bias")
    if not 0 <= spread < math.inf:
        raise InputError(f"bias must be 'zero', 'torch' or a finite standard deviation >= 0, got {spread}")
    return lambda rng, out, fan_in: rng.normal(0, spread, out)


def _fitted(layers: Layers, x: np.ndarray, y: np.ndarray, steps: int, learning_rate: float) -> Layers:
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError("trained networks need torch; pip install 'linregions[torch]'") from error
    # Also within a caller's no_grad or inference_mode; nothing here draws a random number.
    with torch.inference_mode(False), torch.enable_grad():
        points, target = torch.tensor(x, device="cpu"), torch.tensor(y, device="cpu")
        parameters = [[torch.tensor(v, device="cpu", requires_grad=True) for v in layer] for layer in layers]
        optimizer = torch.optim.Adam([v for layer in parameters for v in layer], lr=learning_rate)
        for _ in range(steps):
            state = points
            for k, (weight, bias) in enumerate(parameters):
                state = (torch.relu(state) if k else state) @ weight.T + bias
            optimizer.zero_grad()
            ((state - target) ** 2).mean().backward()
            optimizer.step()
    return [(weight.detach().numpy(), bias.detach().numpy()) for weight, bias in parameters]


def _widths(widths: Any) -> list[int]:
    wanted = "widths must be like '2-16-16-1' or [2, 16, 16, 1], inputs first and outputs last"
    if isinstance(widths, str):
        parts: list[Any] = [int(p) if p.strip().isdecimal() else p for p in widths.split("-")]
    elif isinstance(widths, Iterable):
        parts = list(widths)
    else:
        raise InputError(f"{wanted}, got {shown(widths)}")
    if len(parts) < 3:
        raise InputError(f"{wanted}, with at least one hidden layer, got {shown(widths)}")
    return [whole_number(p, f"widths: number {k}") for k, p in enumerate(parts, start=1)]


def _generator(seed: Any) -> np.random.Generator:
    if isinstance(seed, np.random.Generator):
        return seed
    if isinstance(seed, int | np.integer) and not isinstance(seed, bool) and seed >= 0:
        return np.random.default_rng(int(seed))
    raise InputError(f"seed must be a whole number >= 0 or a numpy.random.Generator, got {shown(seed)}")

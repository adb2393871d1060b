"""Smooth local complexity: how much boundary passes near a point when the biases are noisy.

With a bias of z noisy by sigma, its boundary passes through x with density `|grad z(x)| rho_sigma(z(x))`; summed over
the units that the outputs depend on.  It is smooth in the weights, and needs gradients only.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..activations import MaxGroups
from ..checks import real_number, seed_number, shown, whole_number
from ..errors import InputError
from ..network import Network
from ..stage import is_sparse
from .tracing import CHUNK, Trace, as_network, checked_points, directions_matrix, slopes, times


def local_complexity_smooth(
    model: Any, x: Any, *, sigma: float = 1.0, samples: int = 0, seed: int = 0, within: Any = None
) -> np.ndarray:
    """`sum_z |grad z(x)| rho_sigma(z(x) - t) 1{z good at x}` at each point, over all breakpoints t; (points,).

    rho_sigma is the density of N(0, sigma^2).  A unit is good at x where the outputs depend on it: some path of
    non-zero weights and units that are not flat leads from it to an output.  The mean over points from the data is the
    local complexity of the source.  Its formula is reconstructed, not verified against the paper.

    Args:
        model: a Network of scalar activations, or what a reader takes.
        x: (points, inputs).
        sigma: standard deviation of the noise of every bias.
        samples: 0 leaves the other biases as they are; otherwise the mean over so many draws of all of them, the unit's
            own left out, since the density stands for it.
        seed: of the draws, the same for all points.
        within: directions as in `boundary_distance`; gradients are projected on the slice.

    Raises:
        InputError: an argument does not fit, or the network has max groups.

    Source: Patel, Montufar 2025 (2412.18283); Hanin, Rolnick 2019 for the density.

    Example:
        >>> net = Network.from_arrays([([[3.0, 4.0]], [0.0]), ([[1.0]], [0.0])])
        >>> float(local_complexity_smooth(net, [[0.0, 0.0]])[0] * np.sqrt(2 * np.pi))
        5.0
    """
    network, sigma = as_network(model), real_number(sigma, "sigma")
    if not 0 < sigma < np.inf:
        raise InputError(f"sigma: must be a positive number, got {shown(sigma)}")
    count, seed = whole_number(samples, "samples", least=0), seed_number(seed)
    if any(isinstance(s.activation, MaxGroups) for s in network.stages):
        raise InputError(
            "model: has max groups, whose boundaries lie where no bias moves them alone; use boundary_distance"
        )
    x = checked_points(network, x)
    basis = None if within is None else directions_matrix(within, network.input_dim)[0]
    rng = np.random.default_rng(seed)
    draws = [[sigma * rng.standard_normal(s.rows) for s in network.stages] for _ in range(count)] or [None]
    widest = max(s.rows for s in network.stages)
    step = max(1, CHUNK // widest**2)
    out = np.zeros(len(x))
    for noise in draws:
        for a in range(0, len(x), step):
            out[a : a + step] += _density(network, x[a : a + step], sigma, noise, basis)
    return out / len(draws)


def _density(network: Network, x: np.ndarray, sigma: float, noise: Any, basis: Any) -> np.ndarray:
    trace, quiet = _noisy(network, x, noise)
    good, out = _good(trace), np.zeros(len(x))
    for k, (stage, lengths) in enumerate(zip(network.stages, _lengths(trace, basis), strict=True)):
        for i, f in enumerate(stage.activation.functions):  # type: ignore[union-attr]
            mine = stage.activation.index == i  # type: ignore[union-attr]
            for t in f.breakpoints:
                height = np.exp(-(((quiet[k][:, mine] - t) / sigma) ** 2) / 2) / (np.sqrt(2 * np.pi) * sigma)
                out += np.sum(lengths[:, mine] * height * good[k][:, mine], axis=1)
    return out


def _noisy(network: Network, x: np.ndarray, noise: Any) -> tuple[Trace, list[np.ndarray]]:
    """A trace with noise on all biases, and the levels before each one's own noise."""
    if noise is None:
        trace = Trace.of(network, x)
        return trace, list(trace.levels)
    quiet, levels, pieces, state = [], [], [], x
    for stage, own in zip(network.stages, noise, strict=True):
        z = stage.preactivation(state)
        quiet.append(z)
        levels.append(z + (own if stage.divisor is None else own / stage.divisor))
        pieces.append(stage.piece(levels[-1]).astype(np.int64))
        state = stage.activate(levels[-1])
    return Trace(network, x, tuple(levels), tuple(pieces), state), quiet


def _lengths(trace: Trace, basis: Any) -> list[np.ndarray]:
    """Lengths of the gradients of all pre-activations, per stage (points, rows), from Gram matrices of the gradients.

    `G' = W D G D W^T` has the squares on its diagonal, and needs widths where gradients need inputs.
    """
    gram, out = None, []
    for k, stage in enumerate(trace.network.stages):
        weight = stage.weight
        if k == 0:
            rows: Any = weight if basis is None else np.asarray(weight @ basis)
            first = rows @ rows.T
            gram = np.broadcast_to(first.toarray() if is_sparse(first) else first, (len(trace.x), *first.shape))
        else:
            gain = slopes(trace.network.stages[k - 1].activation, trace.pieces[k - 1])
            assert gram is not None
            gram = gram * gain[:, :, None] * gain[:, None, :]  # type: ignore[index]
            half = times(gram.reshape(-1, stage.inputs), weight.T).reshape(len(trace.x), stage.inputs, stage.rows)
            turned = np.ascontiguousarray(half.transpose(0, 2, 1)).reshape(-1, stage.inputs)
            gram = times(turned, weight.T).reshape(len(trace.x), stage.rows, stage.rows)
        if stage.divisor is not None:
            gram = gram / stage.divisor[:, None] / stage.divisor
        out.append(np.sqrt(np.maximum(0.0, np.einsum("pii->pi", gram))))
    return out


def _good(trace: Trace) -> list[np.ndarray]:
    """Per stage (points, units): whether some output depends on the unit, by weights that are not zero."""
    stages = trace.network.stages
    out = [np.ones((len(trace.x), stages[-1].units), dtype=bool)]
    for k in range(len(stages) - 1, 0, -1):
        gain = slopes(stages[k].activation, trace.pieces[k])
        on = (out[-1] & (gain != 0)).astype(np.float64)  # type: ignore[operator]
        weight = stages[k].weight
        linked = (abs(weight) > 0).astype(np.float64)
        out.append(times(on, linked) > 0)
    return out[::-1]

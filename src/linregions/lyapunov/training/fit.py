"""Gradient descent on all parameters of a candidate (torch, float64): a proposal, nothing more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .needs import torch
from .start import Shape

WORST = 0.02  # the part of the points whose violations count a second time


@dataclass(frozen=True, eq=False)
class Samples:
    """Points `x` (m, n), where the system takes them `f` (m, n): the derivative, or the next state in discrete time."""

    x: np.ndarray
    f: np.ndarray


def fit(
    shape: Shape,
    samples: Samples,
    *,
    time: str,
    margin: float,
    steps: int,
    rate: float,
    on_step: Callable[[int, float], bool] | None = None,
) -> tuple[Shape, float]:
    """Lessen the violations of `V >= margin |x|` and `-Vdot >= margin |x|` (or `V - V(f) >= margin |x|`).

    The loss is the mean of `relu(margin - V / |x|)` and `relu(margin + Vdot / |x|)` over the points, plus the same over
    the worst of them; dividing by |x| keeps the origin in it.

    Args:
        shape: where to start.
        samples: the points.
        time: "continuous" or "discrete".
        margin: what is asked, in units of |x|_1.
        steps: steps of Adam.
        rate: its step size, relative to the mean size of each group of parameters; it falls to a tenth.
        on_step: called with (step, loss); a true answer stops.

    Returns:
        The parameters with the least loss, and that loss.
    """
    x, f = torch.from_numpy(samples.x), torch.from_numpy(samples.f)
    length = x.abs().sum(dim=1)
    start = [shape.lines, shape.sides, shape.hinges, np.log(shape.offsets), shape.weights]
    parts = [torch.tensor(p, dtype=torch.float64, requires_grad=True) for p in start]
    groups = [{"params": [p], "lr": rate * _size(s)} for p, s in zip(parts, start, strict=True)]
    groups[3]["lr"] = rate  # logarithms: already relative
    groups[4]["lr"] = rate * _size(shape.sides)  # they may all begin at 0
    descent = torch.optim.Adam(groups)
    schedule = torch.optim.lr_scheduler.ExponentialLR(descent, 0.1 ** (1.0 / max(steps, 1)))
    least, best = np.inf, shape
    for step in range(steps):
        loss = _loss(parts, x, f, length, time, margin)
        value = float(loss.detach())
        if value < least:
            least, best = value, _shape(parts)
        if value == 0.0 or (on_step is not None and on_step(step, value)):
            break
        descent.zero_grad()
        loss.backward()
        descent.step()
        schedule.step()
    return best, least


def _loss(parts, x, f, length, time: str, margin: float):
    lines, sides, hinges, logs, weights = parts
    before, bent = x @ lines.T, x @ hinges.T - logs.exp()
    value = before.clamp(min=0) @ sides[0] + (-before).clamp(min=0) @ sides[1] + bent.clamp(min=0) @ weights
    if time == "discrete":
        after, folded = f @ lines.T, f @ hinges.T - logs.exp()
        after_value = after.clamp(min=0) @ sides[0] + (-after).clamp(min=0) @ sides[1] + folded.clamp(min=0) @ weights
        change = after_value - value
    else:
        slopes = torch.where(before > 0, sides[0], -sides[1])
        change = ((f @ lines.T) * slopes).sum(dim=1) + ((f @ hinges.T) * ((bent > 0) * weights)).sum(dim=1)
    missing = torch.cat([(margin - value / length).clamp(min=0), (margin + change / length).clamp(min=0)])
    worst = missing.topk(max(1, int(WORST * len(missing)))).values
    return missing.mean() + worst.mean()


def _size(values: np.ndarray) -> float:
    return float(np.abs(values).mean()) if values.size else 1.0


def _shape(parts) -> Shape:
    lines, sides, hinges, logs, weights = (p.detach().numpy().copy() for p in parts)
    return Shape(lines, sides, hinges, np.exp(logs), weights)

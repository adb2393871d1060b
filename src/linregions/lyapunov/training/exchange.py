"""Exchange of hinges by their price: the multipliers of a linear programme say which new unit would help most.

At the optimum of the programme the multipliers y of the conditions prove that no other output weights do better.  A
unit phi that is not there would, as soon as `sum_i y_i row_i(phi)` is not 0 (for hinges, which vanish around 0, so that
the size of V does not depend on them): the rule by which columns enter in the simplex method.
"""

from __future__ import annotations

import numpy as np

from .flow import Flow
from .readout import Points
from .start import Shape, directions

TRIALS = 4_000


def exchanged(
    shape: Shape,
    points: Points,
    pressure: np.ndarray,
    flow: Flow,
    *,
    corners: np.ndarray,
    time: str,
    part: float,
    rng: np.random.Generator,
) -> Shape:
    """Replace the hinges that matter least by those of the best price among many at random.

    Args:
        shape: the candidate with the weights of the programme.
        points: where its conditions contradict each other (m).
        pressure: (m,) the multipliers there.
        flow: the system.
        corners: (k, n) points whose hull is the domain.
        time: "continuous" or "discrete".
        part: which part of the hinges goes.
        rng: where the new ones come from.
    """
    count = len(shape.offsets)
    leaving = int(np.ceil(part * count))
    if not leaving:
        return shape
    hinges = directions(TRIALS, corners.shape[1], rng) @ _metric(points.x)
    reach = (corners @ hinges.T).max(axis=0)
    hinges /= np.where(reach > 0, reach, 1.0)[:, None]
    offsets = rng.uniform(0.02, 0.98, TRIALS)
    price = np.abs(prices(hinges, offsets, points, pressure, flow, time=time))
    weak = np.argsort(np.abs(shape.weights) * (1.0 - shape.offsets), kind="stable")[:leaving]
    new = _apart(hinges, offsets, price, leaving)
    weak = weak[: len(new)]
    out = Shape(shape.lines, shape.sides, shape.hinges.copy(), shape.offsets.copy(), shape.weights.copy())
    out.hinges[weak], out.offsets[weak], out.weights[weak] = hinges[new], offsets[new], 0.0
    return out


def prices(
    hinges: np.ndarray, offsets: np.ndarray, points: Points, pressure: np.ndarray, flow: Flow, *, time: str
) -> np.ndarray:
    """`sum_i y_i row_i` of the units `relu(u.x - h)`, (units,)."""
    x = points.x
    level = x @ hinges.T - offsets
    asked = np.flatnonzero(points.decrease)
    index, values = flow(x[asked])
    at = asked[index]
    if time == "discrete":
        falls = np.maximum(level[at], 0.0) - np.maximum(values @ hinges.T - offsets, 0.0)
    else:
        falls = -(values @ hinges.T) * (level[at] > 0)
    share = pressure / np.abs(x).sum(axis=1)
    still = np.flatnonzero(~points.decrease)
    return share[at] @ falls + share[still] @ np.maximum(level[still], 0.0)


def _metric(x: np.ndarray) -> np.ndarray:
    """Scales of the coordinates, so that directions spread evenly over a domain that is long one way."""
    return np.diag(1.0 / np.maximum(np.abs(x).max(axis=0), 1e-12))


def _apart(hinges: np.ndarray, offsets: np.ndarray, price: np.ndarray, count: int) -> list[int]:
    """The best ones, no two nearly the same."""
    chosen: list[int] = []
    for k in np.argsort(-price, kind="stable").tolist():
        if price[k] <= 0 or len(chosen) == count:
            break
        row = np.append(hinges[k], offsets[k])
        others = np.concatenate([hinges[chosen], offsets[chosen][:, None]], axis=1)
        if not len(chosen) or np.abs(others - row).sum(axis=1).min() > 0.1 * np.abs(row).sum():
            chosen.append(k)
    return chosen

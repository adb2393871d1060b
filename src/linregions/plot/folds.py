"""How each layer folds the plane: inputs that later layers cannot tell apart have one colour."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from ..checks import plural, shown, whole_number
from ..domain import Domain
from ..errors import InputError
from ..network import Network
from . import canvas
from .regions import as_network, by_depth, coordinate_names, draw_boundaries, outline, splitting, truncated

# Colours of the corners (0,0), (1,0), (0,1), (1,1) of an image; lightness alone tells the diagonal.
CORNERS = np.array([[38, 30, 92], [214, 94, 20], [40, 150, 200], [255, 240, 190]]) / 255.0
PIXELS = 480


def folding(model: Any, domain: Domain, *, layers: Sequence[int] | None = None, axes: Any = None) -> Any:
    """Draw how the layers of a network fold the plane: one panel for each layer.

    The panel of layer k shows what that layer sees and where it cuts.  Colour: the image of the input under the layers
    before, as far as layer k reads it (coordinates on the row space of its weight); inputs of one colour are the same
    to layer k and to all that follow.  White lines: the boundaries that layer k makes; black lines: earlier ones.

    Args:
        model: a `Network`, a `Construction`, or whatever `linregions.read` takes.
        domain: a bounded `Box` or `Polytope` in two inputs, or a `Plane`.
        layers: numbers of the layers to show, from 1; None shows every layer that has boundaries.
        axes: as many matplotlib axes as layers; None makes a figure.

    Returns:
        The matplotlib `Figure`.

    Raises:
        InputError: the domain is not two-dimensional and bounded; a layer does not exist, or reads its inputs in more
            than two dimensions, so that no colour can tell all images apart.
        MissingExtraError: matplotlib is not installed.

    Example:
        >>> from linregions import Box, constructions, plot
        >>> figure = plot.folding(constructions.zigzag_product(2, [4, 4, 4]), Box.cube(0, 2, 2))
        >>> len(figure.axes)
        3
    """
    network = as_network(model)
    corners = outline(network, domain)
    cutting = splitting(network)
    chosen = _chosen(layers, cutting, len(network.stages))
    matrices = [_reading(network, domain, k) for k in chosen]
    found = by_depth(network, domain, {*chosen, *(c for c in cutting if c < max(chosen))})
    figure, row = canvas.panels(axes, len(chosen), size=(4.2, 4.7))
    for ax, k, matrix in zip(row, chosen, matrices, strict=True):
        _colour(ax, network, domain, corners, k, matrix)
        draw_boundaries(ax, found, {c: "white" if c == k else "black" for c in {*cutting, k} if c <= k})
        canvas.frame(ax, corners, coordinate_names(domain))
        before = ["the plane", "folded by layer 1", "folded by layers 1 and 2"]
        seen = before[k - 1] if k < 4 else f"folded by layers 1 to {k - 1}"
        ax.set_title(f"{seen},\ncut by layer {k}: {plural(len(found[k]), 'region')}", fontsize="medium")
    return figure


def reading(rows: list[list[Fraction]]) -> list[list[Fraction]]:
    """The reduced row echelon form of `rows` without its zero rows: coordinates on what the rows can tell.

    Example:
        >>> [[int(v) for v in row] for row in reading([[1, 1, 0, 0], [2, 2, 0, 0], [3, 3, 1, 1]])]
        [[1, 1, 0, 0], [0, 0, 1, 1]]
    """
    from flint import fmpq, fmpq_mat

    exact = [[Fraction(v) for v in row] for row in rows]
    reduced, rank = fmpq_mat([[fmpq(v.numerator, v.denominator) for v in row] for row in exact]).rref()
    table = reduced.tolist()[:rank]
    return [[Fraction(int(v.p), int(v.q)) for v in row] for row in table]


def _chosen(layers: Sequence[int] | None, cutting: list[int], depth: int) -> list[int]:
    if layers is None:
        chosen = cutting
    else:
        chosen = [whole_number(k, "layers", most=depth) for k in layers]
    if not chosen:
        what = "the network has no unit with more than one piece" if layers is None else f"got {shown(layers)}"
        raise InputError(f"layers: at least one is needed, {what}")
    return chosen


def _reading(network: Network, domain: Domain, k: int) -> np.ndarray:
    """Matrix (1 or 2, width) by which layer k reads what it is given; for layer 1, the domain's coordinates."""
    stage = network.stages[k - 1]
    rows = []
    for i in range(stage.rows):
        row = [Fraction(0)] * stage.inputs
        for j, w in zip(*stage.row(i), strict=True):
            row[int(j)] = Fraction(float(w))
        rows.append(row)
    embedding = domain.embedding
    if k == 1 and embedding is not None:
        columns = [[u[c] for u in embedding] for c in range(domain.dim)]
        rows = [[sum((a * b for a, b in zip(row, c, strict=True)), Fraction(0)) for c in columns] for row in rows]
    matrix = reading(rows)
    if len(matrix) > 2:
        raise InputError(
            f"layers: layer {k} reads its inputs in {len(matrix)} dimensions, so no picture can give inputs that share "
            f"an image one colour; draw layers that read two, or the partition"
        )
    return np.array([[float(v) for v in row] for row in matrix]).reshape(len(matrix), len(rows[0]))


def _colour(ax: Any, network: Network, domain: Domain, corners: np.ndarray, k: int, matrix: np.ndarray) -> None:
    from matplotlib.patches import Polygon

    low, high = corners.min(axis=0), corners.max(axis=0)
    # The middles of the pixels, which lie inside the domain's bounding box.
    steps = (np.arange(PIXELS) + 0.5) / PIXELS
    t = np.stack(np.meshgrid(*(a + steps * (b - a) for a, b in zip(low, high, strict=True))), axis=-1)
    state = t if k == 1 else truncated(network, k - 1)(domain.inputs(t))
    image = state @ matrix.T
    extent = (low[0], high[0], low[1], high[1])
    picture = ax.imshow(_shade(image), extent=extent, origin="lower", interpolation="bilinear", zorder=1)
    picture.set_clip_path(Polygon(corners, closed=True, transform=ax.transData))


def _shade(image: np.ndarray) -> np.ndarray:
    """Colours (rows, columns, 3) of images (rows, columns, 0 to 2), bilinear on the images' bounding box."""
    low, high = image.min(axis=(0, 1)), image.max(axis=(0, 1))
    unit = (image - low) / np.where(high > low, high - low, 1.0)
    missing = 2 - image.shape[-1]
    u, v = np.moveaxis(np.concatenate([unit, np.full((*image.shape[:-1], missing), 0.5)], axis=-1), -1, 0)
    weights = np.stack([(1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v], axis=-1)
    return np.clip(weights @ CORNERS, 0.0, 1.0)

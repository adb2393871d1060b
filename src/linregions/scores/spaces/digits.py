"""A small space that anybody can train: cells, widths, depths and activations of networks for 8 x 8 digits."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ...checks import plural, shown, whole_number
from ...errors import InputError
from .space import seeded
from .table import Table, read_lines, read_percent

if TYPE_CHECKING:
    from torch import Tensor, nn

OPERATIONS = ("none", "skip", "conv1x1", "conv3x3", "avgpool")
WIDTHS = (4, 8, 16)
DEPTHS = (1, 2, 3)
ACTIVATIONS = ("relu", "relu6", "gelu", "silu")
NODES = 4
# (from, to), in the order of `DigitsNet.cell`
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
CLASSES = 10
HEADER = ("architecture", "seeds", "mean_test_acc", "test_accs")

_TEXT = re.compile(r"([a-z0-9|]+) width (\d{1,4}) depth (\d{1,4}) ([a-z0-9]+)")

Cell = tuple[str, str, str, str, str, str]


class DigitsNet(NamedTuple):
    """An architecture: `depth` copies of one cell with `width` channels, and the activation before every convolution.

    The cell has one operation on each edge (0>1) (0>2) (1>2) (0>3) (1>3) (2>3) of the nodes 0, the input, to 3, the
    output.
    """

    cell: Cell
    width: int
    depth: int
    activation: str

    def __str__(self) -> str:
        return f"{'|'.join(self.cell)} width {self.width} depth {self.depth} {self.activation}"


@dataclass(frozen=True)
class Digits:
    """Cells of four nodes as in NAS-Bench-201, in networks of 3 widths, 3 depths and 4 activations.

    Members are the architectures whose output depends on the input: cells with no way from node 0 to node 3 are left
    out, because they all have the accuracy of a guess, and agreement on them would flatter every score.

    A network is a 3x3 convolution with batch normalisation, the cells (2x2 average pooling after the first), batch
    normalisation, activation, global average pooling and a linear layer.  On scikit-learn's digits it trains in about a
    second (`digits_training.train`), so the truth that a score is compared with can be made anew by everybody.

    Example:
        >>> space = Digits()
        >>> space.size
        550224
        >>> net = space.parse("none|conv3x3|none|skip|none|conv1x1 width 8 depth 2 gelu")
        >>> net.width, space.text(net)
        (8, 'none|conv3x3|none|skip|none|conv1x1 width 8 depth 2 gelu')
    """

    name = "digits"

    @property
    def size(self) -> int:
        """Number of members: the cells that join input and output, times widths, depths and activations."""
        return len(_cells()) * len(WIDTHS) * len(DEPTHS) * len(ACTIVATIONS)

    def sample(self, rng: np.random.Generator) -> DigitsNet:
        """A member, each equally likely."""
        cells = _cells()
        cell, width, depth, activation = (rng.integers(len(c)) for c in (cells, WIDTHS, DEPTHS, ACTIVATIONS))
        return DigitsNet(cells[cell], WIDTHS[width], DEPTHS[depth], ACTIVATIONS[activation])

    def neighbours(self, architecture: DigitsNet) -> Iterator[DigitsNet]:
        """Every member with another operation on one edge, or another width, depth or activation: up to 31."""
        _check(architecture)
        cell = architecture.cell
        for edge, operation in enumerate(cell):
            for other in OPERATIONS:
                changed = _as_cell((*cell[:edge], other, *cell[edge + 1 :]))
                if other != operation and _joined(changed):
                    yield architecture._replace(cell=changed)
        for field, choices in (("width", WIDTHS), ("depth", DEPTHS), ("activation", ACTIVATIONS)):
            for other in choices:
                if other != getattr(architecture, field):
                    yield architecture._replace(**{field: other})

    def mutate(self, architecture: DigitsNet, rng: np.random.Generator) -> DigitsNet:
        """One neighbour, each equally likely."""
        neighbours = list(self.neighbours(architecture))
        return neighbours[rng.integers(len(neighbours))]

    def crossover(self, first: DigitsNet, second: DigitsNet, rng: np.random.Generator) -> DigitsNet:
        """Each edge's operation, the width, the depth and the activation from one parent or the other, by a coin.

        Where the mixed cell is cut off from the input the coins are thrown again.
        """
        _check(first)
        _check(second)
        while True:
            coins = rng.integers(2, size=len(EDGES) + 3)
            cell = _as_cell(b if coin else a for a, b, coin in zip(first.cell, second.cell, coins[:-3], strict=True))
            if _joined(cell):
                break
        width, depth, activation = (second if coin else first for coin in coins[-3:])
        return DigitsNet(cell, width.width, depth.depth, activation.activation)

    def build(self, architecture: DigitsNet, *, seed: int = 0) -> nn.Module:
        """The torch module of an architecture, in training mode; scores and training take the same network.

        Args:
            architecture: a member of the space.
            seed: draws torch's default weights; the global random state is not touched.

        Returns:
            A module that takes (S, 1, H, W), H and W at least 2, and gives (S, 10).

        Raises:
            InputError: the architecture is no member.
            MissingExtraError: torch is not installed.
        """
        _check(architecture)
        from .digits_ops import DigitsNetwork

        with seeded(seed):
            return DigitsNetwork(architecture)

    def text(self, architecture: DigitsNet) -> str:
        """`op|op|op|op|op|op width W depth D ACTIVATION`."""
        _check(architecture)
        return str(architecture)

    def parse(self, text: str) -> DigitsNet:
        """The architecture of a text.

        Raises:
            InputError: the text has another form, or is no member of the space.
        """
        match = _TEXT.fullmatch(text.strip()) if isinstance(text, str) else None
        cell = match[1].split("|") if match else []
        if match is None or len(cell) != len(EDGES):
            raise InputError(
                f"architecture: cannot read {shown(text)}; write six operations, such as "
                "none|skip|conv1x1|conv3x3|avgpool|none width 8 depth 2 relu"
            )
        architecture = DigitsNet(_as_cell(cell), int(match[2]), int(match[3]), match[4])
        _check(architecture)
        return architecture

    def controls(self, architecture: DigitsNet) -> dict[str, int]:
        """Operations of each kind in one cell; width; cells; and the convolutions of all cells together."""
        _check(architecture)
        kinds = Counter(architecture.cell)
        convolutions = kinds["conv1x1"] + kinds["conv3x3"]
        return {
            "convolutions": convolutions * architecture.depth,
            "conv_3x3": kinds["conv3x3"],
            "pools": kinds["avgpool"],
            "skips": kinds["skip"],
            "nones": kinds["none"],
            "width": architecture.width,
            "cells": architecture.depth,
        }

    def probe(self, samples: int, *, seed: int | None = None) -> Tensor:
        """Digits as training takes them, without labels: the first (samples, 1, 8, 8), or those that `seed` draws."""
        from .digits_training import images_and_labels

        images, _ = images_and_labels()
        samples = whole_number(samples, "samples", most=len(images))
        if seed is None:
            return images[:samples].clone()
        rows = np.random.default_rng(seed).choice(len(images), size=samples, replace=False)
        return images[rows.tolist()]

    def read_table(self, path: str | Path) -> Table:
        """The table in a file that `Accuracies.to_csv` wrote: `architecture,seeds,mean_test_acc,test_accs`.

        Its columns: `seeds`, how many trainings there were, and `sd`, the standard deviation of their accuracies (not a
        number where there was one).

        Raises:
            InputError: the file cannot be read; the sentence names the file and the line.
        """
        lines = read_lines(path)
        where, header = next(lines, (f"{path}: line 1", []))
        if tuple(header) != HEADER:
            raise InputError(f"{where}: the header must be {','.join(HEADER)}, got {shown(','.join(header))}")
        rows = [self._row(where, fields) for where, fields in lines]
        each = [numbers for _, numbers in rows]
        columns = {
            "seeds": np.array([len(numbers) for numbers in each], dtype=np.int64),
            "sd": np.array([np.std(numbers, ddof=1) if len(numbers) > 1 else np.nan for numbers in each], dtype=float),
        }
        means = np.array([np.mean(numbers) for numbers in each], dtype=float)
        return Table(self.name, tuple(architecture for architecture, _ in rows), means, columns, source=str(path))

    def _row(self, where: str, fields: list[str]) -> tuple[DigitsNet, list[float]]:
        if len(fields) != len(HEADER):
            raise InputError(f"{where}: a row has {len(HEADER)} fields, got {len(fields)}")
        try:
            architecture = self.parse(fields[0])
        except InputError as error:
            raise InputError(f"{where}: {error}") from error
        numbers = [read_percent(text, where) for text in fields[3].split()]
        if not numbers or fields[1] != str(len(numbers)):
            many = plural(len(numbers), "accuracy", "accuracies")
            raise InputError(f"{where}: seeds is {shown(fields[1])}, but test_accs holds {many}")
        if abs(read_percent(fields[2], where) - float(np.mean(numbers))) > 0.011:
            raise InputError(f"{where}: mean_test_acc is {fields[2]}, but test_accs have mean {np.mean(numbers):.4f}")
        return architecture, numbers


def _as_cell(operations: Iterator[str] | tuple[str, ...] | list[str]) -> Cell:
    a, b, c, d, e, f = operations
    return a, b, c, d, e, f


def _joined(cell: Cell) -> bool:
    """Whether a way of operations other than none leads from node 0 to node 3."""
    reached = {0}
    for (source, target), operation in zip(EDGES, cell, strict=True):  # edges come in the order of their targets
        if source in reached and operation != "none":
            reached.add(target)
    return NODES - 1 in reached


@lru_cache(maxsize=1)
def _cells() -> tuple[Cell, ...]:
    cells = (_as_cell(operations) for operations in product(OPERATIONS, repeat=len(EDGES)))
    return tuple(cell for cell in cells if _joined(cell))


def _check(architecture: DigitsNet) -> None:
    if not isinstance(architecture, DigitsNet):
        raise InputError(f"architecture must be a DigitsNet, got {shown(architecture)}; parse its text first")
    if not isinstance(architecture.cell, tuple) or len(architecture.cell) != len(EDGES):
        raise InputError(f"architecture: cell must be a tuple of {len(EDGES)} names, got {shown(architecture.cell)}")
    for what, value, choices in (
        *(("operation", operation, OPERATIONS) for operation in architecture.cell),
        ("width", architecture.width, WIDTHS),
        ("depth", architecture.depth, DEPTHS),
        ("activation", architecture.activation, ACTIVATIONS),
    ):
        if value not in choices:
            raise InputError(
                f"architecture: {what} {shown(value)} is not in this space; use one of {', '.join(map(str, choices))}"
            )
    if not _joined(architecture.cell):
        raise InputError(
            f"architecture: no way leads through the cell {'|'.join(architecture.cell)}; "
            "its output would not depend on the input, so give a way an operation other than none"
        )

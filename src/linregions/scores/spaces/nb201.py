"""The space of NAS-Bench-201: one of five operations on each of the six edges of a cell of four nodes."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import stdev
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ...checks import plural, shown, whole_number
from ...errors import InputError
from .space import seeded
from .table import Table, read_lines, read_percent

if TYPE_CHECKING:
    from torch import Tensor, nn

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
NODES = 4
# (from, to), in the order of the text form
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
HEADER = (*(f"op_{source}_{node}" for source, node in EDGES), "seeds", "mean_test_acc", "test_accs")

_CELL = re.compile(r"\|(\w+)~0\|\+\|(\w+)~0\|(\w+)~1\|\+\|(\w+)~0\|(\w+)~1\|(\w+)~2\|")


class Cell(NamedTuple):
    """An architecture: the operation on each edge between the nodes 0 (the input) to 3 (the output)."""

    op_0_1: str
    op_0_2: str
    op_1_2: str
    op_0_3: str
    op_1_3: str
    op_2_3: str

    def __str__(self) -> str:
        nodes = ("".join(f"|{op}~{s}" for (s, t), op in zip(EDGES, self, strict=True) if t == n) for n in range(1, 4))
        return "+".join(f"{node}|" for node in nodes)


@dataclass(frozen=True)
class NB201:
    """The cells of NAS-Bench-201, in a fixed skeleton of three stages.

    Source: Dong, Yang, "NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search" (ICLR 2020),
    section 2.

    Example:
        >>> space = NB201()
        >>> cell = space.parse(
        ...     "|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|skip_connect~0|none~1|avg_pool_3x3~2|"
        ... )
        >>> cell.op_2_3
        'avg_pool_3x3'
        >>> sum(1 for _ in space.neighbours(cell))
        24
    """

    name = "nb201"

    @property
    def size(self) -> int:
        """Number of texts, 5^6; `canonical` tells 4,930 networks apart."""
        return len(OPERATIONS) ** len(EDGES)

    def all(self) -> Iterator[Cell]:
        """Every cell once, the last edge changing fastest."""
        for number in range(self.size):
            digits = (number // len(OPERATIONS) ** e % len(OPERATIONS) for e in reversed(range(len(EDGES))))
            yield Cell(*(OPERATIONS[d] for d in digits))

    def sample(self, rng: np.random.Generator) -> Cell:
        """A cell, each equally likely."""
        return Cell(*(OPERATIONS[i] for i in rng.integers(len(OPERATIONS), size=len(EDGES))))

    def neighbours(self, architecture: Cell) -> Iterator[Cell]:
        """The 24 cells with another operation on one edge."""
        _check(architecture)
        for e, operation in enumerate(architecture):
            for other in OPERATIONS:
                if other != operation:
                    yield Cell._make((*architecture[:e], other, *architecture[e + 1 :]))

    def mutate(self, architecture: Cell, rng: np.random.Generator) -> Cell:
        """One neighbour, each equally likely."""
        neighbours = list(self.neighbours(architecture))
        return neighbours[rng.integers(len(neighbours))]

    def crossover(self, first: Cell, second: Cell, rng: np.random.Generator) -> Cell:
        """Each edge's operation from one parent or the other with probability one half."""
        _check(first)
        _check(second)
        coins = rng.integers(2, size=len(EDGES))
        return Cell(*(b if coin else a for a, b, coin in zip(first, second, coins, strict=True)))

    def build(
        self,
        architecture: Cell,
        *,
        proxy: bool = True,
        channels: int | None = None,
        cells: int | None = None,
        classes: int = 10,
        seed: int = 0,
    ) -> nn.Module:
        """The torch module of a cell, for images of 3 channels, in training mode.

        A stem; three stages of `cells` cells with C, 2C and 4C channels, a residual block of stride 2 between them;
        batch normalisation and ReLU, pooling, a linear layer.

        Args:
            architecture: the cell.
            proxy: a small network, 8 channels and 1 cell a stage; False: the benchmark's own, 16 channels and 5 cells.
            channels: C, if it is to be another number.
            cells: the number of cells a stage, if it is to be another.
            classes: outputs of the linear layer.
            seed: draws torch's default weights; the global random state is not touched.

        Returns:
            A module that takes (S, 3, H, W) and gives (S, classes); H and W at least 4.

        Raises:
            InputError: the architecture is no cell, an option does not fit.
            MissingExtraError: torch is not installed.
        """
        _check(architecture)
        channels = whole_number((8 if proxy else 16) if channels is None else channels, "channels")
        cells = whole_number((1 if proxy else 5) if cells is None else cells, "cells")
        classes = whole_number(classes, "classes")
        from .nb201_ops import NB201Network

        with seeded(seed):
            return NB201Network(architecture, channels=channels, cells=cells, classes=classes)

    def text(self, architecture: Cell) -> str:
        """`|op~0|+|op~0|op~1|+|op~0|op~1|op~2|`: of each node, the operations on the edges from the nodes before."""
        _check(architecture)
        return str(architecture)

    def parse(self, text: str) -> Cell:
        """The cell of a text.

        Raises:
            InputError: the text has another form, or an operation is not known.
        """
        match = _CELL.fullmatch(text.strip()) if isinstance(text, str) else None
        if match is None:
            raise InputError(f"cell: cannot read {shown(text)}; write |op~0|+|op~0|op~1|+|op~0|op~1|op~2|")
        cell = Cell(*match.groups())
        _check(cell)
        return cell

    def canonical(self, architecture: Cell) -> str:
        """A text that two cells share if they are one network: 4,930 of the 15,625 are different.

        A skip hands on the terms that its node adds up, an edge of none or from a node without terms is left out, and
        the order of a sum does not matter.  (A convolution of zeros is zero as long as the biases of its batch
        normalisation are.)  The benchmark's own simplification keeps zeros as terms, and counts 6,466.

        Example:
            >>> space = NB201()
            >>> space.canonical(Cell("none", "nor_conv_3x3", "nor_conv_1x1", "none", "skip_connect", "skip_connect"))
            'nor_conv_3x3(x)'
        """
        _check(architecture)
        terms: list[tuple[str, ...]] = [("x",)]
        for node in range(1, NODES):
            sums: list[str] = []
            for (source, target), operation in zip(EDGES, architecture, strict=True):
                if target != node or operation == "none" or not terms[source]:
                    continue
                sums += terms[source] if operation == "skip_connect" else [f"{operation}({'+'.join(terms[source])})"]
            terms.append(tuple(sorted(sums)))
        return "+".join(terms[-1]) or "0"

    def controls(self, architecture: Cell) -> dict[str, int]:
        """How many operations of each kind the cell has, and its depth.

        `depth` is the largest number of operations other than none and skip on a way from the input to the output.
        """
        _check(architecture)
        kinds = Counter(architecture)
        return {
            "convolutions": kinds["nor_conv_1x1"] + kinds["nor_conv_3x3"],
            "conv_3x3": kinds["nor_conv_3x3"],
            "pools": kinds["avg_pool_3x3"],
            "skips": kinds["skip_connect"],
            "nones": kinds["none"],
            "depth": _depth(architecture),
        }

    def probe(self, samples: int, *, seed: int | None = None) -> Tensor:
        """Handwritten digits enlarged to (samples, 3, 32, 32): the first ones, or those that `seed` draws."""
        from ..probes import digits

        return digits(samples, seed=seed).inputs

    def read_table(self, path: str | Path) -> Table:
        """The table in a file of one row a cell, with the header `op_0_1,...,op_2_3,seeds,mean_test_acc,test_accs`.

        Its columns: `seeds`, how many trainings there were, and `sd`, the standard deviation of their accuracies (not a
        number where there was one).

        Raises:
            InputError: the file cannot be read; the sentence names the file and the line.
        """
        lines = read_lines(path)
        where, header = next(lines, (f"{path}: line 1", []))
        if tuple(header) != HEADER:
            raise InputError(f"{where}: the header must be {','.join(HEADER)}, got {shown(','.join(header))}")
        cells, accuracy, seeds, spread = [], [], [], []
        for where, fields in lines:
            cell, mean, each = _row(where, fields)
            cells.append(cell)
            accuracy.append(mean)
            seeds.append(len(each))
            spread.append(stdev(each) if len(each) > 1 else math.nan)
        columns = {"seeds": np.array(seeds, dtype=np.int64), "sd": np.array(spread, dtype=np.float64)}
        return Table(self.name, tuple(cells), np.array(accuracy, dtype=np.float64), columns, source=str(path))


def _row(where: str, fields: list[str]) -> tuple[Cell, float, list[float]]:
    if len(fields) != len(HEADER):
        raise InputError(f"{where}: a row has {len(HEADER)} fields, got {len(fields)}")
    cell = Cell(*fields[: len(EDGES)])
    try:
        _check(cell)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
    seeds, mean, each = fields[len(EDGES) :]
    numbers = [read_percent(text, where) for text in each.split()]
    if seeds != str(len(numbers)) or not numbers:
        there = plural(len(numbers), "accuracy", "accuracies")
        raise InputError(f"{where}: seeds is {shown(seeds)}, but test_accs holds {there}")
    average = read_percent(mean, where)
    # Either is rounded to two decimals at worst.
    if abs(average - sum(numbers) / len(numbers)) > 0.011:
        raise InputError(f"{where}: mean_test_acc is {mean}, but test_accs have {sum(numbers) / len(numbers):.4f}")
    return cell, average, numbers


def _depth(cell: Cell) -> int:
    # None: nothing reaches the node.
    depths: list[int | None] = [0]
    for node in range(1, NODES):
        ways = [
            before + (operation != "skip_connect")
            for (source, target), operation in zip(EDGES, cell, strict=True)
            if target == node and operation != "none" and (before := depths[source]) is not None
        ]
        depths.append(max(ways, default=None))
    return depths[-1] or 0


def _check(architecture: Cell) -> None:
    if not isinstance(architecture, Cell):
        raise InputError(f"architecture must be a NAS-Bench-201 Cell, got {shown(architecture)}; parse its text first")
    for edge, operation in zip(EDGES, architecture, strict=True):
        if operation not in OPERATIONS:
            place = f"on edge {edge[0]}>{edge[1]}"
            raise InputError(f"cell: operation {shown(operation)} {place} is not known; use {', '.join(OPERATIONS)}")

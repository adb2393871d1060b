"""The DARTS space: cells of four nodes with two inputs each, as genotypes in text form."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ...checks import shown, whole_number
from ...errors import InputError
from .space import seeded
from .table import Table, read_lines, read_percent

if TYPE_CHECKING:
    from torch import Tensor, nn

OPERATIONS = (
    "none",
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)
NODES = 4
EDGES = 2 * NODES
CONCAT = tuple(range(2, 2 + NODES))

Edge = tuple[str, int]
Cell = tuple[Edge, ...]

_CONCAT = r"\s*(\[[\d,\s]*\]|range\(\s*\d+\s*,\s*\d+\s*\))\s*"
_GENOTYPE = re.compile(
    rf"\s*Genotype\(\s*normal\s*=\s*\[(.*?)\]\s*,\s*normal_concat\s*={_CONCAT},"
    rf"\s*reduce\s*=\s*\[(.*?)\]\s*,\s*reduce_concat\s*={_CONCAT}\)\s*",
    re.DOTALL,
)
_EDGE = re.compile(r"""\s*\(\s*(['"])(\w+)\1\s*,\s*(\d{1,9})\s*\)\s*(?:,|$)""")


class Genotype(NamedTuple):
    """An architecture: the cells that keep the resolution and those that halve it.

    A cell is eight edges (operation, input), two for each of the nodes 2 to 5; an input is 0 or 1, the outputs of the
    two cells before, or an earlier node.  The cell's output is the nodes 2 to 5, concatenated.
    """

    normal: Cell
    reduce: Cell

    def __str__(self) -> str:
        return f"Genotype({_cell_text('normal', self.normal)}, {_cell_text('reduce', self.reduce)})"


def _cell_text(name: str, cell: Cell) -> str:
    return f"{name}={[tuple(edge) for edge in cell]}, {name}_concat={list(CONCAT)}"


@dataclass(frozen=True)
class Darts:
    """The cells of DARTS: eight operations on each of eight edges, and where each edge comes from.

    Attributes:
        shared: normal and reduction cell are the same one, as in the published table; otherwise they differ.

    Source: Liu, Simonyan, Yang, "DARTS: Differentiable Architecture Search" (ICLR 2019), section 3.1 and appendix A.

    Example:
        >>> space = Darts()
        >>> cell = space.sample(np.random.default_rng(0))
        >>> space.parse(space.text(cell)) == cell
        True
        >>> space.size
        241591910400
    """

    shared: bool = True
    name = "darts"

    @property
    def size(self) -> int:
        """Number of genotypes: 8^8 * (2 * 3 * 4 * 5)^2 cells, squared where the two cells may differ."""
        cells = 1
        for edge in range(EDGES):
            cells *= len(OPERATIONS) * _inputs(edge)
        return cells if self.shared else cells**2

    def sample(self, rng: np.random.Generator) -> Genotype:
        """A genotype, each equally likely; as in the table a node's two inputs may be the same."""
        normal = _sample(rng)
        return Genotype(normal, normal if self.shared else _sample(rng))

    def neighbours(self, architecture: Genotype) -> Iterator[Genotype]:
        """Every genotype with one operation or one input changed: 76, or 152 where the two cells may differ."""
        normal, reduce = self._member(architecture)
        for cell in _changed(reduce):
            yield Genotype(cell if self.shared else normal, cell)
        if not self.shared:
            for cell in _changed(normal):
                yield Genotype(cell, reduce)

    def mutate(self, architecture: Genotype, rng: np.random.Generator) -> Genotype:
        """One neighbour, each equally likely."""
        neighbours = list(self.neighbours(architecture))
        return neighbours[rng.integers(len(neighbours))]

    def crossover(self, first: Genotype, second: Genotype, rng: np.random.Generator) -> Genotype:
        """Each edge, operation and input together, from one parent or the other with probability one half."""
        pairs = zip(self._member(first), self._member(second), strict=True)
        normal, reduce = (_mixed(a, b, rng) for a, b in pairs)
        return Genotype(reduce if self.shared else normal, reduce)

    def build(
        self,
        architecture: Genotype,
        *,
        proxy: bool = True,
        channels: int | None = None,
        layers: int | None = None,
        classes: int = 10,
        seed: int = 0,
    ) -> nn.Module:
        """The torch module of a genotype, for images of 3 channels, in training mode.

        Args:
            architecture: the genotype.
            proxy: the network that the score's published protocol takes: no stem, and one *reduction* cell of 6
                channels (the rule that every third of the layers halves the resolution meets the only layer, and
                doubles the 3 channels), then pooling and a linear layer.  False: a whole network.
            channels: of the whole network's first cells, 36 by default; the proxy has no choice.
            layers: number of the whole network's cells, 20 by default; the proxy has one.
            classes: outputs of the last linear layer.
            seed: draws torch's default weights; the global random state is not touched.

        Returns:
            A module that takes (S, 3, H, W) and gives (S, classes); the sizes H and W may be odd.

        Raises:
            InputError: the genotype is none, an option does not fit.
            MissingExtraError: torch is not installed.

        Example:
            >>> network = Darts().build(Darts().sample(np.random.default_rng(0)))  # doctest: +SKIP
        """
        _check(architecture)
        whole_number(classes, "classes")
        if proxy and not (channels is None and layers is None):
            option, value = ("layers", layers) if channels is None else ("channels", channels)
            raise InputError(f"{option}: the proxy takes no choice, got {shown(value)}; pass proxy=False as well")
        from .darts_ops import network, proxy_network

        with seeded(seed):
            if proxy:
                return proxy_network(architecture.reduce, classes)
            channels = whole_number(36 if channels is None else channels, "channels")
            if channels % 2:
                raise InputError(f"channels must be even (a reduction makes them of two halves), got {channels}")
            layers = whole_number(20 if layers is None else layers, "layers")
            return network(architecture, channels=channels, layers=layers, classes=classes)

    def text(self, architecture: Genotype) -> str:
        """`Genotype(normal=[('none', 0), ...], normal_concat=[2, 3, 4, 5], reduce=[...], reduce_concat=...)`."""
        return str(architecture)

    def parse(self, text: str) -> Genotype:
        """The genotype of a text; concat may also be written `range(2, 6)`.  Nothing is evaluated.

        Raises:
            InputError: the text is no genotype, or one of other operations, inputs or a part of the nodes.
        """
        match = _GENOTYPE.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            raise InputError(
                f"genotype: cannot read {shown(text)}; "
                "write Genotype(normal=[...], normal_concat=[2, 3, 4, 5], reduce=[...], reduce_concat=[2, 3, 4, 5])"
            )
        normal, normal_concat, reduce, reduce_concat = match.groups()
        for concat in (normal_concat, reduce_concat):
            numbers = tuple(int(n) for n in re.findall(r"\d+", concat))
            if (tuple(range(*numbers)) if concat.startswith("range") else numbers) != CONCAT:
                raise InputError(f"genotype: concat must be [2, 3, 4, 5], got {shown(concat)}")
        genotype = Genotype(_parse_cell(normal, "normal"), _parse_cell(reduce, "reduce"))
        _check(genotype)
        return genotype

    def controls(self, architecture: Genotype) -> dict[str, int]:
        """Of the reduction cell, which is what the proxy holds: how many operations of each kind, and its depth.

        `depth` is the largest number of operations other than none on a way from the inputs to the output.
        """
        _check(architecture)
        kinds = Counter(operation.split("_")[0] for operation, _ in architecture.reduce)
        return {
            "convolutions": kinds["sep"] + kinds["dil"],
            "separable": kinds["sep"],
            "pools": kinds["max"] + kinds["avg"],
            "skips": kinds["skip"],
            "nones": kinds["none"],
            "depth": _depth(architecture.reduce),
        }

    def probe(self, samples: int, *, seed: int | None = None) -> Tensor:
        """Handwritten digits enlarged to (samples, 3, 32, 32): the first ones, or those that `seed` draws."""
        from ..probes import digits

        return digits(samples, seed=seed).inputs

    def read_table(self, path: str | Path) -> Table:
        """The table in a file of rows `"Genotype(...)",accuracy` without a header.

        Raises:
            InputError: the file cannot be read; the sentence names the file and the line.
        """
        architectures, accuracy = [], []
        for where, fields in read_lines(path):
            if len(fields) != 2:
                raise InputError(f"{where}: a row is a genotype and its accuracy, got {len(fields)} fields")
            try:
                architectures.append(self.parse(fields[0]))
            except InputError as error:
                raise InputError(f"{where}: {error}") from error
            accuracy.append(read_percent(fields[1], where))
        return Table(self.name, tuple(architectures), np.array(accuracy), source=str(path))

    def _member(self, architecture: Genotype) -> Genotype:
        _check(architecture)
        if self.shared and architecture.normal != architecture.reduce:
            raise InputError(
                f"architecture: normal and reduction cell of {shown(architecture)} differ; use Darts(shared=False)"
            )
        return architecture


def _inputs(edge: int) -> int:
    """How many inputs an edge chooses from: two cells, and the nodes before its own."""
    return 2 + edge // 2


def _sample(rng: np.random.Generator) -> Cell:
    return tuple((OPERATIONS[rng.integers(len(OPERATIONS))], int(rng.integers(_inputs(e)))) for e in range(EDGES))


def _changed(cell: Cell) -> Iterator[Cell]:
    for e, (operation, source) in enumerate(cell):
        others = [(other, source) for other in OPERATIONS if other != operation]
        others += [(operation, other) for other in range(_inputs(e)) if other != source]
        for other in others:
            yield (*cell[:e], other, *cell[e + 1 :])


def _mixed(first: Cell, second: Cell, rng: np.random.Generator) -> Cell:
    return tuple(b if coin else a for a, b, coin in zip(first, second, rng.integers(2, size=EDGES), strict=True))


def _depth(cell: Cell) -> int:
    # None: nothing reaches the node.
    depths: list[int | None] = [0, 0]
    for node in range(NODES):
        ways = [
            1 + before
            for operation, source in cell[2 * node : 2 * node + 2]
            if operation != "none" and (before := depths[source]) is not None
        ]
        depths.append(max(ways, default=None))
    return max((depth for depth in depths if depth is not None), default=0)


def _parse_cell(text: str, which: str) -> Cell:
    edges, end = [], 0
    while match := _EDGE.match(text, end):
        edges.append((match[2], int(match[3])))
        end = match.end()
    if end != len(text):
        raise InputError(f"genotype: cannot read {shown(text[end:])} in {which}; write ('operation', input)")
    return tuple(edges)


def _check(architecture: Genotype) -> None:
    if not isinstance(architecture, Genotype):
        raise InputError(f"architecture must be a Genotype, got {shown(architecture)}; parse its text first")
    for which, cell in zip(Genotype._fields, architecture, strict=True):
        if not isinstance(cell, tuple) or len(cell) != EDGES:
            raise InputError(f"genotype: {which} must be a tuple of {EDGES} edges, got {shown(cell)}")
        for e, edge in enumerate(cell):
            _check_edge(edge, e, which)


def _check_edge(edge: Edge, e: int, which: str) -> None:
    if not isinstance(edge, tuple) or len(edge) != 2:
        raise InputError(f"genotype: an edge of {which} must be (operation, input), got {shown(edge)}")
    operation, source = edge
    if operation not in OPERATIONS:
        raise InputError(f"genotype: operation {shown(operation)} of {which} is not known; use {', '.join(OPERATIONS)}")
    if type(source) is not int or not 0 <= source < _inputs(e):
        raise InputError(
            f"genotype: input {shown(source)} of node {2 + e // 2} in {which} is not 0 to {_inputs(e) - 1}"
        )

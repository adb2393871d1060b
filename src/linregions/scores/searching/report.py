"""What a search found, looked up in a table of true accuracies."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ...checks import shown
from ...errors import InputError
from ..spaces.table import Table
from .record import SearchResult


@dataclass(frozen=True)
class SearchReport:
    """The true accuracy of what a search found, and where it stands among all rows of the table.

    Where several scored architectures tie for the best score, the search says no more than that one of them is the
    best: every number is then the mean over them, what a random one of them gives on average.

    Attributes:
        text: the text form of the architecture that was found first.
        accuracy: in the table's unit, percent as a rule.
        rank: 1 + the number of rows with a larger accuracy.
        of: number of rows.
        percentile: percent of the rows with a smaller accuracy, equal ones counted half.
        regret: the table's best accuracy less this one.
        best: the table's best accuracy.
        tied: how many scored architectures tie for the best score.
        missing: how many of those are not in the table, and left out.
    """

    text: str
    accuracy: float
    rank: float
    of: int
    percentile: float
    regret: float
    best: float
    tied: int
    missing: int = 0

    def as_dict(self) -> dict[str, Any]:
        """The record as plain JSON types."""
        return asdict(self)

    def __str__(self) -> str:
        rank = f"{self.rank:,.0f}" if self.rank == int(self.rank) else f"{self.rank:,.1f}"
        text = (
            f"accuracy {self.accuracy:.2f}, rank {rank} of {self.of:,} (better than {self.percentile:.2f} %), "
            f"{self.regret:.2f} below the best, {self.best:.2f}"
        )
        if self.tied > 1:
            text += f"; mean over the {self.tied - self.missing} that tie for the best score"
            text += f" and are in the table ({self.missing} are not)" if self.missing else ""
        return text


def report(result: SearchResult, table: Table) -> SearchReport:
    """Look up what a search found in a table of true accuracies.

    Args:
        result: of `search` or `random_search`.
        table: of the same space, such as `read_table("nb201", FILE)`.

    Returns:
        A `SearchReport`.

    Raises:
        InputError: the table is of another space, or does not hold what was found.

    Example:
        >>> from linregions.scores.searching import search
        >>> from linregions.scores.spaces import find_space
        >>> space = find_space("nb201")
        >>> table = Table("nb201", tuple(space.all()), np.arange(15625) / 200)
        >>> found = search(space, score=lambda cell: table.accuracy[table.row(cell)], evaluations=300)
        >>> looked_up = report(found, table)
        >>> looked_up.accuracy == found.score, looked_up.rank + round(found.score * 200) == 15625
        (True, True)
    """
    if result.space != table.space:
        raise InputError(f"table: holds architectures of {table.space}, but the search was in {result.space}")
    tied = result.tied
    rows = [table.row(architecture) for architecture in tied if architecture in table]
    if not rows:
        raise InputError(
            f"table: {table.source or 'it'} does not hold {shown(result.text)}, which the search found; "
            "a table of the whole space is needed"
        )
    # By searching the sorted accuracies: every architecture of a space may tie.
    ascending = np.sort(table.accuracy)
    found = table.accuracy[rows]
    below = np.searchsorted(ascending, found, side="left")
    upto = np.searchsorted(ascending, found, side="right")
    best = float(ascending[-1])
    accuracy = math.fsum(found) / len(found)
    return SearchReport(
        text=result.text,
        accuracy=accuracy,
        rank=1 + float(np.mean(len(table) - upto)),
        of=len(table),
        percentile=float(np.mean(100 * (below + upto) / (2 * len(table)))),
        regret=best - accuracy,
        best=best,
        tied=len(tied),
        missing=len(tied) - len(rows),
    )

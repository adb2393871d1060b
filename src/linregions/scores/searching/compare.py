"""SWAP-NAS beside what it must be better than: random search by the same score, and a search for many parameters."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ...checks import plural, whole_number
from ...errors import InputError
from ...partition import Status
from ..spaces.space import Space
from ..spaces.table import Table
from .evolution import checked_limit, random_search, search
from .objective import ParameterObjective, SwapObjective
from .record import SearchResult, mean_and_deviation
from .report import SearchReport, report

METHODS = ("SWAP-NAS", "random search by SWAP", "evolution by parameters")


@dataclass(frozen=True)
class Summary:
    """One method over several seeds: mean and standard deviation of what its searches found.

    Attributes:
        method: its name.
        results: one search for each seed.
        reports: what each found, in the table.
    """

    method: str
    results: tuple[SearchResult, ...]
    reports: tuple[SearchReport, ...]

    def mean(self, what: str) -> float:
        """Mean of an attribute of the reports, such as "accuracy", "rank" or "regret"."""
        return mean_and_deviation([getattr(r, what) for r in self.reports])[0]

    def deviation(self, what: str) -> float:
        """Standard deviation likewise (n - 1 in the denominator); not a number for one seed."""
        return mean_and_deviation([getattr(r, what) for r in self.reports])[1]

    @property
    def seconds(self) -> float:
        """Mean wall time of a search."""
        return mean_and_deviation([r.seconds for r in self.results])[0]

    @property
    def evaluations(self) -> float:
        """Mean number of scored architectures."""
        return mean_and_deviation([float(r.evaluations) for r in self.results])[0]

    def as_dict(self) -> dict[str, Any]:
        """The record as plain JSON types."""
        several = len(self.reports) > 1
        pairs = zip(self.results, self.reports, strict=True)
        return {
            "method": self.method,
            **{name: self.mean(name) for name in ("accuracy", "rank", "percentile", "regret")},
            "accuracy_sd": self.deviation("accuracy") if several else None,
            "rank_sd": self.deviation("rank") if several else None,
            "evaluations": self.evaluations,
            "seconds": self.seconds,
            "searches": [result.as_dict() | {"table": looked_up.as_dict()} for result, looked_up in pairs],
        }


@dataclass(frozen=True)
class Unfinished:
    """One search of the seed at which a comparison was stopped, and the best that it had found by then.

    Attributes:
        method: its name.
        result: of the search; its status says whether this one was cut short.
        report: what it had found, in the table.
    """

    method: str
    result: SearchResult
    report: SearchReport

    def as_dict(self) -> dict[str, Any]:
        """The record as plain JSON types."""
        return {"method": self.method} | self.result.as_dict() | {"table": self.report.as_dict()}

    def __str__(self) -> str:
        whole = self.result.status is Status.COMPLETE
        so_far = "" if whole else "best so far, "
        scored = f"{plural(self.result.evaluations, 'architecture')} scored" + ("" if whole else ", cut short")
        return f"{self.method}, seed {self.result.seed} ({scored}): {so_far}{self.report}"


@dataclass(frozen=True)
class Comparison:
    """Searches of the same number of evaluations, each with several seeds, and their true accuracies.

    Attributes:
        space: name of the search space.
        table: where the accuracies come from.
        evaluations: of every search.
        seeds: of the searches that are compared, and of the weights that are scored: those that every method finished.
        methods: the summaries, in the order of `METHODS`; none where no seed was finished.
        best: largest accuracy of the table.
        average: of the table, what an architecture picked blindly gives.
        rows: of the table.
        status: complete, budget (the time limit) or interrupted.
        seconds: wall time.
        unfinished: the searches of the seed at which the time ran out or Ctrl-C came, if it did.
    """

    space: str
    table: str
    evaluations: int
    seeds: tuple[int, ...]
    methods: tuple[Summary, ...]
    best: float
    average: float
    rows: int
    status: Status
    seconds: float = field(compare=False)
    unfinished: tuple[Unfinished, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The record as plain JSON types."""
        return {
            "space": self.space,
            "table": self.table,
            "evaluations": self.evaluations,
            "seeds": list(self.seeds),
            "methods": [summary.as_dict() for summary in self.methods],
            "unfinished": [part.as_dict() for part in self.unfinished],
            "best": self.best,
            "average": self.average,
            "rows": self.rows,
            "status": self.status.value,
            "seconds": self.seconds,
        }

    def to_csv(self) -> str:
        """The histories of all searches as text: method and seed before the columns of `SearchResult.to_csv`."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        searches = [(summary.method, result) for summary in self.methods for result in summary.results]
        searches += [(part.method, part.result) for part in self.unfinished]
        for number, (method, result) in enumerate(searches):
            header, *lines = csv.reader(io.StringIO(result.to_csv()))
            writer.writerows([] if number else [["method", "seed", *header]])
            writer.writerows([method, result.seed, *line] for line in lines)
        return out.getvalue()

    def __str__(self) -> str:
        seeds = f"{plural(len(self.seeds), 'seed')} ({', '.join(map(str, self.seeds))})"
        head = (
            f"{self.space}: searches of {plural(self.evaluations, 'evaluation')}, "
            f"{seeds if self.seeds else 'no seed finished'}, accuracies from {self.table or 'a table'}"
        )
        rows = [("", "accuracy", "sd", "rank", "sd", "regret", "s/search"), *map(_cells, self.methods)]
        rows.append(("the best of the table", f"{self.best:.2f}", "", "1", "", "0.00", ""))
        regret = self.best - self.average
        rows.append(
            ("one picked blindly (mean)", f"{self.average:.2f}", "", f"of {self.rows:,}", "", f"{regret:.2f}", "")
        )
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        lines = [
            "  ".join([row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))])
            for row in rows
        ]
        tail = f"{self.seconds:.0f} s in all" + ("" if self.status is Status.COMPLETE else f"; {self.status.value}")
        left = [f"not in the table above: {part}" for part in self.unfinished]
        return "\n".join([head, *(line.rstrip() for line in lines), *left, tail])


def _cells(summary: Summary) -> tuple[str, ...]:
    several = len(summary.reports) > 1
    return (
        summary.method,
        f"{summary.mean('accuracy'):.2f}",
        f"{summary.deviation('accuracy'):.2f}" if several else "",
        f"{summary.mean('rank'):,.0f}",
        f"{summary.deviation('rank'):,.0f}" if several else "",
        f"{summary.mean('regret'):.2f}",
        f"{summary.seconds:.1f}",
    )


def compare_searches(
    space: Space[Any],
    table: Table,
    *,
    score: Callable[[int], Callable[[Any], float]] | None = None,
    evaluations: int = 200,
    seeds: tuple[int, ...] = (0, 1, 2),
    time_limit: float | None = None,
    progress: Callable[[float, int], None] | None = None,
    **options: Any,
) -> Comparison:
    """SWAP-NAS, random search by the same score and evolution by the number of parameters, with true accuracies.

    All three score the same number of different architectures.  (Counting parameters is cheaper than a score; the
    seconds are there too.)  Searches with the same seed take the same random weights.

    Args:
        space: a search space.
        table: true accuracies of the whole space.
        score: instead of the SWAP-Score: a function that gives the score function of a seed.
        evaluations: of every search.
        seeds: one search of each method for each of them.
        time_limit: seconds in all; None is no limit.  One architecture is scored in any case.
        progress: called with (fraction, architectures scored).
        options: `size_target`, `size_width`, `size_network` for all three; `population`, `tournament` and `mutations`
            for the two evolutions.

    Returns:
        A `Comparison` of the seeds that all three methods finished; what the time limit or Ctrl-C cut short is beside
        them, as `unfinished`.

    Raises:
        InputError: an argument cannot be used.
        KeyboardInterrupt: Ctrl-C before the first architecture was scored, so that there is nothing to tell.

    Example:
        >>> import numpy as np
        >>> from linregions.scores.spaces import find_space
        >>> space = find_space("nb201")
        >>> table = Table("nb201", tuple(space.all()), np.arange(15625) / 200)
        >>> exact = lambda seed: (lambda cell: table.accuracy[table.row(cell)])
        >>> found = compare_searches(space, table, score=exact, evaluations=200, seeds=(0, 1))
        >>> [summary.method for summary in found.methods]
        ['SWAP-NAS', 'random search by SWAP', 'evolution by parameters']
        >>> found.methods[0].mean("regret") < found.methods[1].mean("regret")
        True
    """
    seeds = tuple(seeds)
    evaluations = whole_number(evaluations, "evaluations")
    _check(space, table, seeds)
    started = time.monotonic()
    limit = checked_limit(time_limit)
    deadline = None if limit is None else started + limit
    done: list[list[SearchResult]] = []
    row: list[SearchResult] = []
    status = Status.COMPLETE
    try:
        for k, seed in enumerate(seeds):
            if k and deadline is not None and time.monotonic() >= deadline:
                status = Status.BUDGET
                break
            for result in _one_seed(space, score, evaluations, seed, deadline, _part(progress, k, len(seeds)), options):
                row.append(result)
            status = row[-1].status
            if status is Status.COMPLETE and len(row) < len(METHODS):
                status = Status.BUDGET
            if status is not Status.COMPLETE:
                break
            done.append(row)
            row = []
    except KeyboardInterrupt:
        status = Status.INTERRUPTED
        if not done and not row:
            raise
    columns = zip(METHODS, zip(*done, strict=True), strict=True) if done else ()
    unfinished = zip(METHODS, row, strict=False)
    return Comparison(
        space=space.name,
        table=table.source,
        evaluations=evaluations,
        seeds=seeds[: len(done)],
        methods=tuple(Summary(name, found, tuple(report(r, table) for r in found)) for name, found in columns),
        best=float(table.accuracy.max()),
        average=float(table.accuracy.mean()),
        rows=len(table),
        status=status,
        seconds=time.monotonic() - started,
        unfinished=tuple(Unfinished(name, found, report(found, table)) for name, found in unfinished),
    )


def _check(space: Space[Any], table: Table, seeds: tuple[int, ...]) -> None:
    if not seeds or len(set(seeds)) < len(seeds):
        raise InputError(f"seeds must be different numbers, at least one, got {seeds}")
    if table.space != space.name:
        raise InputError(f"table: holds architectures of {table.space}, but the search is in {space.name}")
    if space.size is not None and len(table) < space.size:
        raise InputError(
            f"table: holds {len(table):,} of the {space.size:,} architectures of {space.name}; "
            "a comparison needs the accuracies of all, because nobody knows what a search will find"
        )


def _one_seed(
    space: Space[Any],
    score: Callable[[int], Callable[[Any], float]] | None,
    evaluations: int,
    seed: int,
    deadline: float | None,
    progress: Callable[[int], Callable[[float, int], None] | None],
    options: dict[str, Any],
) -> Iterator[SearchResult]:
    """The three searches of one seed; the last one where one was cut short, and none that has no time left to begin."""
    by_score = SwapObjective(space, seed=seed) if score is None else score(seed)
    of_size = {name: value for name, value in options.items() if name.startswith("size_")}
    verbs = (
        partial(search, score=by_score, **options),
        partial(random_search, score=by_score, **of_size),
        partial(search, score=ParameterObjective(space), **options),
    )
    for number, verb in enumerate(verbs):
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0.0:
            if number:
                return
            left = 1e-9  # one architecture is scored
        result = verb(space, evaluations=evaluations, seed=seed, time_limit=left, progress=progress(number))
        yield result
        if result.status is not Status.COMPLETE:
            return


def _part(
    progress: Callable[[float, int], None] | None, k: int, seeds: int
) -> Callable[[int], Callable[[float, int], None] | None]:
    """For the number of a method: what its search calls, as a part of the whole."""
    if progress is None:
        return lambda _: None
    # Counting parameters takes hardly any time beside the two others.
    shares = ((0.0, 0.5), (0.5, 0.49), (0.99, 0.01))

    def of_method(number: int) -> Callable[[float, int], None]:
        start, share = shares[number]

        def called(fraction: float, evaluations: int) -> None:
            progress((k + start + share * fraction) / seeds, evaluations)

        return called

    return of_method

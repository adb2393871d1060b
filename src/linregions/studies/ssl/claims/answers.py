"""What the tests say of the claims (a) to (f) of the abstract that this study was made after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ....checks import plural
from .collapse import SEEN, Record, collapse
from .expansion import GROWN, LARGER, MORE, expansion
from .fewer import END, MATCHED, fewer
from .finding import Finding
from .intervals import FAILS, HOLDS, UNDECIDED, Verdict
from .merging import BALANCE, BOTH, JUMP, merging
from .quality import ACROSS, LABELS, NAMED, WITHIN, quality
from .series import Runs

CHEAP = ("std", "effective_rank")  # baselines among the metrics of T4
MOST = 3  # of the four named metrics of T4


@dataclass(frozen=True)
class Answer:
    """One claim, its verdict in this study, and the sentences that it rests on."""

    letter: str
    claim: str
    verdict: Verdict
    sentences: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The fields, for JSON."""
        return vars(self) | {"sentences": list(self.sentences)}

    def __str__(self) -> str:
        return f"({self.letter}) {self.claim}: {self.verdict}. {' '.join(self.sentences)}"


@dataclass(frozen=True)
class Claims:
    """All that the tests found.

    Attributes:
        findings: every number of T1 to T5 with its interval and verdict.
        detectors: of collapse, how each did.
        answers: the claims (a) to (f).
        runs: how many trainings they rest on.
        seeds: how many seeds every method has.
    """

    findings: tuple[Finding, ...]
    detectors: tuple[Record, ...]
    answers: tuple[Answer, ...]
    runs: int
    seeds: int

    def of(self, test: str, reading: str = "", subject: str = "") -> tuple[Finding, ...]:
        """The findings of a test, of one reading, of one subject."""
        return tuple(
            f for f in self.findings if f.test == test and reading in ("", f.reading) and subject in ("", f.subject)
        )

    def as_dict(self) -> dict[str, Any]:
        """The record as plain JSON types."""
        return {
            "runs": self.runs,
            "seeds": self.seeds,
            "answers": [answer.as_dict() for answer in self.answers],
            "findings": [finding.as_dict() for finding in self.findings],
            "detectors": [record.as_dict() for record in self.detectors],
        }

    def __str__(self) -> str:
        return "\n".join(map(str, self.answers))


def claims(rows: Iterable[Mapping[str, Any]], *, resamples: int = 1000, level: float = 0.95, seed: int = 0) -> Claims:
    """The tests T1 to T5 on the rows of a study, and what they say of the claims.

    Only the abstract of the paper is known here: the claims are its words, the protocol is this library's, and nothing
    is a reproduction.  Every verdict is one of holds, does not hold, undecided:

        (a)  T4 within runs, of four metrics fixed beforehand, one for each thing that the abstract names: number (N),
             area (median), eccentricity (of moments), boundaries (length).  Holds where three of the four hold, does
             not hold where three of the four do not hold, else undecided; any other metric decides nothing
        (b)  T1 of all self-supervised methods together: holds where the ratio at matched kNN accuracy lies below 1,
             unless it lies above 1 at the end, and does not hold the other way round
        (c)  T2 of the contrastive methods together, read as more regions; larger regions are shown beside it and decide
             nothing, because one of the two nearly always rises
        (d)  both parts of T3 for the self-distillation methods together
        (e)  the AUC of the region count early in training (T5); that of kNN accuracy and std stands beside it
        (f)  as (a), with T4 across runs at the end

    Args:
        rows: of the study's folder; a row with an error is left out.
        resamples: bootstrap resamples; T4 takes as many more as its corrected level needs.
        level: of the intervals.
        seed: of the resamples.

    Returns:
        `Claims`.

    Example:
        >>> claims([]).answers[1].verdict
        'undecided'
    """
    runs = Runs(rows)
    options: dict[str, Any] = {"resamples": resamples, "level": level, "seed": seed}
    findings = [*fewer(runs, **options), *expansion(runs, **options), *merging(runs, **options)]
    findings += quality(runs, level=level, seed=seed)
    early, records = collapse(runs, **options)
    findings += early
    healthy = [m for m in runs.methods if runs.family(m) != "control"]
    return Claims(tuple(findings), records, _answers(findings), len(runs), len(runs.seeds(healthy)))


def _answers(findings: Sequence[Finding]) -> tuple[Answer, ...]:
    def pick(test: str, *readings: str, subject: str = "") -> list[Finding]:
        each = [f for f in findings if f.test == test and f.reading in readings and subject in ("", f.subject)]
        return sorted(each, key=lambda f: readings.index(f.reading))

    matched, end = pick("T1", MATCHED, subject="ssl"), pick("T1", END, subject="ssl")
    more, seen = pick("T2", MORE, subject="contrastive"), pick("T5", SEEN)
    return (
        _related("a", "the evolution of regions goes with the quality of the representation", findings, WITHIN),
        _answer(
            "b",
            "self-supervised methods make substantially fewer regions than supervised ones at comparable accuracy",
            _unless(_first(matched), _first(end)),
            [*matched, *end],
        ),
        _answer(
            "c",
            "contrastive methods rapidly expand regions over time",
            _first(more),
            [*more, *pick("T2", LARGER, GROWN, subject="contrastive"), *pick("T2", MORE, GROWN, subject="supervised")],
        ),
        _answer(
            "d",
            "self-distillation consolidates regions by merging neighbouring ones",
            _first(pick("T3", BOTH, subject="self-distillation")),
            [*pick("T3", BALANCE, JUMP, subject="self-distillation"), *pick("T2", GROWN, subject="self-distillation")],
        ),
        _answer(
            "e",
            "collapse is visible early in the regions (be it in accuracy and cheaper numbers too: see below)",
            _first(seen),
            [f for f in findings if f.test == "T5"],
        ),
        _related("f", "metrics of the partition can indicate quality", findings, ACROSS),
    )


def _answer(letter: str, claim: str, verdict: Verdict, findings: Sequence[Finding]) -> Answer:
    sentences = tuple(finding.sentence for finding in findings) or ("No run of this study says anything about it.",)
    return Answer(letter, claim, verdict, sentences)


def _first(findings: Sequence[Finding]) -> Verdict:
    return findings[0].verdict if findings else UNDECIDED


def _unless(verdict: Verdict, other: Verdict) -> Verdict:
    """The verdict, unless another reading says the opposite."""
    return UNDECIDED if {verdict, other} == {HOLDS, FAILS} else verdict


def _related(letter: str, claim: str, findings: Sequence[Finding], reading: str) -> Answer:
    """The answer by the four metrics that stand for what the abstract names."""
    tried = {f.subject: f for f in findings if f.test == "T4" and f.reading == reading}
    named = {word: tried[metric] for word, metric in NAMED.items() if metric in tried}
    if not named:
        return _answer(letter, claim, UNDECIDED, [])
    verdicts = [f.verdict for f in named.values()]
    decided: list[Verdict] = [v for v in (HOLDS, FAILS) if verdicts.count(v) >= MOST]
    verdict = decided[0] if decided else UNDECIDED
    others = [f for f in tried.values() if f not in named.values() and f.subject not in CHEAP]
    first = f"Of the {len(named)} things that the abstract names {_listed(named)}, as to kNN accuracy {reading}."
    more = f"Of {plural(len(others), 'further metric')} of the partition, which decide nothing, "
    more += f"{sum(f.verdict == HOLDS for f in others)} go with it."
    cheap = [tried[name].sentence for name in CHEAP if name in tried]
    return Answer(letter, claim, verdict, (first, *(f.sentence for f in named.values()), more, *cheap))


def _listed(named: Mapping[str, Finding]) -> str:
    """Which of the named things hold, which do not, which are undecided."""
    parts = []
    for verdict, words in ((HOLDS, "correlate"), (FAILS, "do not correlate"), (UNDECIDED, "are undecided")):
        each = [f"{word} ({LABELS[f.subject]})" for word, f in named.items() if f.verdict == verdict]
        parts.append(f"{len(each)} {words}" + (f": {', '.join(each)}" if each else ""))
    return "; ".join(parts)

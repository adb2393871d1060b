"""What the tests say of the claims (a) to (f) of the abstract that this study was made after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .collapse import SEEN, Record, collapse
from .expansion import LARGER, MORE, expansion
from .fewer import END, MATCHED, fewer
from .finding import Finding
from .intervals import FAILS, HOLDS, UNDECIDED, Verdict
from .merging import BALANCE, BOTH, JUMP, merging
from .quality import ACROSS, WITHIN, quality
from .series import Runs

CHEAP = ("std", "effective_rank")  # baselines among the metrics of T4


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

        (a), (f)  hold where the interval of at least one number of the partition excludes 0 (T4 within and across runs,
                  at a level corrected for their number), do not hold where all of them are shown to be weak
        (b)       the ratio of all self-supervised methods together at matched kNN accuracy (T1)
        (c)       holds where the contrastive methods together expand in either reading, does not hold where they do in
                  neither (T2)
        (d)       both parts of T3 for the self-distillation methods together
        (e)       the AUC of the region count early in training (T5)

    Args:
        rows: of the study's folder; a row with an error is left out.
        resamples: bootstrap resamples (T4 takes four times as many, for its corrected level).
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
    findings += quality(runs, **options | {"resamples": 4 * resamples})
    early, records = collapse(runs, **options)
    findings += early
    healthy = [m for m in runs.methods if runs.family(m) != "control"]
    return Claims(tuple(findings), records, _answers(findings), len(runs), len(runs.seeds(healthy)))


def _answers(findings: Sequence[Finding]) -> tuple[Answer, ...]:
    def pick(test: str, *readings: str, subject: str) -> list[Finding]:
        return [f for f in findings if f.test == test and f.reading in readings and f.subject == subject]

    more = pick("T2", MORE, LARGER, subject="contrastive")
    fewer_ = pick("T1", MATCHED, subject="ssl")
    return (
        _related("a", "the evolution of regions goes with the quality of the representation", findings, WITHIN),
        _answer(
            "b",
            "self-supervised methods make fewer regions than supervised ones at comparable accuracy",
            _first(fewer_),
            [*fewer_, *pick("T1", END, subject="ssl")],
        ),
        _answer("c", "contrastive methods expand regions over time", _either(f.verdict for f in more), more),
        _answer(
            "d",
            "self-distillation merges neighbouring regions",
            _first(pick("T3", BOTH, subject="self-distillation")),
            pick("T3", BALANCE, JUMP, subject="self-distillation"),
        ),
        _answer(
            "e",
            "collapse is visible early in the regions",
            _first([f for f in findings if f.test == "T5" and f.reading == SEEN]),
            [f for f in findings if f.test == "T5"],
        ),
        _related("f", "numbers of the partition can indicate quality", findings, ACROSS),
    )


def _answer(letter: str, claim: str, verdict: Verdict, findings: Sequence[Finding]) -> Answer:
    sentences = tuple(finding.sentence for finding in findings) or ("No run of this study says anything about it.",)
    return Answer(letter, claim, verdict, sentences)


def _first(findings: Sequence[Finding]) -> Verdict:
    return findings[0].verdict if findings else UNDECIDED


def _related(letter: str, claim: str, findings: Sequence[Finding], reading: str) -> Answer:
    tried = [f for f in findings if f.test == "T4" and f.reading == reading and f.subject not in CHEAP]
    verdict = _either(f.verdict for f in tried)
    shown = [f for f in tried if f.verdict == HOLDS][:3] or tried[:1]
    if not tried:
        return _answer(letter, claim, UNDECIDED, [])
    names = sum(f.verdict == HOLDS for f in tried)
    first = f"Of {len(tried)} numbers of the partition {names} correlate with kNN accuracy {reading}, beyond chance."
    cheap = [f.sentence for f in findings if f.test == "T4" and f.reading == reading and f.subject in CHEAP]
    return Answer(letter, claim, verdict, (first, *(f.sentence for f in shown), *cheap))


def _either(verdicts: Iterable[Verdict]) -> Verdict:
    """Holds where one does, does not hold where none may."""
    seen = set(verdicts)
    return HOLDS if HOLDS in seen else FAILS if seen == {FAILS} else UNDECIDED

"""What one test says of one method or family."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ....checks import plural
from .intervals import Estimate, Verdict

NAMES = {
    "supervised": "supervised",
    "simclr": "SimCLR",
    "moco": "MoCo",
    "byol": "BYOL",
    "simsiam": "SimSiam",
    "dino": "DINO",
    "vicreg": "VICReg",
    "barlow": "Barlow Twins",
    "contrastive": "contrastive methods together",
    "self-distillation": "self-distillation methods together",
    "cca": "CCA methods together",
    "ssl": "all self-supervised methods together",
}


def percent(share: float) -> str:
    """A share as a person writes it, to two digits, or three where two would make a whole of less than one.

    Example:
        >>> percent(1.0), percent(0.997), percent(0.25), percent(0.00123)
        ('100 %', '99.7 %', '25 %', '0.12 %')
    """
    value = 100 * share
    return f"{value:.3g} %" if value >= 99.5 else f"{value:.2g} %"


@dataclass(frozen=True)
class Finding:
    """One number of one test: what it is of, its interval, the verdict, and a sentence in plain words.

    Attributes:
        test: "T1" to "T5".
        reading: which of the test's numbers.
        subject: a method, a family, "ssl" for all self-supervised methods, or a metric.
        estimate: the number with its interval.
        bound: what it is compared with.
        verdict: of the claim that the test was made for.
        sentence: the finding as a person would say it.
    """

    test: str
    reading: str
    subject: str
    estimate: Estimate
    bound: float
    verdict: Verdict
    sentence: str

    def as_dict(self) -> dict[str, Any]:
        """The fields, for JSON."""
        return {
            "test": self.test,
            "reading": self.reading,
            "subject": self.subject,
            "estimate": self.estimate.as_dict(),
            "bound": self.bound,
            "verdict": self.verdict,
            "sentence": self.sentence,
        }

    def __str__(self) -> str:
        return f"{self.test} ({self.reading}), {name_of(self.subject)}: {self.verdict}. {self.sentence}"


def name_of(subject: str) -> str:
    """A method or a family as a text calls it."""
    return NAMES.get(subject, subject)


def agreement(estimate: Estimate, bound: float) -> str:
    """How many seeds and methods alone lie on one side of the bound, and what the number is a mean of, in words."""
    parts = [_side(estimate.seeds, bound, "seed")]
    if len(estimate.methods) > 1:
        parts.append(_side(estimate.methods, bound, "method"))
    slices = f" (means over {plural(estimate.columns, 'slice')})" if estimate.columns > 1 else ""
    return ", ".join(parts) + slices


def _side(values: tuple[float, ...], bound: float, word: str) -> str:
    n = len(values)
    above, below = sum(value > bound for value in values), sum(value < bound for value in values)
    if not n:
        return f"no {word} says anything"
    if n == 1:
        return f"one {word} only"
    count, side = max(above, below), "above" if above >= below else "below"
    if not count:
        return f"all {n} {word}s lie at {bound:g}"
    return f"{'all' if count == n else f'{count} of'} {n} {word}s lie {side} {bound:g}"

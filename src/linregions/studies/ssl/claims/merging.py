"""T3: are neighbouring regions merged as training goes on?"""

from __future__ import annotations

import numpy as np

from .expansion import WARM_UP, averaged, fewest_of, noted, trend
from .finding import Finding, agreement, name_of
from .intervals import FAILS, HOLDS, UNDECIDED, Estimate, Verdict, decide
from .series import Run, Runs, after_warm_up, groups

BALANCE, JUMP, BOTH = "merge less split", "jump between neighbours", "both"


def merging(
    runs: Runs, *, warm_up: float = WARM_UP, resamples: int = 1000, level: float = 0.95, seed: int = 0
) -> tuple[Finding, ...]:
    """T3: merge - split from the end of the warm-up to the end of training, and the trend of the Jacobian jump.

    For two partitions of one slice, t before s, split = H(P_s | P_t) and merge = H(P_t | P_s), entropies in nats of
    areas; their difference telescopes, merge - split = H(P_t) - H(P_s), so that over the whole stretch it follows from
    the two entropies of every slice.  The jump is the slope, against log step, of the log of the mean relative jump
    |J+ - J-| / (|J+| + |J-|) across an edge, on the slices where Jacobians were measured.

    Two of a family's methods have to be there; one that collapsed, and so merged everything, is left out of it.
    merge less split holds where it lies above 0, jump where its slope lies below 0 (`decide` states the rule); both
    holds where the two hold, and does not hold as soon as one of them does not.

    Args:
        runs: of the study.
        warm_up: share of the steps that is left out.
        resamples: bootstrap resamples of seeds, methods and slices.
        level: of the intervals.
        seed: of the resamples.

    Returns:
        Findings of every method that is no control, and of each family, in the three readings.
    """
    options = {"resamples": resamples, "level": level, "seed": seed}
    found = []
    for subject, members in groups(runs, supervised=True).items():
        fallen = averaged(runs, members, lambda run: balance(run, warm_up), **options)  # type: ignore[arg-type]
        jump = trend(runs, members, "jump_relative", warm_up, **options)  # type: ignore[arg-type]
        found += _findings(subject, fallen, jump)
    return tuple(found)


def balance(run: Run, warm_up: float = WARM_UP) -> np.ndarray:
    """Merge - split = H(P_t) - H(P_s) in nats from the end of the warm-up to the end, (slices,)."""
    late = np.flatnonzero(after_warm_up(run, warm_up))
    entropy = run.sliced("area_entropy")
    return entropy[late[0]] - entropy[late[-1]] if len(late) > 1 else np.full(entropy.shape[1], np.nan)


def _findings(subject: str, fallen: tuple[Estimate, str], jump: tuple[Estimate, str]) -> list[Finding]:
    (entropy, left), (slope, gone), least = fallen, jump, fewest_of(subject)
    first, second = decide(entropy, above=0.0, methods=least), decide(slope, below=0.0, methods=least)
    both: Verdict = HOLDS if first == second == HOLDS else FAILS if FAILS in (first, second) else UNDECIDED
    name = name_of(subject)
    one = f"Of {name} merging is not known: {entropy.reason}."
    if entropy.value is not None:
        more = "merging exceeds splitting" if entropy.value > 0 else "splitting exceeds merging"
        one = f"Over the stretch after the warm-up {more} for {name}: merge - split is {entropy} nats"
        one += f"; {agreement(entropy, 0.0)}.{noted(left)}"
    two = f"Of {name} the trend of the jump is not known: {slope.reason}."
    if slope.value is not None:
        two = f"The relative Jacobian jump between neighbours of {name} goes like step to the power {slope}"
        two += f"; {agreement(slope, 0.0)}.{noted(gone if gone != left else '')}"
    return [
        Finding("T3", BALANCE, subject, entropy, 0.0, first, one),
        Finding("T3", JUMP, subject, slope, 0.0, second, two),
        Finding("T3", BOTH, subject, entropy, 0.0, both, f"{one} {two}"),
    ]

"""T3: are neighbouring regions merged as training goes on?"""

from __future__ import annotations

import numpy as np

from .expansion import WARM_UP, trend
from .finding import Finding, agreement, name_of
from .intervals import FAILS, HOLDS, UNDECIDED, Estimate, Verdict, crossed, decide, missing
from .series import Run, Runs, after_warm_up

BALANCE, JUMP, BOTH = "merge less split", "jump between neighbours", "both"


def merging(
    runs: Runs, *, warm_up: float = WARM_UP, resamples: int = 1000, level: float = 0.95, seed: int = 0
) -> tuple[Finding, ...]:
    """T3: merge - split from the end of the warm-up to the end of training, and the trend of the Jacobian jump.

    For two partitions of one slice, t before s, split = H(P_s | P_t) and merge = H(P_t | P_s), entropies in nats of
    areas; their difference telescopes, merge - split = H(P_t) - H(P_s), so that over the whole stretch it follows from
    the two entropies of every slice.  The jump is the slope, against log step, of the log of the mean relative jump
    |J+ - J-| / (|J+| + |J-|) across an edge, on the slices where Jacobians were measured.

    merge less split holds where it lies above 0, jump where its slope lies below 0 (`decide` states the rule); both
    holds where the two hold, and does not hold as soon as one of them does not.

    Args:
        runs: of the study.
        warm_up: share of the steps that is left out.
        resamples: bootstrap resamples of seeds and slices.
        level: of the intervals.
        seed: of the resamples.

    Returns:
        Findings of every method that is no control, and of each family, in the three readings.
    """
    groups = {m: [m] for m in runs.methods if runs.family(m) != "control"}
    groups |= {name: list(m) for name, m in runs.families.items() if name not in ("control", "supervised")}
    options = {"resamples": resamples, "level": level, "seed": seed}
    found = []
    for subject, members in groups.items():
        balance = _balance(runs, members, warm_up, **options)  # type: ignore[arg-type]
        jump = trend(runs, members, "jump_relative", warm_up, **options)  # type: ignore[arg-type]
        found += _findings(subject, balance, jump)
    return tuple(found)


def balance(run: Run, warm_up: float = WARM_UP) -> np.ndarray:
    """Merge - split = H(P_t) - H(P_s) in nats from the end of the warm-up to the end, (slices,)."""
    late = np.flatnonzero(after_warm_up(run, warm_up))
    entropy = run.sliced("area_entropy")
    return entropy[late[0]] - entropy[late[-1]] if len(late) > 1 else np.full(entropy.shape[1], np.nan)


def _balance(runs: Runs, members: list[str], warm_up: float, *, resamples: int, level: float, seed: int) -> Estimate:
    rows = []
    for number in runs.seeds(members):
        rows.append(np.mean([balance(run, warm_up) for m in members if (run := runs.get(m, number))], axis=0))
    if not rows:
        return missing("no seed was run with all of these methods", level)
    return crossed(np.stack(rows), resamples=resamples, level=level, seed=seed)


def _findings(subject: str, balance: Estimate, jump: Estimate) -> list[Finding]:
    first, second = decide(balance, above=0.0), decide(jump, below=0.0)
    both: Verdict = HOLDS if first == second == HOLDS else FAILS if FAILS in (first, second) else UNDECIDED
    name = name_of(subject)
    one = f"Of {name} merging is not known: {balance.reason}."
    if balance.value is not None:
        more = "merging exceeds splitting" if balance.value > 0 else "splitting exceeds merging"
        one = f"Over the stretch after the warm-up {more} for {name}: {balance} nats; {agreement(balance, 0.0)}."
    two = f"Of {name} the trend of the jump is not known: {jump.reason}."
    if jump.value is not None:
        two = f"The relative Jacobian jump between neighbours of {name} goes like step to the power {jump}"
        two += f"; {agreement(jump, 0.0)}."
    return [
        Finding("T3", BALANCE, subject, balance, 0.0, first, one),
        Finding("T3", JUMP, subject, jump, 0.0, second, two),
        Finding("T3", BOTH, subject, balance, 0.0, both, f"{one} {two}"),
    ]

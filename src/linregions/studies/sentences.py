"""What the numbers of a study mean, in sentences that follow from them by fixed rules."""

from __future__ import annotations

from ..checks import plural
from .ranking import SCORE, Column, Findings

COUNT_OF_UNITS = 0.95  # rank correlation with V above which a score is suspected to be a count of units
SATURATED = 0.9
FEW = 20  # networks: fewer allow no conclusion


def sentences(found: Findings) -> list[str]:
    """The sentences of a report, the most important first."""
    rules = (_few, _winner, _count_of_units, _beyond_controls, _noise, _saturation, _repeats, _ceiling)
    return [text for rule in rules for text in rule(found)]


def _few(found: Findings) -> list[str]:
    if found.n >= FEW:
        return []
    return [f"{found.n} networks are too few for any conclusion: what follows describes them, and no others."]


def _rivals(found: Findings) -> list[Column]:
    """Every other way to rank that has a correlation, best first; not other forms of the score itself."""
    others = [c for c in found.columns if c.role in ("control", "baseline") and c.behind is not None]
    return sorted((c for c in others if c.spearman.defined), key=lambda c: -_value(c))


def _value(column: Column) -> float:
    return -2.0 if column.spearman.value is None else column.spearman.value


def _plainly(column: Column) -> str:
    return f"{column.spearman.value:.2f}"


def _winner(found: Findings) -> list[str]:
    """The paired difference of the score and every rival says who wins, or that nobody does."""
    score, rivals = found[SCORE], _rivals(found)
    if not score.spearman.defined:
        return [f"The score has no rank correlation: {score.spearman.reason}."]
    if not rivals:
        return []
    best = rivals[0]
    if all(c.behind and c.behind.decided and (c.behind.low or 0.0) > 0 for c in rivals):
        return [
            f"{score.label} ranks better than every control and baseline here: Spearman {score.spearman}; the nearest "
            f"is {best.label} with {best.spearman}, a difference of {best.behind}."
        ]
    better = [c for c in rivals if c.behind and c.behind.decided and (c.behind.high or 0.0) < 0]
    if better:
        names = _list([f"{c.label} ({c.spearman})" for c in better])
        return [f"{score.label} ranks worse than {names}: Spearman {score.spearman}."]
    if best.behind and best.behind.low is None:
        names = _list([f"{c.label} {_plainly(c)}" for c in (score, *rivals)])
        return [f"{found.n} networks are too few to say what ranks better: Spearman of {names}."]
    near = [c for c in rivals if c.behind and not c.behind.decided]
    names = _list([f"{score.label} {score.spearman}", *(f"{c.label} {c.spearman}" for c in near)])
    return [f"No winner: on these {found.n:,} networks {names} cannot be told apart (paired differences include 0)."]


def _count_of_units(found: Findings) -> list[str]:
    with_units, partial = found.with_units, found[SCORE].given_units
    if with_units.value is None:
        return []
    if with_units.value > COUNT_OF_UNITS:
        says = f"SWAP and the number of units V rank the networks alike (Spearman {with_units})"
        if partial is None or with_units.low is None or (partial.defined and partial.low is None):
            return [f"{says}; these networks are too few to say what is left of the score given V."]
        if not partial.decided:
            rest = f"given V nothing is proven to be left of it (partial Spearman {partial})"
            return [f"Here the score is a count of units: {says}, and {rest}."]
        return [f"{says}, yet given V something is left: partial Spearman {partial}."]
    if with_units.high is not None and with_units.high < COUNT_OF_UNITS:
        return [f"The score is not a count of units: its Spearman correlation with V is {with_units}."]
    says = (
        f"These {found.n:,} networks do not tell whether the score is a count of units: its Spearman correlation with V"
    )
    if with_units.high is None:
        return [f"{says} is {with_units}."]
    return [f"{says}, {with_units}, may be above {COUNT_OF_UNITS}."]


def _beyond_controls(found: Findings) -> list[str]:
    partial = found[SCORE].given_controls
    names = [c.label for c in found.columns if c.role == "control"]
    controls = _list(names)
    if partial is None or not controls:
        return []
    if partial.defined and partial.low is None and partial.resamples == 0:
        return [
            f"{found.n} networks are too few to say what the score knows beyond {plural(len(names), 'control')} "
            f"({controls})."
        ]
    if not partial.defined or partial.low is None:
        return [f"Given {controls} the score's partial Spearman is {partial}."]
    if partial.decided and (partial.value or 0.0) > 0:
        return [f"The score knows what the controls do not: given {controls} its partial Spearman is {partial}."]
    if partial.decided:
        return [f"Given {controls} the score ranks the wrong way round: partial Spearman {partial}."]
    return [f"Given {controls} nothing is proven to be left of the score: partial Spearman {partial} includes 0."]


def _noise(found: Findings) -> list[str]:
    if "swap_noise" not in found:
        return []
    noise, score = found["swap_noise"], found[SCORE]
    if noise.behind is None or not noise.behind.defined:
        return [f"On noise in place of the probe the score's Spearman is {noise.spearman}."]
    text = f"On noise in place of the probe the score's Spearman is {noise.spearman} instead of {score.spearman}"
    if not noise.behind.decided:
        return [f"{text}: no difference is proven."]
    verdict = "the probe's structure matters" if (noise.behind.low or 0.0) > 0 else "noise does better"
    above = [c.label for c in _rivals(found) if c.role == "control" and _value(c) > _value(noise)]
    more = f"; on noise it lies below {_list(above)}" if above else ""
    return [f"{text}: {verdict} (difference {noise.behind}){more}."]


def _saturation(found: Findings) -> list[str]:
    (low, mid, high), (_, of_limit, _) = found.of_units, found.of_limit
    text = (
        f"Psi / V runs from {low:.2f} to {high:.2f} (median {mid:.2f}), Psi / min(V, 2^S) has the median {of_limit:.2f}"
    )
    if of_limit <= SATURATED:
        return [f"{text}: the score is not saturated."]
    if mid > SATURATED:
        return [
            f"{text}: nearly every unit has a pattern of its own, so that the score counts units; take fewer samples."
        ]
    return [f"{text}: nearly all patterns that so few samples can show are there; take more samples."]


def _repeats(found: Findings) -> list[str]:
    if found.standard_error is None or "swap_1" not in found:
        return []
    return [
        f"One draw of weights alone gives {found['swap_1'].spearman}; the mean over repeats has a standard error of "
        f"{100 * found.standard_error:.1f} % of the score."
    ]


def _ceiling(found: Findings) -> list[str]:
    if found.ceiling is None:
        return []
    text = f"Two trainings from different seeds rank the networks alike with Spearman {found.ceiling}"
    return [f"{text}; the truth is their mean over seeds, and no score can be expected to agree with it much better."]


def _list(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""

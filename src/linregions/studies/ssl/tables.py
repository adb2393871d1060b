"""The tables and sentences of the study's report."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...checks import plural
from ..folder import Manifest
from .claims import Claims, Estimate, Finding, Runs
from .claims.collapse import EARLY, MARGIN, has_collapsed
from .claims.expansion import WARM_UP
from .claims.finding import name_of
from .claims.quality import LABELS
from .claims.series import logs, means

PLANES = {  # kinds of `linregions.slicing.slices`
    "nearest": "a held-out image and its two nearest ones of another class",
    "classes": "held-out images of three classes",
    "pair": "two held-out images and a random direction",
    "point": "a held-out image and two random directions",
    "noise": "points of noise",
}
Table = tuple[list[str], list[list[str]]]
ENDS = (
    "Means over seeds, in brackets the smallest and the largest. N: geometric mean of the regions of the slices near "
    "the data; N/N0: to that of the untrained encoder; noise: the same on the slices between points of noise."
)


def answers(found: Claims) -> Table:
    """The claims and their verdicts."""
    return ["claim of the abstract", "here"], [[f"({a.letter}) {a.claim}", a.verdict] for a in found.answers]


def findings(found: Claims, test: str) -> Table:
    """Every number of a test: subject, reading, number with interval, seeds alone, verdict."""
    head = ["", "reading", "number", "interval", "each seed alone", "verdict"]
    return head, [_finding(f) for f in found.of(test) if f.reading != "both" or f.estimate.value is not None]


def detectors(found: Claims) -> Table:
    """How the detectors of collapse did."""
    head = ["detector", "reads", "AUC early", "interval", "fires in collapsed", "before the drop", "false alarms"]
    head += ["median step of firing", "median step of the drop"]
    rows = []
    for d in found.detectors:
        collapsed, healthy = f" of {d.collapsed}", f" of {d.healthy}"
        rows.append(
            [
                f"{d.name}: {d.text}",
                "regions" if d.geometric else "features",
                _value(d.auc),
                _interval(d.auc),
                f"{d.hits}{collapsed}",
                f"{d.early}{collapsed}",
                f"{d.alarms}{healthy}",
                _step(d.step),
                _step(d.drop),
            ]
        )
    return head, rows


def ends(runs: Runs) -> Table:
    """Quality and counts at the last checkpoint, by method."""
    head = ["method", "family", "kNN", "NCM", "probe", "std", "rank", "N", "N/N0", "noise: N/N0", "collapsed"]
    rows = []
    for method in runs.methods:
        group = runs.of(method)
        cells = [name_of(method), runs.family(method)]
        cells += [_spread([run.column(name)[-1] for run in group], "{:.3f}") for name in ("knn", "ncm", "probe")]
        cells += [_spread([run.column(name)[-1] for run in group], "{:.2f}") for name in ("std", "effective_rank")]
        near = [run.averaged("n_regions", log=True) for run in group]
        noise = [means(logs(run.sliced("n_regions", noise=True))) for run in group]
        cells.append(_spread([float(np.exp(log[-1])) for log in near], "{:,.0f}"))
        cells += [_spread([float(np.exp(x[-1] - x[0])) for x in each], "{:.2f}") for each in (near, noise)]
        rows.append([*cells, f"{sum(map(has_collapsed, group))} of {len(group)}"])
    return head, rows


def identities(runs: Runs) -> str:
    """The line of the self-tests: how many partitions were checked, and whether all of them passed."""
    checked, held = 0, 0
    for run in runs.all:
        for point in run.row["checkpoints"]:
            each = point["slices"].get("identities_hold", [])
            checked += len(each)
            held += sum(map(bool, each))
    if not checked:
        return "Identities: no row says that they were checked."
    return (
        f"Identities: regions F = 1 + V_i + V_b / 2, mean edges 4 - (4 - c) / F and the sum of areas hold in "
        f"{held:,} of {checked:,} partitions (each slice at each checkpoint of each run); one that fails stops its run."
    )


def limits(manifest: Manifest, found: Claims) -> list[str]:
    """What the study cannot decide, said before anything is read into it."""
    s, seeds = manifest.settings, found.seeds
    lines = [
        f"{plural(seeds, 'seed')} are few: 'holds' means the same on these slices in every one of these trainings, by "
        "more than the seeds differ, not a law. Differences that all seeds share because the methods' settings differ "
        "(rates, heads, temperatures) are not told from differences of principle, and the two or three methods of a "
        "family are those that were run here, not a sample of all there are.",
        f"{s['steps']:,} steps are a short training; what happens in hundreds of epochs is not seen.",
        f"Slices: {_kinds(s['slices'])}. What is true of them need not be true of the whole input space, N of a slice "
        "changes with its size, and Jacobians and overlays are of the first "
        f"{plural(max(s['jacobians'], s['overlays']), 'slice')} only.",
        "How fast 'rapidly' and how few 'substantially fewer' are, the abstract does not say; T1 and T2 ask for a side "
        "only. 'Expand' may mean more regions or larger ones; (c) is decided by more, and larger stands beside it.",
    ]
    undecided = [f"({a.letter})" for a in found.answers if a.verdict == "undecided"]
    if undecided:
        lines.append(f"Undecided here: {', '.join(undecided)}; more seeds or more steps may decide them.")
    return lines


def _kinds(kinds: dict[str, int]) -> str:
    """How many planes of each kind, and what they go through, in words."""
    return ", ".join(f"{n} through {PLANES.get(kind, kind)}" for kind, n in kinds.items())


def settings(manifest: Manifest, runs: Runs) -> list[str]:
    """What the rows depend on."""
    s, facts = manifest.settings, manifest.facts
    steps = ", ".join(f"{step:,}" for step in s["checkpoints"])
    seeds = sorted({run.seed for run in runs.all})
    lines = [
        f"Data: {facts['about']}.",
        f"Encoder: {facts['encoder']}, all ReLU, no batch normalisation; the partition is that of the backbone up "
        "to and including its last ReLU, heads are not measured. The same first weights for all methods of a seed.",
        f"Methods: {', '.join(runs.methods)}; settings of each in the rows. {s['steps']:,} steps of {s['batch']} "
        f"images; seeds {', '.join(map(str, seeds))} (slices and split: seed {s['seed']}).",
        _rates(runs),
        f"{facts['instead']}." if "instead" in facts else "",
        f"Slices: {_kinds(s['slices'])}, the same for all methods, seeds and checkpoints; "
        f"pad {s['pad'] or 'so that all anchors lie inside'}.",
        f"Checkpoints: {steps}. Warm-up: {100 * WARM_UP:g} % of the steps; early: {100 * EARLY:g} %; collapsed: last "
        f"kNN accuracy more than {MARGIN:g} below that of the untrained encoder.",
        f"Jacobians on {plural(s['jacobians'], 'slice')}, overlays of consecutive checkpoints on "
        f"{plural(s['overlays'], 'slice')}, {plural(s['points'], 'held-out point')}; regions are merged where the "
        f"relative jump lies below {s['merged_below']:g}.",
    ]
    return [line for line in lines if line]


def _rates(runs: Runs) -> str:
    """The learning rates, one line for all methods where they are the same."""
    trained = [run.row.get("training", {}) for run in runs.all]
    pairs = sorted({(t["rate"], t["rate"] * t["share"]) for t in trained if "share" in t})
    each = "; ".join(
        f"{rate:g} for what is on top of the encoder, {encoder:g} for the encoder" for rate, encoder in pairs
    )
    return (
        f"AdamW at constant rates: {each or 'see the rows'}. Those for 28 x 28 images were chosen on seeds 100 to 102 "
        "of another split of Fashion-MNIST, so that SimSiam and BYOL do not lose accuracy and the controls do; "
        "accuracy and the spread of features decided, no number of regions."
    )


def seconds(runs: Runs) -> str:
    """Where the time of a run went, medians over runs."""
    names = list(dict.fromkeys(name for run in runs.all for name in run.row.get("times", {})))
    core = float(np.median([run.row.get("core_seconds", 0.0) for run in runs.all]))
    split = [f"{name} {_median_time(runs, name):.1f}" for name in names]
    everything = sum(float(run.row.get("core_seconds", 0.0)) for run in runs.all)
    return f"Core seconds of a run: {core:.1f} in the median ({', '.join(split)}); all runs together {everything:,.0f}."


def _median_time(runs: Runs, name: str) -> float:
    return float(np.median([run.row.get("times", {}).get(name, 0.0) for run in runs.all]))


def _finding(f: Finding) -> list[str]:
    subject = LABELS[f.subject] if f.test == "T4" else name_of(f.subject)
    alone = ", ".join(f"{x:.2f}" for x in f.estimate.seeds) if len(f.estimate.seeds) <= 5 else "see claims.json"
    return [subject, f.reading, _value(f.estimate), _interval(f.estimate), alone, f.verdict]


def _value(e: Estimate) -> str:
    return e.reason if e.value is None else f"{e.value:.3g}"


def _interval(e: Estimate) -> str:
    return "" if e.low is None or e.high is None else f"{e.low:.3g} to {e.high:.3g}"


def _step(step: float | None) -> str:
    return "never" if step is None else f"{step:,.0f}"


def _spread(values: list[Any], form: str) -> str:
    there = [float(v) for v in values if np.isfinite(v)]
    if not there:
        return ""
    text = form.format(np.mean(there))
    return text if len(there) == 1 else f"{text} ({form.format(min(there))} to {form.format(max(there))})"

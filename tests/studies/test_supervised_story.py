"""The supervised story: moves of counts that are there are found, and noise has no dip."""

from __future__ import annotations

import numpy as np
import pytest

from linregions.studies.supervised_report import FAR, KINDS, NEAR, NOISE, POINTS, counts_of, lowest, story

STEPS = (0, 1, 3, 10, 30, 100, 300, 1000)
SLICES = 4
VALLEY = np.array([0.0, -0.3, -0.8, -1.2, -0.9, -0.5, -0.2, 0.1])


def rows(shapes, *, seeds=3, noise=0.02, seed=0):
    """Rows whose log counts have the shape of their kind, and local complexities that of their points."""
    rng, made = np.random.default_rng(seed), []
    kinds = [kind for kind in KINDS for _ in range(SLICES)]
    for number in range(seeds):
        points = []
        for k, step in enumerate(STEPS):
            log = [shapes[kind][k] + noise * rng.normal() for kind in kinds]
            point = {"step": step, "slices": {"n_regions": np.exp(7 + np.array(log)).tolist()}}
            point |= {f"complexity_{name}": float(np.exp(shapes[NEAR][k] + noise * rng.normal())) for name in POINTS}
            points.append(point)
        made.append({"method": "supervised", "family": "supervised", "seed": number, "kinds": kinds})
        made[-1]["checkpoints"] = points
    return made


def verdicts(made):
    return {line.name: line.verdict for line in story(made, resamples=400).lines}


def test_a_valley_and_a_slope_are_told_apart():
    slope = np.linspace(0.0, 2.0, len(STEPS))
    found = verdicts(rows({NEAR: VALLEY, NOISE: slope - 3.0, FAR: -slope}))
    assert found[f"N {NEAR}: lowest / start"] == found[f"N {NEAR}: end / lowest"] == "holds"
    assert found["local complexity at held-out points: lowest / start"] == "holds"
    assert found[f"N {NOISE}: lowest / start"] == "does not hold"  # the lowest checkpoint is the first
    assert found[f"N {NOISE}: end / start"] == "holds"
    assert found[f"N {FAR}: end / lowest"] == "does not hold"  # the lowest checkpoint is the last
    assert found[f"N {FAR}: end / start"] == "does not hold"
    assert found[f"N {NEAR} / N {NOISE}, at the start"] == "holds"


def test_one_seed_decides_nothing():
    made = rows(dict.fromkeys(KINDS, VALLEY), seeds=1)
    assert set(verdicts(made).values()) == {"undecided"}
    ratios = [line.estimate.value for line in story(made, resamples=400).lines]
    assert min(ratios) > 0.0  # ratios, with an interval or without one


def test_the_lowest_checkpoint_is_chosen_by_the_other_seeds():
    table = np.zeros((3, 3, 2))
    table[1, 0], table[2, 1:] = -5.0, -1.0
    assert lowest(table).tolist() == [2, 1, 1]
    alone = table[:, :1]
    assert lowest(alone).tolist() == [1]


def test_noise_has_no_dip():
    """Chosen by all seeds, the lowest of eight checkpoints of noise lies below the start nearly always."""
    flat = {kind: np.zeros(len(STEPS)) for kind in KINDS}
    found = [verdicts(rows(flat, noise=0.5, seed=k)) for k in range(20)]
    dips = [v for each in found for name, v in each.items() if "lowest" in name]
    assert np.mean([v != "undecided" for v in dips]) < 0.1


def test_counts_are_sorted_by_kind():
    made = rows({NEAR: VALLEY, NOISE: VALLEY + 1, FAR: VALLEY + 2}, noise=0.0, seeds=2)
    from linregions.studies.ssl.claims import Run

    runs = [Run(row) for row in made]
    for k, kind in enumerate(KINDS):
        table = counts_of(runs, kind)
        assert table.shape == (len(STEPS), 2, SLICES)
        assert table[:, 0, 0] == pytest.approx(7 + VALLEY + k)

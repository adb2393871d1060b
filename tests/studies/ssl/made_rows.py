"""Synthetic rows of a study whose truth is known."""

from __future__ import annotations

import numpy as np

FAMILIES = {
    "supervised": "supervised",
    "simclr": "contrastive",
    "moco": "contrastive",
    "byol": "self-distillation",
    "simsiam": "self-distillation",
    "vicreg": "cca",
    "barlow": "cca",
    "byol-collapse": "control",
    "dino-collapse": "control",
    "vicreg-collapse": "control",
}
STEPS = (0, 2, 5, 10, 20, 40, 80, 160, 320, 600)
SLICES = 6


def rows(slope=None, start=None, knn=None, seeds=3, noise=0.02, jump=None, methods=FAMILIES, seed=0, early=True):
    """Rows of a study: N = 1000 start(method) step^slope(method), kNN from 0.5 to knn(method)."""
    rng = np.random.default_rng(seed)
    slope, start, knn, jump = (given or {} for given in (slope, start, knn, jump))
    found = []
    for method in methods:
        for number in range(seeds):
            base = 6.9 + 0.3 * rng.normal(size=SLICES)
            sick = FAMILIES[method] == "control"
            points = []
            for k, step in enumerate(STEPS):
                clock = np.log1p(step) / np.log1p(STEPS[-1])
                grown = np.log(start.get(method, 1.0)) * (step > 0) + slope.get(method, 0.0) * np.log1p(step)
                grown -= 3.0 * clock * sick * (1.0 if early else step >= 600)
                log = base + grown + noise * rng.normal(size=SLICES)
                top = knn.get(method, 0.2 if sick else 0.9)
                points.append(
                    {
                        "step": step,
                        "loss": float(1 - clock),
                        "knn": float(0.5 + (top - 0.5) * clock + 0.001 * rng.normal() * (k > 0)),
                        "ncm": 0.4,
                        "probe": 0.5,
                        "std": float(0.5 * (1 - clock) + 0.01 if sick else 0.5),
                        "effective_rank": float(20 + rng.normal()),
                        "mean_cosine": float(clock if sick else 0.2),
                        "dead": 0.1,
                        "dist_boundary": 0.1,
                        "jac_norm": 1.0,
                        "slices": {
                            "n_regions": [float(round(x)) for x in np.exp(log)],
                            "area_mean": np.exp(-log).tolist(),
                            "area_weighted": np.exp(-log).tolist(),
                            "area_median": (0.5 * np.exp(-log)).tolist(),
                            "area_entropy": (log - 0.3).tolist(),
                            "ecc_moment": [0.88] * SLICES,
                            "ecc_splinecam": [3.5] * SLICES,
                            "boundary_length": np.exp(0.5 * log).tolist(),
                            "jump_relative": [0.2 * (1 + step) ** jump.get(method, 0.0)] * 2 + [None] * (SLICES - 2),
                            "n_regions_merged": np.exp(log).tolist(),
                        },
                        "overlay": [{"slice": 0, "split": 0.4, "merge": 0.3, "h_before": 5.0, "h_after": 5.1}]
                        if k
                        else [],
                    }
                )
            found.append(
                {
                    "method": method,
                    "family": FAMILIES[method],
                    "seed": number,
                    "kinds": ["classes"] * SLICES,
                    "seconds": 1.0,
                    "checkpoints": points,
                }
            )
    return found


METRICS = ("n_regions", "area_median", "area_weighted", "area_entropy", "ecc_moment", "ecc_splinecam")
METRICS = (*METRICS, "boundary_length", "jump_relative", "n_regions_merged", "gradient_variation", "roundness")


def noise_rows(seed, *, shared=0.0, seeds=3, methods=FAMILIES, metrics=METRICS):
    """Rows in which no metric has to do with kNN: all are walks at random, a share of which the seeds of a method have
    in common, of metrics and kNN alike, so that a method's seeds are no independent witnesses."""
    rng = np.random.default_rng(seed)
    walks = lambda: np.cumsum(rng.normal(size=(len(STEPS), 1 + len(metrics))), axis=0)  # noqa: E731
    found = []
    for method in (m for m in methods if FAMILIES[m] != "control"):
        common = walks()
        for number in range(seeds):
            walk = np.sqrt(shared) * common + np.sqrt(1 - shared) * walks()
            points = [
                {
                    "step": step,
                    "loss": 1.0,
                    "knn": 0.9 + 0.001 * line[0],
                    "slices": {name: [float(np.exp(0.1 * v))] for name, v in zip(metrics, line[1:], strict=True)},
                }
                for step, line in zip(STEPS, walk, strict=True)
            ]
            row = {"method": method, "family": FAMILIES[method], "seed": number, "kinds": ["classes"]}
            found.append({**row, "checkpoints": points})
    return found

"""Train a small network on 8 x 8 digits and watch its linear regions: a plain loop, a CSV file, two pictures.

Usage: `python examples/track_digits.py [FOLDER]`

It takes a few seconds and needs scikit-learn (for the digits), torch and matplotlib:
`pip install 'linregions[training]' scikit-learn`.  FOLDER, `track_digits` without a name, gets `regions.csv`, which
grows while the network trains, `history.png` and `slices.png`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

from linregions import plot
from linregions.slicing import slices
from linregions.training import CSVSink, RegionTracker

STEPS = 500


def train(folder: Path, *, seed: int = 0, steps: int = STEPS) -> tuple[RegionTracker, float]:
    """The tracker of one training, and the share of held-out digits that the network then gets right."""
    x, y = load_digits(return_X_y=True)
    x = x / 16.0
    held = np.arange(len(x)) % 5 == 0

    torch.set_num_threads(1)  # the fastest for a network as small as this
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3)
    inputs, labels = torch.tensor(x[~held], dtype=torch.float32), torch.tensor(y[~held])

    # Four slices, each through three held-out digits of different classes; they stay the same all the time.
    planes = slices(x[held], y[held], count=4, seed=seed)
    sink = CSVSink(folder / "regions.csv", existing="replace")
    # By default measuring takes at most 5 % of the time and waits where it must; here we want to see every checkpoint.
    with RegionTracker(slices=planes, sinks=sink, keep=True, share=None) as tracker:
        tracker.step(model, 0)
        for step in range(1, steps + 1):
            batch = torch.randint(0, len(inputs), (128,), generator=generator)
            loss = nn.functional.cross_entropy(model(inputs[batch]), labels[batch])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            tracker.step(model, step, loss=loss)
        tracker.finish(model, loss=loss)
    with torch.no_grad():
        guesses = model(torch.tensor(x[held], dtype=torch.float32)).argmax(dim=1).numpy()
    return tracker, float(np.mean(guesses == y[held]))


def draw(tracker: RegionTracker, folder: Path) -> None:
    """The curves, and one slice at four checkpoints."""
    figure = tracker.history.plot(slices=True, title="Regions on four slices through held-out digits: mean and range")
    figure.savefig(folder / "history.png")
    steps = sorted(tracker.history.kept)
    chosen = [steps[round(k * (len(steps) - 1) / 3)] for k in range(4)]
    first = tracker.slices[0]
    kept = {step: tracker.history.kept[step][first.name] for step in dict.fromkeys(chosen)}
    plot.strip(kept, anchors=first).savefig(folder / "slices.png")


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "track_digits")
    folder.mkdir(parents=True, exist_ok=True)
    tracker, accuracy = train(folder)
    draw(tracker, folder)
    history = tracker.history
    print(history)
    print(f"{100 * accuracy:.1f} % of held-out digits right; measuring took {100 * history.share:.1f} % of the time")
    print(f"written: {', '.join(str(folder / name) for name in ('regions.csv', 'history.png', 'slices.png'))}")


if __name__ == "__main__":
    main()

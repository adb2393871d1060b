"""Training the networks of the digits space: the accuracies that scores are compared with, and their noise."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from ...checks import plural, shown, whole_number
from ...errors import InputError, MissingExtraError
from ...partition import Status
from ..needs import nn, torch
from .digits import HEADER, Digits, DigitsNet
from .table import Table

IMAGES, EPOCHS, BATCH = 300, 10, 50
RATE, DECAY = 0.02, 1e-3


def train(architecture: DigitsNet, *, seed: int = 0, epochs: int = EPOCHS, images: int = IMAGES) -> float:
    """Train a network on a few digits, and give its accuracy on all the others, in percent.

    AdamW with a cosine schedule from 0.02 to 0, batches of 50, cross entropy; afterwards the batch norms' statistics
    are taken anew from the training images, because few steps leave running means behind.  The training images are the
    same for every seed: 300 of 1,797 by default, few enough to keep good networks off the ceiling of 99 %.

    Args:
        architecture: a member of `Digits`.
        seed: of the weights and of the order of the images; the same seed gives the same accuracy on one machine.
        epochs: passes over the training images.
        images: how many there are to train on, from 50; a rest that fills no batch is left out of each pass.

    Returns:
        Accuracy on the held-out images, 0 to 100.  One thread is used; the global random state is not touched.

    Raises:
        InputError: an argument is out of range, or the architecture is no member.
        MissingExtraError: scikit-learn is not installed.

    Example:
        >>> space = Digits()
        >>> small = space.parse("none|none|none|skip|none|none width 4 depth 1 relu")
        >>> train(small, seed=0, epochs=1) < 60
        True
    """
    epochs = whole_number(epochs, "epochs")
    x, y = images_and_labels()
    images = whole_number(images, "images", most=len(x) - 1)
    if images < BATCH:
        raise InputError(f"images must be at least {BATCH}, one batch, got {images}")
    network = Digits().build(architecture, seed=seed)
    with single_thread(), torch.enable_grad():
        _fit(network, x[:images], y[:images], epochs, torch.Generator().manual_seed(seed))
        return _accuracy(network, x[:images], x[images:], y[images:])


@lru_cache(maxsize=1)
def images_and_labels() -> tuple[torch.Tensor, torch.Tensor]:
    """Scikit-learn's digits in one fixed shuffled order: (1797, 1, 8, 8) with mean 0 and deviation 1, and (1797,).

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise MissingExtraError(
            "digits: scikit-learn is not installed; install it with: pip install 'linregions[study]'"
        ) from error
    data: Any = load_digits()
    # The file is ordered by writer; what is trained on and what is held out shall not differ in that.
    order = np.random.default_rng(0).permutation(len(data.target))
    images = data.images[order]
    images = (images - images.mean()) / images.std()
    return torch.from_numpy(images).float()[:, None].contiguous(), torch.from_numpy(data.target[order]).long()


@contextmanager
def single_thread() -> Iterator[None]:
    """Within it torch takes one thread: faster on networks this small, and the same sums on every machine's cores."""
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        yield
    finally:
        torch.set_num_threads(before)


def _fit(network: nn.Module, x: torch.Tensor, y: torch.Tensor, epochs: int, order: torch.Generator) -> None:
    batches = len(x) // BATCH
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * batches)
    network.train()
    for _ in range(epochs):
        shuffled = torch.randperm(len(x), generator=order)
        for rows in shuffled[: batches * BATCH].split(BATCH):
            optimizer.zero_grad(set_to_none=True)
            nn.functional.cross_entropy(network(x[rows]), y[rows]).backward()
            optimizer.step()
            schedule.step()


@torch.no_grad()
def _accuracy(network: nn.Module, seen: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> float:
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None  # a plain mean over passes; there is one
    network(seen)
    network.eval()
    return 100 * (network(x).argmax(1) == y).double().mean().item()


@dataclass(frozen=True, eq=False)
class Accuracies:
    """Accuracies of n architectures, each trained with k seeds.

    Attributes:
        architectures: n members of `Digits`.
        seeds: k seeds.
        values: (n, k) float64, in percent; not a number where the work was cut short.
        epochs: of each training.
        images: trained on.
        status: complete, or interrupted.
        seconds: wall time.

    Example:
        >>> nets = tuple(Digits().sample(np.random.default_rng(i)) for i in range(3))
        >>> found = Accuracies(nets, (0, 1), np.array([[50.0, 52], [70, 69], [90, 93]]), 10, 300, Status.COMPLETE, 1.0)
        >>> found.mean.tolist(), round(found.noise_ceiling, 3)
        ([51.0, 69.5, 91.5], 1.0)
    """

    architectures: tuple[DigitsNet, ...]
    seeds: tuple[int, ...]
    values: np.ndarray
    epochs: int
    images: int
    status: Status
    seconds: float

    @property
    def done(self) -> np.ndarray:
        """(n,) bool: which architectures were trained with every seed."""
        return np.logical_not(np.isnan(self.values).any(axis=1))

    @property
    def mean(self) -> np.ndarray:
        """(n,) mean over the seeds; not a number where a training is missing."""
        return self.values.mean(axis=1)

    @property
    def spread(self) -> float:
        """Standard deviation of the means between architectures, in points."""
        return float(self.mean[self.done].std(ddof=1))

    @property
    def noise(self) -> float:
        """Standard deviation between seeds within an architecture (root of the mean variance), in points."""
        return float(np.sqrt(self.values[self.done].var(axis=1, ddof=1).mean()))

    @property
    def noise_ceiling(self) -> float:
        """Mean Spearman correlation between the accuracies of two seeds.

        How well one training predicts another one of the same architectures: what a score cannot be expected to beat
        when it is compared with single trainings.
        """
        from scipy.stats import rankdata

        between = np.corrcoef(rankdata(self.values[self.done], axis=0), rowvar=False)
        return float(between[np.triu_indices(len(self.seeds), 1)].mean())

    def table(self) -> Table:
        """The means as a `Table` for studies, with the columns `seeds` and `sd`; of what is done."""
        done = self.done
        means, values = self.mean[done], self.values[done]
        spread = values.std(axis=1, ddof=1) if len(self.seeds) > 1 else np.full(len(values), np.nan)
        columns = {"seeds": np.full(len(values), len(self.seeds)), "sd": spread}
        members = tuple(a for a, there in zip(self.architectures, done, strict=True) if there)
        return Table("digits", members, means, columns, source=f"trained here, {self.epochs} epochs")

    def to_csv(self) -> str:
        """One line for each architecture that is done, as `Digits.read_table` reads it."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(HEADER)
        for architecture, row, there in zip(self.architectures, self.values, self.done, strict=True):
            if there:
                # repr of a float64 comes back as the same number.
                accuracies = " ".join(repr(float(v)) for v in row)
                writer.writerow([str(architecture), len(row), repr(float(row.mean())), accuracies])
        return out.getvalue()

    def as_dict(self) -> dict[str, Any]:
        """The record as plain JSON types."""
        some = self.done.sum() > 1 and len(self.seeds) > 1
        return {
            "architectures": [str(a) for a in self.architectures],
            "seeds": list(self.seeds),
            "values": [[None if np.isnan(v) else float(v) for v in row] for row in self.values],
            "epochs": self.epochs,
            "images": self.images,
            "status": self.status.value,
            "seconds": self.seconds,
            "spread": self.spread if some else None,
            "noise": self.noise if some else None,
            "noise_ceiling": self.noise_ceiling if some else None,
        }

    def __str__(self) -> str:
        count = int(self.done.sum())
        lines = [
            f"{plural(count, 'architecture')} of digits, {plural(len(self.seeds), 'seed')} each, {self.epochs} epochs "
            f"on {self.images} images, {self.seconds:.0f} s"
        ]
        if count:
            low, mid, high = np.quantile(self.mean[self.done], (0, 0.5, 1))
            lines.append(f"accuracy {low:.1f} to {high:.1f} %, median {mid:.1f} %")
        if count > 1 and len(self.seeds) > 1:
            lines.append(
                f"standard deviation between architectures {self.spread:.1f}, between seeds {self.noise:.1f} points; "
                f"Spearman between seeds {self.noise_ceiling:.3f}"
            )
        if self.status is not Status.COMPLETE:
            lines.append(f"{self.status.value}: {len(self.architectures) - count} not done")
        return "\n".join(lines)


def accuracies(
    space: Digits,
    architectures: Sequence[DigitsNet],
    seeds: Sequence[int] = (0, 1, 2),
    *,
    epochs: int = EPOCHS,
    images: int = IMAGES,
    progress: Callable[[float, int], None] | None = None,
) -> Accuracies:
    """Train every architecture with every seed; see `train`.

    Ctrl-C keeps what is done: the record then says "interrupted", and holds no number where there is none.

    Args:
        space: the digits space.
        architectures: n members of it.
        seeds: of the trainings of each.
        epochs: of each training.
        images: to train on.
        progress: called after every training with (fraction done, trainings done).

    Returns:
        `Accuracies`, rows in the order of `architectures`.

    Raises:
        InputError: an architecture is no member, or nothing is to be done.
    """
    architectures, seeds = tuple(architectures), tuple(seeds)
    for name, values in (("architectures", architectures), ("seeds", seeds)):
        if not values:
            raise InputError(f"{name}: at least one is needed, got {shown(values)}")
    for architecture in architectures:
        space.text(architecture)  # a wrong one shows before the work
    started = time.monotonic()
    values = np.full((len(architectures), len(seeds)), np.nan)
    status = Status.COMPLETE
    try:
        for done, (row, column) in enumerate(np.ndindex(values.shape), 1):
            values[row, column] = train(architectures[row], seed=seeds[column], epochs=epochs, images=images)
            if progress is not None:
                progress(done / values.size, done)
    except KeyboardInterrupt:
        status = Status.INTERRUPTED
    values.flags.writeable = False
    return Accuracies(architectures, seeds, values, epochs, images, status, time.monotonic() - started)

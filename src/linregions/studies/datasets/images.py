"""What a data set is to a study: images to train on, images held out, and where they come from."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ...checks import plural, seed_number, whole_number
from ...errors import InputError


@dataclass(frozen=True, eq=False)
class Images:
    """Labelled grey images in two parts.

    Attributes:
        name: "mnist", "fashion-mnist", "digits", or the name of a folder, a file or arrays.
        train: (n, height, width) float32 in [0, 1], to train on.
        train_labels: (n,) int64 from 0.
        held: (m, height, width) float32 in [0, 1], held out.
        held_labels: (m,) int64 from 0.
        source: where the numbers come from and how they were split, in words.
        split: "given" where the source has a test set of its own, else "drawn": by `seed` from one set.
        seed: of the split, and of which images were kept where fewer are asked for.
        files: SHA-256 of each file that was read, by its name.

    Example:
        >>> from linregions.studies.datasets import load
        >>> load("digits").shape
        (8, 8)
    """

    name: str
    train: np.ndarray
    train_labels: np.ndarray
    held: np.ndarray
    held_labels: np.ndarray
    source: str = ""
    split: str = "given"
    seed: int = 0
    files: dict[str, str] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of an image."""
        return self.train.shape[1], self.train.shape[2]

    @property
    def pixels(self) -> int:
        """Numbers in an image."""
        return self.train.shape[1] * self.train.shape[2]

    @cached_property
    def classes(self) -> int:
        """One more than the largest label."""
        return int(max(self.train_labels.max(), self.held_labels.max())) + 1

    @cached_property
    def checksum(self) -> str:
        """SHA-256 of all values: the images and labels of both parts, little-endian, with their shapes."""
        total = hashlib.sha256()
        for part, kind in (
            (self.train, "<f4"),
            (self.train_labels, "<i8"),
            (self.held, "<f4"),
            (self.held_labels, "<i8"),
        ):
            total.update(f"{kind} {part.shape} ".encode())
            total.update(np.ascontiguousarray(part, dtype=kind).data)
        return total.hexdigest()

    def as_dict(self) -> dict[str, Any]:
        """The record without the values."""
        return {
            "name": self.name,
            "train": len(self.train),
            "held": len(self.held),
            "shape": list(self.shape),
            "classes": self.classes,
            "source": self.source,
            "split": self.split,
            "seed": self.seed,
            "files": dict(self.files),
            "sha256": self.checksum,
        }

    def __str__(self) -> str:
        size = f"{self.shape[0]} x {self.shape[1]}"
        return (
            f"{self.name}: {len(self.train):,} images to train on, {len(self.held):,} held out, {size}, "
            f"{plural(self.classes, 'class', 'classes')} ({self.source}; sha256 {self.checksum[:12]})"
        )

    __repr__ = __str__


def made(
    name: str,
    given: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray] | tuple[np.ndarray, np.ndarray],
    *,
    source: str,
    train: int | None = None,
    held: int | None = None,
    seed: int = 0,
    files: dict[str, str] | None = None,
    classes: int | None = None,
) -> Images:
    """`Images` of raw arrays: checked, scaled to [0, 1], split where there is one part, thinned where fewer are asked.

    One part (images, labels) is split four to one in the order that `seed` draws; two parts stay as they are.
    Of n images that are asked for, the first n in the drawn order are taken, so that a smaller set is a part of a
    larger one.
    """
    seed = seed_number(seed)
    parts = [
        _checked(given[k], given[k + 1], f"{name} ({part})" if len(given) == 4 else name, classes)
        for k, part in ((0, "train"), (2, "test"))[: len(given) // 2]
    ]
    rng = np.random.default_rng(seed)
    if len(parts) == 1:
        (x, y), split = parts[0], "drawn"
        order, cut = rng.permutation(len(x)), len(x) * 4 // 5
        chosen = [(x[order[:cut]], y[order[:cut]]), (x[order[cut:]], y[order[cut:]])]
        source = f"{source}; {cut:,} of {len(x):,} to train on, drawn by seed {seed}"
    else:
        chosen, split = parts, "given"
        if parts[0][0].shape[1:] != parts[1][0].shape[1:]:
            sizes = " and ".join(" x ".join(map(str, x.shape[1:])) for x, _ in parts)
            raise InputError(f"{name}: the images to train on and the test images differ in size, {sizes}")
    kept = []
    for (x, y), wanted, what in zip(chosen, (train, held), ("train", "held"), strict=True):
        if not len(x):
            raise InputError(f"{name}: there is no image to put in the part {what!r}; at least 5 images are needed")
        if wanted is not None:
            rows = whole_number(wanted, what, most=len(x))
            rows = np.arange(rows) if split == "drawn" else rng.permutation(len(x))[:rows]
            x, y = x[rows], y[rows]
        kept += [scaled(x, name), y.astype(np.int64)]
    return Images(name, *kept, source=source, split=split, seed=seed, files=files or {})


def scaled(images: np.ndarray, name: str) -> np.ndarray:
    """Grey values in [0, 1] as float32: whole numbers are divided by 255, fractions must lie there already."""
    if images.dtype.kind == "f":
        low, high = float(images.min()), float(images.max())
        if not (low >= 0 and high <= 1):  # a NaN fails this too
            raise InputError(
                f"{name}: images of type {images.dtype} must lie in [0, 1], found values from {low:g} to {high:g}; "
                "scale them, or store whole numbers from 0 to 255"
            )
        return np.ascontiguousarray(images, dtype=np.float32)
    if images.dtype.kind not in "iu" or images.min() < 0 or images.max() > 255:
        held = f"{images.min()} to {images.max()}" if images.dtype.kind in "iu" else str(images.dtype)
        raise InputError(f"{name}: images must hold whole numbers from 0 to 255 or fractions in [0, 1], found {held}")
    return images.astype(np.float32) / np.float32(255)


def _checked(images: np.ndarray, labels: np.ndarray, name: str, classes: int | None) -> tuple[np.ndarray, np.ndarray]:
    """The arrays, if they are images (n, height, width) and as many labels in range."""
    images, labels = np.asarray(images), np.asarray(labels)
    if images.ndim != 3 or images.dtype.kind not in "fiu" or not images.size:
        raise InputError(
            f"{name}: images must have shape (count, height, width), got {images.shape} of {images.dtype}"
            f"{_flat(images)}"
        )
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise InputError(f"{name}: labels must be whole numbers in one row, got shape {labels.shape} of {labels.dtype}")
    if len(images) != len(labels):
        raise InputError(f"{name}: there are {len(images):,} images but {len(labels):,} labels; do they fit?")
    most = 999 if classes is None else classes - 1
    if labels.min() < 0 or labels.max() > most:
        wrong = int(labels.min()) if labels.min() < 0 else int(labels.max())
        raise InputError(f"{name}: labels must lie from 0 to {most}, found {wrong}; are two files exchanged?")
    return images, labels


def _flat(images: np.ndarray) -> str:
    """What to do with images whose pixels stand in one row."""
    side = math.isqrt(images.shape[1]) if images.ndim == 2 else 0
    if side and side * side == images.shape[1]:
        return f"; reshape flat ones, to ({len(images)}, {side}, {side}) where they are square"
    return "; reshape them"

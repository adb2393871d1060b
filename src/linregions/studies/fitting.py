"""What a study that trains is asked for, against what its data can give: refused in one sentence before any work.

A hint such as `train=16` is written as the argument is; the command line says `--train 16` instead.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..checks import plural, whole_number
from ..errors import InputError
from ..slicing import Slice
from ..slicing import slices as slices_of
from .datasets import Images

MOST_SLICES = 64  # of one kind: each is counted at every checkpoint of every run
TWO = (
    "The held-out images are of two classes only: planes through two of them, one of each class, and a random "
    "direction take the place of those through three classes"
)


def slice_count(value: Any, what: str = "slices") -> int:
    """How many slices of a kind, if that is a sane number."""
    return whole_number(value, what, most=MOST_SLICES)


def batch_size(batch: Any, images: Images, train: Any) -> int:
    """The batch, if there are as many images to train on.

    Args:
        batch: images in a step.
        images: what was loaded.
        train: how many images to train on were asked for; None took all.

    Raises:
        InputError: there are fewer; it names `train` where that is why.
    """
    batch, there = whole_number(batch, "batch", least=2), len(images.train)
    if batch <= there:
        return batch
    smaller = f"batch={there} or less" if there >= 2 else ""
    if train is not None:
        hint = ", or ".join(filter(None, [f"train={batch} or more", smaller]))
        raise InputError(
            f"train: a batch of {batch} does not fit into {plural(there, 'image')} to train on; give {hint}"
        )
    raise InputError(
        f"batch: {batch} images do not fit into the {there} of {images.name} to train on; "
        f"give {smaller or 'data with more of them'}"
    )


def held_classes(images: Images, held: Any) -> int:
    """How many classes the held-out images are of.

    Args:
        images: what was loaded.
        held: how many held-out images were asked for; None took all.

    Raises:
        InputError: it is one, so that no slice goes between two.
    """
    classes = len(np.unique(images.held_labels))
    if classes > 1:
        return classes
    need = "and slices go through images of two classes at least"
    if held is not None and len(np.unique(images.train_labels)) > 1:
        count = len(images.held)
        which = "1 held-out image is of one class" if count == 1 else f"all {count} held-out images are of one class"
        raise InputError(f"held: {which}, {need}; give a larger held=N, or leave it out for all there are")
    raise InputError(f"{images.name}: all held-out images are of one class, {need}; give data with two classes or more")


def most_nearest(images: Images) -> int:
    """How many slices go through an image and its two nearest ones of another class: one for each ordered pair."""
    sizes = np.unique(images.held_labels, return_counts=True)[1]
    return (len(sizes) - 1) * int((sizes > 1).sum())


def drawn(
    images: Images, kind: str, count: int, *, seed: int, pad: float | None = None, few: bool = False
) -> tuple[Slice, ...]:
    """Slices of a kind through held-out images.

    Args:
        images: what was loaded.
        kind: for `linregions.slicing.slices`.
        count: how many.
        seed: of the choice.
        pad: for `linregions.slicing.slices`.
        few: whether few held-out images were asked for and no number of slices, so that an error is of `held`.

    Raises:
        InputError: the data have no such slices, or too few.
    """
    try:
        return slices_of(images.held, images.held_labels, count=count, kind=kind, pad=pad, seed=seed)
    except InputError as error:
        head, _, rest = str(error).partition(": ")
        if head not in ("count", "y", "kind"):
            raise
        what = f"held: {plural(len(images.held), 'held-out image')} may be too few" if few else "slices"
        raise InputError(f"{what}: {rest}") from error

"""The arguments of a tracker, checked: every message names the argument that it is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..checks import plural, real_number, shown
from ..errors import InputError
from ..slicing import Slice
from ..slicing.anchors import data_points


def checked_paths(paths: Any) -> tuple[np.ndarray, ...]:
    """The argument `paths` as polylines (corners, inputs) of at least two corners, neighbours apart."""
    if isinstance(paths, str | bytes) or not (isinstance(paths, Sequence) or hasattr(paths, "__array__")):
        raise InputError(f"paths: expected a sequence, got {shown(paths)}")
    found = []
    for k, path in enumerate(paths):
        if np.ndim(path) < 2:
            raise InputError("paths: expected a list of polylines (points, inputs); put a single one into a list")
        corners = data_points(path, "paths")
        if len(corners) < 2:
            raise InputError(f"paths: path {k} has one corner; give at least two")
        same = np.flatnonzero((corners[1:] == corners[:-1]).all(axis=1))
        if len(same):
            i = int(same[0])
            raise InputError(f"paths: corners {i} and {i + 1} of path {k} are the same point; leave one out")
        found.append(corners)
    return tuple(found)


def check_one_space(slices: Sequence[Slice], points: Any, paths: Sequence[np.ndarray]) -> None:
    """Refuse slices, points and paths of different numbers of inputs."""
    width, words = 0, ""
    if slices:
        width = slices[0].plane.input_dim
        words = f"the slices lie in {width}"
    if points is not None:
        if width and points.shape[1] != width:
            got = plural(points.shape[1], "input")
            raise InputError(f"points: they have {got}, but {words}; give points of one space")
        width, words = points.shape[1], words or f"the points have {points.shape[1]}"
    for k, path in enumerate(paths):
        if width and path.shape[1] != width:
            got = plural(path.shape[1], "input")
            raise InputError(f"paths: path {k} has {got}, but {words}; give paths of one space")
        width, words = path.shape[1], words or f"path {k} has {path.shape[1]}"


def check_fits(
    inputs: int, slices: Sequence[Slice], points: Any, paths: Sequence[np.ndarray], *, shape: tuple[int, ...] | None
) -> None:
    """Refuse slices, points or paths that do not lie in the inputs of the model, by their argument.

    `shape` is the argument `input_shape`, if the number of inputs comes from it.
    """
    whose = f"the model takes {inputs}" if shape is None else f"input_shape {shape} has {inputs}"
    takes = f"but {whose}; give those of its input space, or another part"
    if slices and slices[0].plane.input_dim != inputs:
        raise InputError(f"slices: they lie in {plural(slices[0].plane.input_dim, 'input')}, {takes}")
    if points is not None and points.shape[1] != inputs:
        raise InputError(f"points: they have {plural(points.shape[1], 'input')}, {takes}")
    if paths and paths[0].shape[1] != inputs:
        raise InputError(f"paths: they have {plural(paths[0].shape[1], 'input')}, {takes}")


def positive(value: Any, what: str) -> float:
    """A positive finite number."""
    number = real_number(value, what)
    if not 0 < number < float("inf"):
        raise InputError(f"{what} must be a positive number, got {number:g}")
    return number


def flag(value: Any, what: str) -> bool:
    """True or False, and nothing that only counts as one."""
    if not isinstance(value, bool | np.bool_):
        raise InputError(f"{what} must be True or False, got {shown(value)}")
    return bool(value)

"""From the domain options to a `Domain`."""

from __future__ import annotations

import json
import os
import zipfile
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np

from ..domain import Box, Domain, Plane, Polytope, Segment, Space
from ..errors import InputError
from .grammar import number

# A domain file is small; a larger one is a mistake, and reading it would only take memory.
LARGEST_FILE = 256 * 2**20
FORMS = 'give "lower" and "upper", "A" and "b", "segment", or "plane" with an optional "region"'


def chosen_domain(options: Namespace, *, input_dim: int) -> Domain:
    """The domain that the options name, for a network of `input_dim` inputs.

    Raises:
        InputError: no domain is given, or its description cannot be read.
    """
    if options.box is not None:
        return box_of(*options.box, input_dim=input_dim)
    if options.segment is not None:
        return Segment(*(_vector(text, f"--segment: {name}") for text, name in zip(options.segment, "AB", strict=True)))
    if options.plane is not None:
        points = [_vector(text, f"--plane: {name}") for text, name in zip(options.plane, "PQR", strict=True)]
        return Plane.through(*points)
    if options.domain is not None:
        return read_domain(options.domain)
    if options.space:
        return Space(input_dim)
    raise InputError(
        "a domain is needed: give one of --box LO HI, --segment A B, --plane P Q R, --domain FILE or --space"
    )


def box_of(low: str, high: str, *, input_dim: int) -> Box:
    """The box between two words, each a number for all inputs or a vector."""
    lower, upper = _vector(low, "--box: LO"), _vector(high, "--box: HI")
    if len(lower) == len(upper) == 1:
        return Box.cube(lower[0], upper[0], input_dim)
    return Box(lower, upper)


def _vector(text: str, what: str) -> np.ndarray:
    """A vector from comma-separated numbers or the path of a .npy file."""
    text = text.strip()
    if text.endswith(".npy"):
        array = _load(text, what)
        if not isinstance(array, np.ndarray) or array.ndim != 1:
            raise InputError(
                f"{what}: {text} must hold one vector, got shape {getattr(array, 'shape', 'of an archive')}"
            )
        return array
    try:
        return np.array([number(part) for part in text.split(",")])
    except ValueError:
        raise InputError(f"{what}: expected a number, comma-separated numbers or a .npy file, got {text!r}") from None


def read_domain(path: str) -> Domain:
    """The domain that a .json or .npz file describes.

    Raises:
        InputError: the file is missing, damaged, too large, or not one of the known forms.
    """
    suffix = Path(path).suffix.lower()
    if suffix == ".npz":
        archive = _load(path, "--domain")
        return _described({name: archive[name] for name in archive}, path)
    if suffix != ".json":
        raise InputError(f"--domain: {path} must be a .json or .npz file")
    _check_size(path, "--domain")
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"--domain: {path} is not valid JSON ({error})") from error
    if not isinstance(content, dict):
        raise InputError(f"--domain: {path} must hold one JSON object; {FORMS}")
    return _described(content, path)


def _described(content: dict[str, Any], path: str) -> Domain:
    keys = set(content)
    try:
        if keys == {"lower", "upper"}:
            return Box(content["lower"], content["upper"])
        if keys == {"A", "b"}:
            return Polytope(content["A"], content["b"])
        if keys == {"segment"}:
            return Segment(*_points(content["segment"], 2, "segment"))
        if keys in ({"plane"}, {"plane", "region"}):
            return Plane.through(*_points(content["plane"], 3, "plane"), region=content.get("region", "square"))
    except InputError as error:
        raise InputError(f"--domain: {path}: {error}") from error
    found = ", ".join(sorted(keys)) or "nothing"
    raise InputError(f"--domain: {path} holds {found}; {FORMS}")


def _points(value: Any, count: int, name: str) -> list[Any]:
    if not isinstance(value, list | np.ndarray) or len(value) != count:
        raise InputError(f"{name}: needs {count} points, each a list of numbers")
    return list(value)


def matrix_of(path: str, what: str) -> np.ndarray:
    """The matrix in a .npy file, which the option `what` names.

    Raises:
        InputError: the file is missing, damaged or too large, or holds something else.
    """
    array = _load(path, what) if Path(path).suffix.lower() == ".npy" else None
    if not isinstance(array, np.ndarray) or array.ndim != 2:
        raise InputError(f"{what}: {path} must be a .npy file that holds one matrix; write it with numpy.save")
    return array


def samples_of(path: str) -> np.ndarray:
    """The samples (n, inputs) in a .npy file.

    Raises:
        InputError: the file is missing, damaged or too large, or holds something else.
    """
    if Path(path).suffix.lower() != ".npy":
        raise InputError(f"--data: {path} must be a .npy file of samples (n, inputs)")
    array = _load(path, "--data")
    if not isinstance(array, np.ndarray):
        raise InputError(f"--data: {path} is an archive; save one array of samples with numpy.save")
    return array


def _check_size(path: str, what: str) -> None:
    try:
        size = os.stat(path).st_size
        with open(path, "rb"):
            pass
    except OSError as error:
        raise InputError(f"{what}: cannot read {path} ({error.strerror})") from error
    if size > LARGEST_FILE:
        raise InputError(f"{what}: {path} has {size:,} bytes; a domain's file may have {LARGEST_FILE:,}")


def _check_npy(path: str, what: str) -> None:
    """Before NumPy, which takes any other file for a pickle and says how to load it unsafely."""
    with open(path, "rb") as file:
        if file.read(len(np.lib.format.MAGIC_PREFIX)) != np.lib.format.MAGIC_PREFIX:
            raise InputError(f"{what}: {path} is no .npy file; write it with numpy.save")


def _load(path: str, what: str) -> Any:
    """A .npy array, or a dict of a .npz archive's arrays; every size is checked before memory is taken."""
    _check_size(path, what)
    try:
        if Path(path).suffix.lower() == ".npy":
            _check_npy(path, what)
            # A memory map refuses a header that claims more than the file holds.
            return np.array(np.load(path, mmap_mode="r", allow_pickle=False))
        with zipfile.ZipFile(path) as archive:
            claimed = sum(entry.file_size for entry in archive.infolist())
        if claimed > LARGEST_FILE:
            raise InputError(f"{what}: {path} unpacks to {claimed:,} bytes; a domain's file may have {LARGEST_FILE:,}")
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except InputError:
        raise
    except Exception as error:  # damaged content makes numpy, zipfile, zlib and even tokenize raise, each its own
        raise InputError(f"{what}: cannot read {path} as NumPy arrays ({error})") from error

"""Probe inputs: what untrained networks are scored on when nobody gives them data.

A score reads no labels, so any structured inputs of the right shape serve; noise does not (it ranks worse than counting
parameters does).  Nothing is downloaded: the digits and the photographs are scikit-learn's, the text is Python's own.
Every function returns a `Probe`: the tensor, and a record of what it is, with a hash of its values.
"""

from __future__ import annotations

import hashlib
import platform
import re
import sys
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ..checks import plural, seed_number, shown, whole_number
from ..errors import InputError, MissingExtraError
from .needs import torch


@dataclass(frozen=True, eq=False)
class Probe:
    """Inputs, and what they are.

    Attributes:
        inputs: the tensor, (samples, ...).
        name: what made it: "digits", "photos", "noise", "text", or a file's name.
        source: where the numbers come from, versions included.
        options: how they were made.
        sha256: of the type, the shape and the values; two probes with the same hash are the same inputs.
    """

    inputs: torch.Tensor
    name: str
    source: str
    options: dict[str, Any] = field(default_factory=dict)
    sha256: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "sha256", digest(self.inputs))

    @property
    def shape(self) -> tuple[int, ...]:
        """The tensor's shape."""
        return tuple(self.inputs.shape)

    def __str__(self) -> str:
        size = " x ".join(map(str, self.shape))
        how = "".join(f", {name} {value}" for name, value in self.options.items())
        return f"{self.name}: {size} ({self.source}{how}; sha256 {self.sha256[:12]})"

    def as_dict(self) -> dict[str, Any]:
        """The record without the tensor."""
        dtype = str(self.inputs.dtype).removeprefix("torch.")
        return {
            "name": self.name,
            "shape": list(self.shape),
            "dtype": dtype,
            "source": self.source,
            "options": dict(self.options),
            "sha256": self.sha256,
        }


def digest(inputs: torch.Tensor) -> str:
    """SHA-256 of a tensor's type, shape and values, in little-endian order."""
    array = inputs.detach().cpu().contiguous().numpy()
    array = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return hashlib.sha256(f"{inputs.dtype} {tuple(inputs.shape)} ".encode() + array.tobytes()).hexdigest()


def digits(
    samples: int, *, size: int = 32, channels: int = 3, seed: int | None = None, normalise: bool = True
) -> Probe:
    """Handwritten digits (scikit-learn, 8 x 8) enlarged to `size` x `size`, the same in every channel.

    Enlarged bilinearly with pixel centres at half-integers and edges repeated.  With `normalise` the tensor as a whole
    has mean 0 and standard deviation 1; otherwise its values lie in [0, 1].

    Args:
        samples: S, from 1 to 1,797.
        size: pixels of a side.
        channels: C.
        seed: which digits, drawn without replacement; None takes the first ones in order.
        normalise: whether to subtract the mean and divide by the standard deviation.

    Returns:
        A Probe with inputs (S, C, size, size), float32.

    Raises:
        InputError: a number is out of range.
        MissingExtraError: scikit-learn is not installed.

    Source: E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI (1998), as in scikit-learn.

    Example:
        >>> digits(16).shape
        (16, 3, 32, 32)
    """
    load = _sklearn("digits").load_digits
    images = torch.from_numpy(np.asarray(load().images) / 16)
    chosen = images[_chosen(samples, len(images), seed)][:, None]
    size, channels = whole_number(size, "size"), whole_number(channels, "channels")
    large = torch.nn.functional.interpolate(chosen, size=(size, size), mode="bilinear", align_corners=False)
    large = large.expand(-1, channels, -1, -1)
    options = {"size": size, "channels": channels, "seed": seed, "normalise": normalise}
    return Probe(_finished(large, normalise), "digits", f"scikit-learn {_version('sklearn')} digits", options)


def photos(samples: int, *, size: int = 32, seed: int = 0, normalise: bool = True) -> Probe:
    """Square patches of two photographs (scikit-learn's china and flower), at random places, not scaled.

    Args:
        samples: S; patches are drawn from both pictures in turn.
        size: pixels of a side, at most 427.
        seed: of the places.
        normalise: as for `digits`.

    Returns:
        A Probe with inputs (S, 3, size, size), float32.

    Raises:
        InputError: a number is out of range.
        MissingExtraError: scikit-learn or Pillow is not installed.
    """
    samples = whole_number(samples, "samples")
    load = _sklearn("photos").load_sample_images
    try:
        pictures = load().images
    except ImportError as error:
        raise MissingExtraError(
            "photos: Pillow is not installed; install it with: pip install 'linregions[study]'"
        ) from error
    size = whole_number(size, "size", most=min(min(picture.shape[:2]) for picture in pictures))
    rng = np.random.default_rng(seed_number(seed))
    patches = []
    for s in range(samples):
        picture = pictures[s % len(pictures)]
        row, column = (int(rng.integers(extent - size + 1)) for extent in picture.shape[:2])
        patches.append(picture[row : row + size, column : column + size].transpose(2, 0, 1))
    tensor = torch.from_numpy(np.stack(patches) / 255)
    options = {"size": size, "seed": seed, "normalise": normalise}
    return Probe(_finished(tensor, normalise), "photos", f"scikit-learn {_version('sklearn')} china, flower", options)


def noise(samples: int, *, shape: tuple[int, ...] = (3, 32, 32), seed: int = 0) -> Probe:
    """Independent N(0, 1) numbers: the ablation that shows whether a score needs structured inputs.

    Args:
        samples: S.
        shape: of one sample.
        seed: of numpy's default generator.

    Returns:
        A Probe with inputs (S, *shape), float32.

    Raises:
        InputError: a number is out of range.

    Example:
        >>> noise(4, shape=(2,)).shape
        (4, 2)
    """
    shape = tuple(whole_number(extent, "shape") for extent in shape)
    values = np.random.default_rng(seed_number(seed)).standard_normal((whole_number(samples, "samples"), *shape))
    options = {"seed": seed}
    return Probe(torch.from_numpy(values).float(), "noise", f"numpy {np.__version__} standard_normal", options)


def text(samples: int, tokens: int, *, vocabulary: int = 30_522, seed: int | None = None) -> Probe:
    """English text as whole numbers: the help topics that every Python carries (`pydoc_data.topics`).

    A token is a word in lower case or a sign of punctuation; a run of one sign, such as a ruled line, is one token.
    The most frequent token is 1, the next 2, ... (equally frequent ones in the order of their characters); what does
    not fit in the vocabulary is 0.  The text, topics in the order of their names, is cut into pieces of `tokens`
    tokens, without padding.

    The text differs from one version of Python to the next, and so do these inputs: the record names the version and
    holds a hash of the text.

    Args:
        samples: S.
        tokens: T, length of a piece.
        vocabulary: numbers are below it; at least 2.
        seed: which pieces, drawn without replacement; None takes the first ones in order.

    Returns:
        A Probe with inputs (S, T), int64.

    Raises:
        InputError: a number is out of range, or there are fewer pieces than samples.

    Example:
        >>> text(2, 5, vocabulary=100).inputs.max() < 100
        tensor(True)
    """
    tokens, vocabulary = whole_number(tokens, "tokens"), whole_number(vocabulary, "vocabulary")
    numbers, source = _topics()
    pieces = len(numbers) // tokens
    if vocabulary < 2:
        raise InputError("vocabulary must be at least 2, got 1; 0 stands for what is not in it")
    if not pieces:
        raise InputError(f"tokens must be at most {len(numbers)}, the length of the whole text, got {tokens}")
    parts = numbers[: pieces * tokens].reshape(pieces, tokens)[_chosen(samples, pieces, seed)]
    options = {"tokens": tokens, "vocabulary": vocabulary, "seed": seed, "text": source}
    inputs = torch.from_numpy(np.where(parts < vocabulary, parts, 0))
    return Probe(inputs, "text", f"pydoc_data.topics of Python {platform.python_version()}", options)


def from_file(path: str | Path) -> Probe:
    """Inputs from a `.npy` file, (samples, ...): floating-point numbers as float32, whole numbers as int64.

    Raises:
        InputError: the file cannot be read, or holds objects, no sample, or a number that is not finite.
    """
    path = Path(path)
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path}: cannot be read as a .npy file of numbers ({shown(str(error))})") from error
    if not isinstance(array, np.ndarray):
        array.close()
        raise InputError(f"{path}: is an archive of arrays (.npz); save the inputs alone with numpy.save")
    if array.ndim == 0 or array.size == 0:
        raise InputError(f"{path}: must hold inputs of shape (samples, ...), holds shape {array.shape}")
    if array.dtype.kind not in "fiub":
        raise InputError(f"{path}: must hold numbers, holds {array.dtype}")
    if array.dtype.kind == "f":
        with np.errstate(over="ignore"):
            array = array.astype(np.float32)
        if not np.isfinite(array).all():
            raise InputError(
                f"{path}: sample {np.argwhere(~np.isfinite(array))[0][0]} has a number that is no finite float32"
            )
    else:
        if array.dtype.kind == "u" and array.max() > np.iinfo(np.int64).max:
            raise InputError(f"{path}: holds {array.max()}, which is no 64-bit whole number")
        array = array.astype(np.int64)
    return Probe(torch.from_numpy(np.ascontiguousarray(array)), path.name, f"file {path.name}")


def _sklearn(what: str) -> Any:
    try:
        from sklearn import datasets
    except ImportError as error:
        raise MissingExtraError(
            f"{what}: scikit-learn is not installed; install it with: pip install 'linregions[study]'"
        ) from error
    return datasets


def _version(package: str) -> str:
    return sys.modules[package].__version__


def _chosen(samples: Any, there: int, seed: int | None) -> np.ndarray:
    """Which of `there` things: the first ones, or different ones drawn from `seed`."""
    samples = whole_number(samples, "samples")
    if samples > there:
        raise InputError(f"samples must be at most {there}, got {samples}; there is no more to draw from")
    if seed is None:
        return np.arange(samples)
    return np.random.default_rng(seed_number(seed)).choice(there, size=samples, replace=False)


def _finished(images: torch.Tensor, normalise: bool) -> torch.Tensor:
    """(S, C, H, W) float64 to float32, normalised in float64 first."""
    if normalise:
        deviation, mean = torch.std_mean(images, correction=0)
        images = (images - mean) / deviation
    return images.float().contiguous()


@lru_cache(maxsize=1)
def _topics() -> tuple[np.ndarray, str]:
    """Every token of the text as its place in the order of frequency, from 1; and what the text is."""
    from pydoc_data.topics import topics

    whole = "\n".join(topics[name] for name in sorted(topics)).lower()
    # Without runs as one token, a tenth of the text is hyphens of ruled lines, and many pieces are equal.
    tokens = [match.group() for match in re.finditer(r"\w+|([^\w\s])\1*", whole)]
    counts = Counter(tokens)
    order = {token: place for place, token in enumerate(sorted(counts, key=lambda t: (-counts[t], t)), 1)}
    numbers = np.array([order[token] for token in tokens], dtype=np.int64)
    numbers.flags.writeable = False
    check = hashlib.sha256("\0".join(tokens).encode()).hexdigest()[:12]
    return numbers, f"{plural(len(tokens), 'token')}, {len(order)} different, sha256 {check}"

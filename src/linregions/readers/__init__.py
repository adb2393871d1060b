"""Readers: from files and models of other libraries to a `Network`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import InputError, LinregionsError
from ..network import Network

__all__ = ["read", "read_arrays", "read_onnx", "read_torch", "write_npz"]

_REFUSED = {
    ".pt": "a torch checkpoint is a pickle, which can run code; load it yourself and pass the nn.Module",
    ".pth": "a torch checkpoint is a pickle, which can run code; load it yourself and pass the nn.Module",
    ".pkl": "a pickle can run code and is never opened; store the weights as .npz or .safetensors",
    ".pickle": "a pickle can run code and is never opened; store the weights as .npz or .safetensors",
    ".npy": "one array is no network; store all weights in one .npz with the names W0, b0, W1, b1, ...",
}


def read(model: Any, *, source: str | None = None, input_shape: tuple[int, ...] | None = None) -> Network:
    """Read any model that linregions knows.

    Args:
        model: a path (`.onnx`, `.npz`, `.safetensors`), an `onnx.ModelProto`, a torch `nn.Module`, or a `Network`
            (returned as it is).
        source: the name that messages use; the path by default.
        input_shape: shape of one input without the batch axis; torch modules need it unless they start
            with a Linear layer.

    Returns:
        The real-valued network whose weights are exactly the given numbers.

    Raises:
        UnsupportedModelError: the model has parts that are not piecewise linear; all are listed.
        InputError: the model or the file cannot be used.

    Example:
        >>> net = Network.from_arrays([([[1.0]], [0.0]), ([[2.0]], [1.0])])
        >>> read(net) is net
        True
    """
    if isinstance(model, Network):
        return model
    if isinstance(model, str | Path):
        return _read_path(Path(model), source)
    torch, onnx = sys.modules.get("torch"), sys.modules.get("onnx")
    if onnx is not None and isinstance(model, onnx.ModelProto):
        return read_onnx(model, source=source)
    if torch is not None and isinstance(model, torch.nn.Module):
        return read_torch(model, input_shape=input_shape, source=source)
    raise InputError(
        "model: expected a path, an onnx.ModelProto, a torch nn.Module or a Network, "
        f"got {type(model).__module__}.{type(model).__name__}"
    )


def read_onnx(model: Any, *, source: str | None = None) -> Network:
    """Read an ONNX file or ModelProto; see `linregions.readers.onnx.read_onnx`."""
    if isinstance(model, str | Path):
        return _read_path(Path(model), source, [".onnx"])
    from .onnx import read_onnx as reader

    return reader(model, source=source)


def read_torch(module: Any, *, input_shape: tuple[int, ...] | None = None, source: str | None = None) -> Network:
    """Read a torch module; see `linregions.readers.torch.read_torch`."""
    from .torch import read_torch as reader

    return reader(module, input_shape=input_shape, source=source)


def read_arrays(path: str | Path, *, source: str | None = None) -> Network:
    """Read an `.npz` or `.safetensors` file; see `linregions.readers.arrays.read_arrays`."""
    return _read_path(Path(path), source, [".npz", ".safetensors"])


def write_npz(net: Network, path: str | Path) -> None:
    """Write a fully connected ReLU network; see `linregions.readers.arrays.write_npz`."""
    from .arrays import write_npz as writer

    writer(net, path)


def _read_path(path: Path, source: str | None, suffixes: Sequence[str] = (".onnx", ".npz", ".safetensors")) -> Network:
    suffix = path.suffix.lower()
    if suffix not in (*suffixes, *_REFUSED):
        names = " or ".join(suffixes)
        raise InputError(f"{path}: unknown file type {suffix or '(none)'!r}; give a file that ends in {names}")
    try:
        if not path.exists():
            raise InputError(f"{path}: no such file")
        if not path.is_file():
            raise InputError(f"{path}: not a file")
        if suffix in _REFUSED:
            raise InputError(f"{path}: {_REFUSED[suffix]}")
        with path.open("rb") as handle:
            start = handle.read(2)
        # Protocols 2 to 5 of pickle start like this; no format that is read does.
        if start[:1] == b"\x80" and start[1:] in (b"\x02", b"\x03", b"\x04", b"\x05") and suffix != ".safetensors":
            raise InputError(f"{path}: {_REFUSED['.pkl']}")
        if suffix == ".onnx":
            from .onnx import read_onnx as reader
        else:
            from .arrays import read_arrays as reader
        return reader(path, source=source)
    except LinregionsError:
        raise
    except (OSError, MemoryError, ValueError) as error:
        text = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: cannot be read ({text or type(error).__name__})") from error

"""Fully connected ReLU networks as plain arrays: `.npz` and `.safetensors` with the names W0, b0, W1, b1, ..."""

from __future__ import annotations

import math
import os
import re
import tempfile
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from ..activations import RELU, UnitActivations
from ..errors import InputError
from ..network import Network
from ..stage import Stage, is_sparse
from .check import check

# A larger archive must not unpack to more than this many times its size.
_FREE_BYTES, _RATIO = 1 << 26, 100


def read_arrays(path: str | Path, *, source: str | None = None) -> Network:
    """Read an `.npz` or `.safetensors` file with the names W0, b0, W1, b1, ...

    Each W is (out, in), each b (out,); ReLU lies between the layers and the last pair is the linear output.

    Args:
        path: the file; its suffix says which format it has.
        source: the name that messages use; the path by default.

    Raises:
        InputError: a name is missing or unknown, shapes do not chain, a number is NaN or infinite, or the file is
            broken, holds objects, or claims more memory than it has.

    Example:
        >>> import tempfile
        >>> net = Network.from_arrays([([[1.0], [-1.0]], [0.0, 1.0]), ([[1.0, 1.0]], [0.0])])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_npz(net, Path(folder) / "net.npz")
        ...     read_arrays(Path(folder) / "net.npz").hash == net.hash
        True
    """
    path = Path(path)
    source = source or str(path)
    if path.suffix.lower() == ".npz":
        tensors = _read_npz(path)
    else:
        from .safetensors import read_tensors

        tensors = read_tensors(path)
    layers = _layers(tensors, source)
    try:
        net = Network.from_arrays(layers, source=source)
    except InputError as error:
        raise InputError(f"{source}: {error}") from error
    coarse = any(np.asarray(v).dtype == np.float16 for v in tensors.values())
    check(net, lambda x: _run(layers, x), "float32" if coarse else "float64", source=source)
    return net


def write_npz(net: Network, path: str | Path) -> None:
    """Write a fully connected ReLU network as W0, b0, W1, b1, ...; the file appears whole or not at all.

    Args:
        net: every stage but the last has ReLU on all units, the last has no activation, and no stage has divisors.
        path: the `.npz` file to write; an existing file is replaced (a link stays, what it leads to is replaced).

    Raises:
        InputError: the network has another form, or the file cannot be written.
        OutputError: the path is there and is no regular file.

    Example:
        >>> import tempfile
        >>> net = Network.from_arrays([([[1.0]], [0.5]), ([[2.0]], [0.0])])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_npz(net, Path(folder) / "net.npz")
        ...     sorted(np.load(Path(folder) / "net.npz").files)
        ['W0', 'W1', 'b0', 'b1']
    """
    path = Path(path)
    if path.suffix.lower() != ".npz":
        raise InputError(f"path: expected a name that ends in .npz, got {path.name!r}")
    tensors: dict[str, Any] = {}
    for k, stage in enumerate(net.stages):
        if not _is_plain(stage, last=k == len(net.stages) - 1):
            raise InputError(
                f"net: layer {k + 1} is not of the form ReLU(W x + b) with a linear last layer, "
                "which is all that .npz holds"
            )
        tensors[f"W{k}"] = stage.weight.toarray() if is_sparse(stage.weight) else stage.weight
        tensors[f"b{k}"] = stage.bias
    from ..store.files import resolved

    path = resolved(path)
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from error
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, **tensors)
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(name, 0o666 & ~mask)
        os.replace(name, path)
    except BaseException as error:
        Path(name).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise InputError(f"{path}: cannot be written ({error.strerror})") from error
        raise


def _is_plain(stage: Stage, *, last: bool) -> bool:
    act = stage.activation
    if stage.divisor is not None or not isinstance(act, UnitActivations):
        return False
    return act.is_identity if last else all(f == RELU for f in act.functions)


def _layers(tensors: dict[str, np.ndarray], source: str) -> list[tuple[np.ndarray, np.ndarray]]:
    names = "; expected W0, b0, W1, b1, ..."
    unknown = sorted(n for n in tensors if not re.fullmatch(r"[Wb](0|[1-9][0-9]{0,5})", n))
    if unknown:
        raise InputError(f"{source}: unknown array {unknown[0]!r}{names}")
    if not tensors:
        raise InputError(f"{source}: holds no arrays{names}")
    count = 1 + max(int(n[1:]) for n in tensors)
    for k in range(min(count, len(tensors) + 1)):
        for name in (f"W{k}", f"b{k}"):
            if name not in tensors:
                raise InputError(f"{source}: {name} is missing{names} without gaps")
    return [(tensors[f"W{k}"], tensors[f"b{k}"]) for k in range(count)]


def _run(layers: list[tuple[np.ndarray, np.ndarray]], x: np.ndarray) -> tuple[np.ndarray, float]:
    with np.errstate(all="ignore"):
        for k, (w, b) in enumerate(layers):
            x = np.asarray(w, dtype=np.float64) @ (np.maximum(x, 0.0) if k else x) + np.asarray(b, dtype=np.float64)
    return x, 0.0


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    out: dict[str, np.ndarray] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            total, size = sum(e.file_size for e in entries), path.stat().st_size
            if total > max(_FREE_BYTES, _RATIO * size):
                raise InputError(
                    f"{path}: claims to unpack to {total} bytes from a file of {size}; this is refused as a zip bomb"
                )
            for entry in entries:
                name = entry.filename.removesuffix(".npy")
                if name in out:
                    raise InputError(f"{path}: array {name!r} occurs twice")
                if not entry.filename.endswith(".npy"):
                    raise InputError(f"{path}: {entry.filename!r} is no array; an .npz holds W0, b0, W1, b1, ...")
                with archive.open(entry) as handle:
                    out[name] = _read_array(handle, entry.file_size, f"{path}: array {name!r}")
    except InputError:
        raise
    except zipfile.BadZipFile as error:
        raise InputError(f"{path}: not a complete .npz file ({error}); write it again") from error
    except (OSError, EOFError, ValueError, RuntimeError, NotImplementedError, zlib.error, MemoryError) as error:
        text = " ".join(str(error).split())[:160]
        raise InputError(f"{path}: not a readable .npz file ({text or type(error).__name__})") from error
    return out


def _read_array(handle: Any, size: int, what: str) -> np.ndarray:
    """One `.npy` member; its header is compared with the member's size before anything is allocated."""
    from numpy.lib import format as npy

    try:
        version = npy.read_magic(handle)
        reader = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}.get(version)
        if reader is None:
            raise ValueError(f"format version {version} is not known")
        shape, fortran, dtype = reader(handle)
    except (ValueError, EOFError, SyntaxError, tokenize.TokenError) as error:
        raise InputError(f"{what} is no .npy array ({' '.join(str(error).split())[:120]})") from error
    if dtype.hasobject:
        raise InputError(f"{what} holds Python objects (a pickle), which is never opened; store plain numbers")
    if dtype.kind not in "fiub":
        raise InputError(f"{what} has dtype {dtype}; expected real numbers")
    claimed, held = math.prod(shape) * dtype.itemsize, size - handle.tell()
    if claimed != held:
        raise InputError(f"{what} claims {claimed} bytes (shape {shape}, {dtype}) but the file holds {held}")
    data = handle.read(claimed)
    if len(data) != claimed:
        raise InputError(f"{what} is cut off: {len(data)} of {claimed} bytes")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")

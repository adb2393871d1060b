"""Reading `.safetensors` files: a JSON header that says where each tensor lies, checked against the file before use."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError

_TYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "<i1",
    "U8": "|u1",
    "BF16": "<u2",
}
_MAX_HEADER = 100_000_000


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    """All tensors of a file; bfloat16 comes as float32, which holds it exactly."""
    size = path.stat().st_size
    with path.open("rb") as handle:
        length = int.from_bytes(handle.read(8), "little")
        if size < 8 or length > min(size - 8, _MAX_HEADER):
            raise InputError(f"{path}: not a complete .safetensors file: its header claims {length} of {size} bytes")
        header = _header(path, handle.read(length))
        data = handle.read()
    return {name: _tensor(path, name, entry, data) for name, entry in header.items() if name != "__metadata__"}


def _header(path: Path, text: bytes) -> dict[str, Any]:
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not a .safetensors file: its header is not JSON") from error
    if not isinstance(header, dict):
        raise InputError(f"{path}: not a .safetensors file: its header is not a JSON object")
    return header


def _tensor(path: Path, name: str, entry: Any, data: bytes) -> np.ndarray:
    try:
        kind, shape, (begin, end) = entry["dtype"], [int(n) for n in entry["shape"]], entry["data_offsets"]
        begin, end = int(begin), int(end)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: tensor {name!r} has no dtype, shape and data_offsets") from error
    if kind not in _TYPES:
        raise InputError(f"{path}: tensor {name!r} has dtype {kind!r}; use one of {', '.join(_TYPES)}")
    dtype = np.dtype(_TYPES[kind])
    claimed = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or not 0 <= begin <= end <= len(data) or end - begin != claimed:
        raise InputError(
            f"{path}: tensor {name!r} claims {claimed} bytes (shape {shape}) at {begin} to {end}, "
            f"but the file holds {len(data)} bytes of data"
        )
    values = np.frombuffer(data, dtype, count=math.prod(shape), offset=begin).reshape(shape)
    if kind == "BF16":
        return (values.astype(np.uint32) << 16).view(np.float32)
    return values

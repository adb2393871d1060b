"""Opening an ONNX file without trusting it: sizes and paths are checked before anything is allocated or opened."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError

# Bits of one element, by the names in TensorProto.DataType.
_BITS = {
    "FLOAT": 32, "UINT8": 8, "INT8": 8, "UINT16": 16, "INT16": 16, "INT32": 32, "INT64": 64, "BOOL": 8, "FLOAT16": 16,
    "DOUBLE": 64, "UINT32": 32, "UINT64": 64, "BFLOAT16": 16,
}  # fmt: skip


def load_model(path: Path) -> Any:
    """The ModelProto in a file, external data included; raises InputError for anything that is wrong with it."""
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.ModelProto.FromString(path.read_bytes())
    except (DecodeError, ValueError, MemoryError, RecursionError) as error:
        raise InputError(
            f"{path}: not a complete ONNX file ({_first_line(error)}); export or download it again"
        ) from error
    if not model.graph.node and not model.graph.output:
        raise InputError(f"{path}: not an ONNX model: it holds no graph; export or download it again")
    for tensor in _tensors(model.graph):
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            _load_external(tensor, path)
    return model


def tensor_array(tensor: Any, source: str) -> np.ndarray:
    """The values of a TensorProto, after checking that it holds as many as its dimensions claim."""
    import onnx
    from onnx import numpy_helper

    what = f"{source}: tensor {tensor.name!r}" if tensor.name else f"{source}: a constant"
    kinds = onnx.TensorProto.DataType
    kind = kinds.Name(tensor.data_type) if tensor.data_type in kinds.values() else str(tensor.data_type)
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        raise InputError(f"{what} has its data in another file; pass the model's path instead of a ModelProto")
    if kind not in _BITS:
        raise InputError(f"{what} has type {kind}, which is not a plain number type")
    if any(d < 0 for d in tensor.dims):
        raise InputError(f"{what} has a negative dimension: {list(tensor.dims)}")
    claimed, held = math.prod(tensor.dims), _held(tensor, kind)
    if claimed != held:
        raise InputError(f"{what} claims {claimed} numbers (shape {list(tensor.dims)}) but the file holds {held}")
    return numpy_helper.to_array(tensor)


def _held(tensor: Any, kind: str) -> int:
    if tensor.HasField("raw_data"):
        return len(tensor.raw_data) * 8 // _BITS[kind]
    fields = {"FLOAT": tensor.float_data, "DOUBLE": tensor.double_data, "INT64": tensor.int64_data}
    if kind in ("UINT32", "UINT64"):
        return len(tensor.uint64_data)
    return len(fields.get(kind, tensor.int32_data))


def _tensors(graph: Any) -> list[Any]:
    out = list(graph.initializer)
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                out.append(attribute.t)
    return out


def _load_external(tensor: Any, path: Path) -> None:
    """Move a tensor's external data into the (in-memory) model; only files in the model's folder are opened."""
    import onnx

    what = f"{path}: tensor {tensor.name!r}"
    entries = {e.key: e.value for e in tensor.external_data}
    location = entries.get("location", "")
    folder = path.parent.resolve()
    if not location or "\0" in location or Path(location).is_absolute() or "\\" in location or ":" in location:
        raise InputError(f"{what} has its data at {location!r}; only a relative path inside the model's folder is read")
    file = (folder / location).resolve()
    if not file.is_relative_to(folder):
        raise InputError(
            f"{what} has its data at {location!r}, outside the model's folder; move the file into the folder"
        )
    if not file.is_file():
        raise InputError(f"{what}: its data file {location!r} is missing; put it beside the model")
    try:
        offset, length = int(entries.get("offset", 0)), int(entries.get("length", -1))
    except ValueError as error:
        raise InputError(f"{what}: offset and length of its external data must be whole numbers") from error
    kind = onnx.TensorProto.DataType.Name(tensor.data_type) if tensor.data_type else "UNDEFINED"
    if kind not in _BITS:
        raise InputError(f"{what} has type {kind}, which is not a plain number type")
    size = math.prod(tensor.dims) * _BITS[kind] // 8
    length = size if length < 0 else length
    held = file.stat().st_size
    if offset < 0 or length != size or offset + length > held:
        raise InputError(
            f"{what} claims {size} bytes (shape {list(tensor.dims)}), its entry {length} from byte {offset} on, "
            f"but {location!r} holds {held}"
        )
    with file.open("rb") as handle:
        handle.seek(offset)
        tensor.raw_data = handle.read(length)
    tensor.data_location = onnx.TensorProto.DEFAULT
    del tensor.external_data[:]


def _first_line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return text[0][:160] if text else type(error).__name__

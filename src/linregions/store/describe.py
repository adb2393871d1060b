"""Networks and domains as JSON and arrays, without loss: a float64 is written as a decimal that reads back as it."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from ..activations import MaxGroups, PiecewiseLinear, UnitActivations
from ..domain import Box, Domain, Plane, Polytope, Segment, Space
from ..errors import InputError
from ..network import Network
from ..stage import Stage, is_sparse

_FIELDS: dict[str, tuple[type, tuple[str, ...]]] = {
    "box": (Box, ("lower", "upper")),
    "polytope": (Polytope, ("A", "b")),
    "segment": (Segment, ("a", "b")),
    "plane": (Plane, ("p", "q", "r", "region")),
}


def describe_domain(domain: Domain) -> dict[str, Any]:
    """A domain as JSON."""
    if isinstance(domain, Space):
        return {"kind": "space", "dim": domain.dim}
    for kind, (cls, fields) in _FIELDS.items():
        if isinstance(domain, cls):
            out = {name: getattr(domain, name).tolist() for name in fields}
            return {"kind": kind, "dim": domain.dim, **out}
    raise InputError(f"domain: a {type(domain).__name__} cannot be saved; use a Box, Polytope, Segment, Plane or Space")


def restore_domain(record: dict[str, Any]) -> Domain:
    """The domain that was described."""
    if record["kind"] == "space":
        return Space(record["dim"])
    cls, fields = _FIELDS[record["kind"]]
    values = [np.array(record[name], dtype=np.float64) for name in fields]
    if cls is Polytope:  # one without half-spaces keeps its dimension
        values[0] = values[0].reshape(-1, record["dim"])
    return cls(*values)


def describe_network(net: Network) -> tuple[dict[str, Any], bytes]:
    """A network as JSON (everything but weights) and the content of an .npz file (the weights)."""
    arrays: dict[str, np.ndarray] = {}
    stages = []
    for k, stage in enumerate(net.stages):
        record: dict[str, Any] = {"name": stage.name, "inputs": stage.inputs, "sparse": is_sparse(stage.weight)}
        if record["sparse"]:
            for part in ("data", "indices", "indptr"):
                arrays[f"{k}.{part}"] = getattr(stage.weight, part)
        else:
            arrays[f"{k}.weight"] = stage.weight
        arrays[f"{k}.bias"] = stage.bias
        if stage.divisor is not None:
            arrays[f"{k}.divisor"] = stage.divisor
        act = stage.activation
        if isinstance(act, MaxGroups):
            arrays[f"{k}.offsets"] = act.offsets
        else:
            arrays[f"{k}.index"] = act.index
            record["functions"] = [[list(f.breakpoints), list(f.slopes), f.value, f.name] for f in act.functions]
        stages.append(record)
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **arrays)  # type: ignore[arg-type]
    return {"hash": net.hash, "text": repr(net), "source": net.source, "stages": stages}, content.getvalue()


def restore_network(record: dict[str, Any], file: Any) -> Network:
    """The network that was described; `file` is the .npz."""
    with np.load(file, allow_pickle=False) as arrays:
        stages = tuple(_stage(s, k, arrays) for k, s in enumerate(record["stages"]))
    return Network(stages, record["source"])


def _stage(record: dict[str, Any], k: int, arrays: Any) -> Stage:
    bias = arrays[f"{k}.bias"]
    if record["sparse"]:
        from scipy.sparse import csr_array

        parts = tuple(arrays[f"{k}.{part}"] for part in ("data", "indices", "indptr"))
        weight: Any = csr_array(parts, shape=(len(bias), record["inputs"]))
    else:
        weight = arrays[f"{k}.weight"]
    if "functions" in record:
        functions = tuple(PiecewiseLinear(tuple(t), tuple(s), v, name) for t, s, v, name in record["functions"])
        activation: Any = UnitActivations(functions, arrays[f"{k}.index"])
    else:
        activation = MaxGroups(arrays[f"{k}.offsets"])
    divisor = arrays.get(f"{k}.divisor")
    return Stage(weight, bias, activation, divisor, record["name"])

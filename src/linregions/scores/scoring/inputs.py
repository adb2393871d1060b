"""The inputs of a score: checked once, as tensors of the model's type on the model's device."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import chain
from typing import Any

import numpy as np

from ...checks import plural, shown
from ...errors import InputError
from ..needs import nn, torch

FORMS = "give a tensor or an array (samples, ...), a tuple of them (positional) or a dict (by argument name)"
SMALL_INTEGERS = ("torch.uint8", "torch.int8", "torch.int16")


def prepared(inputs: Any, model: nn.Module, *, batch_dim: int = 0, device: Any = None) -> tuple[Any, int]:
    """`inputs` as tensors that `model` takes, and how many samples they are.

    Floating-point inputs get the floating-point type of the model's parameters, integers stay as they are (token
    numbers).  Tensors without axes are options of the model, not samples, and are passed on.

    Args:
        inputs: a tensor, an array, nested lists of numbers, a tuple of those, or a mapping from argument names to them;
            None in a tuple or a mapping is an argument left out.
        model: whose parameters say the type, and the device where `device` does not.
        batch_dim: the axis of the samples, in every input.
        device: where the inputs go.

    Returns:
        (inputs, samples): a tensor, a tuple or a dict of tensors, like `inputs`.

    Raises:
        InputError: there is nothing, or NaN or infinity, or images as small integers, or only one sample, or the
            inputs disagree on how many samples there are.
    """
    first = next((p for p in chain(model.parameters(), model.buffers()) if p.is_floating_point()), None)
    dtype = torch.get_default_dtype() if first is None else first.dtype
    where = device if device is not None else None if first is None else first.device
    named = _named(inputs)
    tensors = {name: None if value is None else _tensor(value, name, dtype, where) for name, value in named.items()}
    samples = _samples({name: tensor for name, tensor in tensors.items() if tensor is not None}, batch_dim)
    if isinstance(inputs, Mapping):
        return dict(zip(inputs, tensors.values(), strict=True)), samples
    if isinstance(inputs, tuple):
        return tuple(tensors.values()), samples
    return tensors["inputs"], samples


def _named(inputs: Any) -> dict[str, Any]:
    if isinstance(inputs, Mapping):
        wrong = [name for name in inputs if not isinstance(name, str)]
        if wrong:
            raise InputError(f"inputs: the names of a dict must be argument names of the model, got {shown(wrong[0])}")
        named = {f"inputs[{name!r}]": value for name, value in inputs.items()}
    elif isinstance(inputs, tuple):
        named = {f"inputs[{k}]": value for k, value in enumerate(inputs)}
    else:
        named = {"inputs": inputs}
    if not named:
        raise InputError(f"inputs: there are none; {FORMS}")
    return named


def _tensor(value: Any, name: str, dtype: torch.dtype, device: Any) -> torch.Tensor:
    if not isinstance(value, torch.Tensor):
        value = torch.from_numpy(_array(value, name))
    value = value.detach()
    if value.is_complex() or value.is_sparse:
        raise InputError(f"{name} must be a dense tensor of real numbers, got {value.dtype} ({value.layout})")
    if value.is_floating_point():
        _check_finite(value, name)
        if value.dtype != dtype:
            value = value.to(dtype)
            # 1e39 is a float64 and no float32.
            _check_finite(value, f"{name} as {dtype}")
    elif str(value.dtype) in SMALL_INTEGERS and value.ndim:
        raise InputError(
            f"{name} has dtype {value.dtype}; make images floating point, such as x / 255, and token numbers int64"
        )
    return value if device is None else value.to(device)


def _array(value: Any, name: str) -> np.ndarray:
    try:
        array = np.asarray(value)
    except (ValueError, TypeError, RuntimeError) as error:
        raise InputError(f"{name}: cannot be made an array ({' '.join(str(error).split())}); {FORMS}") from error
    if array.dtype.kind not in "fiub" or array.dtype.itemsize > 8:
        raise InputError(f"{name} must hold real numbers, got dtype {array.dtype} in {shown(value)}; {FORMS}")
    if array.dtype.kind == "u" and array.dtype.itemsize > 1:
        array = array.astype(np.int64)
    # torch takes neither negative strides nor another byte order, and must not write into the caller's array.
    return np.array(array, dtype=array.dtype.newbyteorder("="), order="C")


def _check_finite(value: torch.Tensor, name: str) -> None:
    # Every NaN and infinity stays in a sum; only a sum that is too large needs the second look.
    if math.isfinite(value.sum().item()) or bool(torch.isfinite(value).all()):
        return
    # Additive attention masks are -inf where nothing is to be seen.
    if "mask" in name and not bool(torch.isnan(value).any()) and not bool((value == float("inf")).any()):
        return
    bad = int((~torch.isfinite(value)).sum())
    raise InputError(f"{name}: {plural(bad, 'entry is', 'entries are')} NaN or infinite; every number must be finite")


def _samples(tensors: dict[str, torch.Tensor], batch_dim: int) -> int:
    sizes = {name: t for name, t in tensors.items() if t.ndim}
    if not sizes:
        raise InputError(f"inputs: a batch of samples is needed, got a single number; {FORMS}")
    for name, tensor in sizes.items():
        if tensor.ndim <= batch_dim:
            raise InputError(f"{name} has shape {tuple(tensor.shape)} and no axis {batch_dim}; check batch_dim")
    counts = {name: int(t.shape[batch_dim]) for name, t in sizes.items()}
    if len(set(counts.values())) > 1:
        text = ", ".join(f"{name} has {count}" for name, count in counts.items())
        raise InputError(f"inputs must agree on the number of samples (axis {batch_dim}), but {text}")
    samples = next(iter(counts.values()))
    if any(t.numel() == 0 for t in sizes.values()):
        empty = next(name for name, t in sizes.items() if t.numel() == 0)
        raise InputError(f"{empty} is empty (shape {tuple(sizes[empty].shape)}); give 2 samples or more")
    if samples < 2:
        raise InputError("inputs hold one sample, on which a unit has one of two patterns; give 2 samples or more")
    return samples

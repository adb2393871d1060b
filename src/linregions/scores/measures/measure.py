"""What the measures of untrained networks share: the record, the state in which a model is asked, its weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import numpy as np

from ...checks import plural, seed_number, shown
from ...errors import InputError
from ..needs import nn, torch
from ..restore import seed_all, set_mode, unchanged

HIGHER = "higher is better"
CONTROL = "a size: more is larger"

Inputs: TypeAlias = Any  # a tensor or array (S, ...), a tuple of them (positional), or a dict of them (by keyword)

NORMALISATIONS = tuple(
    getattr(nn, name)
    for name in (
        *(f"{kind}{n}d" for kind in ("BatchNorm", "InstanceNorm") for n in (1, 2, 3)),
        *("SyncBatchNorm", "LayerNorm", "GroupNorm", "LocalResponseNorm", "RMSNorm"),
    )
    if hasattr(nn, name)
)


class UndefinedMeasureError(InputError):
    """A measure has no value for this model on these inputs, for example a correlation with a constant row."""


@dataclass(frozen=True)
class Measure:
    """One number about an untrained network, and how it was taken.

    Attributes:
        name: of the function that took it.
        value: the number; `float(measure)` is the same.
        direction: "higher is better", or what else more of it means.
        samples: how many samples it was taken on.
        labels: "given", "random, seed 0", or None where labels play no part.
    """

    name: str
    value: float
    direction: str
    samples: int
    labels: str | None = None

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        labels = "" if self.labels is None else f", labels {self.labels}"
        return f"{self.name} {self.value:.6g} ({self.direction}; {plural(self.samples, 'sample')}{labels})"

    def as_dict(self) -> dict[str, Any]:
        """The attributes as plain Python values."""
        return asdict(self)


def as_call(inputs: Inputs) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """`inputs` as the positional and keyword arguments of a model."""
    if isinstance(inputs, Mapping):
        return (), dict(inputs)
    return (tuple(inputs) if isinstance(inputs, tuple) else (inputs,)), {}


def map_inputs(inputs: Inputs, change: Callable[[Any], Any]) -> Inputs:
    """The inputs with `change` applied to each of them."""
    if isinstance(inputs, Mapping):
        return {name: change(x) for name, x in inputs.items()}
    return tuple(change(x) for x in inputs) if isinstance(inputs, tuple) else change(inputs)


def leaves(inputs: Inputs, model: Any) -> tuple[list[Any], Inputs, int]:
    """What gradients can be taken of, the inputs to call the model with, and how many samples they are.

    The leaves are copies of the floating-point inputs, in the floating-point type and on the device of the model. The
    model gets copies of the copies: it may change its inputs in place, which a leaf would not allow.
    """
    like = next((p for p in [*model.parameters(), *model.buffers()] if p.is_floating_point()), None)
    dtype, device = (None, None) if like is None else (like.dtype, like.device)
    found: list[Any] = []
    counts: list[int] = []

    def leaf(x: Any) -> Any:
        if not isinstance(x, torch.Tensor | np.ndarray):
            raise InputError(f"inputs must be a tensor or array, or a tuple or dict of them, got {shown(x)}")
        # An array is copied first: torch takes no negative strides and warns of read-only memory.
        x = x.detach() if isinstance(x, torch.Tensor) else torch.from_numpy(np.array(x, order="C"))
        if x.ndim:  # a tensor without axes is an option of the model
            counts.append(x.shape[0])
        x = x.to(device=device, dtype=dtype if x.is_floating_point() else None, copy=True)
        if not x.is_floating_point():
            return x
        found.append(x.requires_grad_())
        return x.clone()

    called = map_inputs(inputs, leaf)
    if not counts or counts[0] == 0:
        raise InputError(f"inputs must hold samples along the first axis and at least one, got {shown(inputs)}")
    return found, called, counts[0]


@contextmanager
def prepared(model: Any, *, mode: str, device: Any = None, seed: int = 0) -> Iterator[None]:
    """The model in the state to be measured in, with gradients on; everything comes back as it was.

    Every floating-point parameter asks for gradients meanwhile, frozen ones too.  What the model itself draws (dropout
    in mode "train") it draws from `seed`, whatever state the global generators were in.
    """
    if not isinstance(model, nn.Module):
        raise InputError(f"model must be a torch.nn.Module, got {shown(model)}")
    seed = seed_number(seed)
    with unchanged(model), torch.inference_mode(False), torch.enable_grad():
        if device is not None:
            model.to(device)
        set_mode(model, mode)
        for p in model.parameters():
            if p.is_floating_point() or p.is_complex():
                p.requires_grad_(True)
        seed_all(seed)
        yield


def weights(model: Any) -> list[tuple[str, Any]]:
    """The matrices and kernels of a model, each once: what pruning scores sum over.

    That is every parameter with two or more axes, except those of embeddings and of normalisations; a weight that an
    embedding shares with a linear layer counts.  For networks of convolutions and linear layers these are exactly
    their weights, without biases.
    """
    found: dict[int, tuple[str, Any]] = {}
    for prefix, module in model.named_modules():
        if isinstance(module, (nn.Embedding, nn.EmbeddingBag, *NORMALISATIONS)):
            continue
        for name, p in module.named_parameters(recurse=False):
            if p.ndim >= 2 and p.is_floating_point():
                found.setdefault(id(p), (f"{prefix}.{name}" if prefix else name, p))
    if not found:
        raise InputError(
            "model has no weight with two or more axes, so there is nothing to sum over; pass another model"
        )
    return list(found.values())


def one_tensor(y: Any, output: Callable[[Any], Any] | None) -> Any:
    """The tensor that a measure is taken of, picked from the model's output by `output`."""
    if output is not None:
        y = output(y)
    if not isinstance(y, torch.Tensor):
        raise InputError(
            f"model returns {shown(type(y).__name__)} and not one tensor; "
            "pass output, a function that picks one, for example output=lambda y: y[0]"
        )
    return y


def derivable(y: Any, of: str) -> Any:
    """`y`, or an error where no derivative leads from it to what it is `of`."""
    if not y.requires_grad:
        raise InputError(
            f"model's output has no derivative by {of}; look for argmax, detach or no_grad in its forward, "
            "or pick another output"
        )
    return y

"""The convolutions and matrix products of one forward pass: their multiplications, and the longest chain of them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, is_dataclass
from importlib import import_module
from typing import Any

from ...errors import InputError
from ..needs import nn, torch
from .measure import Inputs, as_call, leaves, prepared

# Looked up, not imported: needs.py is the only place that imports torch, and says what to do where it is missing.
_TorchDispatchMode: Any = import_module("torch.utils._python_dispatch").TorchDispatchMode


@dataclass(frozen=True)
class Products:
    """What one forward pass multiplies.

    Attributes:
        flops: two for every multiply-add of a convolution or matrix product, over the whole batch.
        samples: of the batch.
        output: of the model, with the graph of derivatives that led to it.
    """

    flops: int
    samples: int
    output: Any = field(repr=False, compare=False)

    @property
    def depth(self) -> int:
        """How many convolutions and matrix products the longest path runs through."""
        return longest_path(_ends(self.output))


def trace(model: Any, inputs: Inputs, *, device: Any = None) -> Products:
    """Run the model once, in eval mode, and watch what it multiplies.

    Gradients are on, because only then does torch record what depends on what (and takes no fused shortcut through an
    encoder layer); what it would keep for a backward pass is dropped at once, so the pass needs no more memory than
    one without gradients.
    """
    counter = _Counter()
    with prepared(model, mode="eval", device=device), _unrolled(model):
        _, called, samples = leaves(inputs, model)
        args, kwargs = as_call(called)
        with torch.autograd.graph.saved_tensors_hooks(lambda _: None, _never), counter:
            y = model(*args, **kwargs)
        if counter.unknown:
            raise InputError(
                f"model: the multiplications of {', '.join(sorted(counter.unknown))} are not known; "
                "build the model with another implementation of it"
            )
        return Products(counter.flops, samples, y)


def _never(_: Any) -> Any:
    raise InputError(
        "model differentiates inside its forward, so its depth and FLOPs cannot be read; measure a part of it"
    )


@contextmanager
def _unrolled(model: Any) -> Iterator[None]:
    """Recurrent layers as the products that they consist of, instead of one call into a vendor's library."""
    backends: list[Any] = [torch.backends.mkldnn, torch.backends.cudnn]
    before = [b.enabled for b in backends]
    unroll = any(isinstance(m, nn.RNNBase) for m in model.modules())
    try:
        for b in backends if unroll else ():
            b.enabled = False
        yield
    finally:
        for b, enabled in zip(backends, before, strict=True) if unroll else ():
            b.enabled = enabled


# How many multiply-adds a call takes, by the name of the operation.


def _product(first: int) -> Callable[..., int]:
    """The product of the matrices, or batches of matrices, at `first` and after."""
    return lambda *args: args[first].numel() * args[first + 1].shape[-1]


def _by_vector(first: int) -> Callable[..., int]:
    return lambda *args: args[first].numel()


def _convolution(x: Any, weight: Any, bias: Any, *rest: Any, out: Any) -> int:
    # Every entry of the output (of the input, where transposed) meets every weight of its group's kernel.
    transposed = rest[3]
    return (x if transposed else out).numel() * math.prod(weight.shape[1:])


def _attention(query: Any, key: Any, value: Any, *_: Any) -> int:
    # Masks, causal ones too, hide products and do not save them in this definition.
    return math.prod(query.shape[:-1]) * key.shape[-2] * (query.shape[-1] + value.shape[-1])


def _trilinear(a: Any, b: Any, c: Any, *expand: Any) -> int:
    shapes = []
    for x, axes in zip((a, b, c), expand, strict=False):
        shape = list(x.shape)
        for axis in sorted(axes):
            shape.insert(axis, 1)
        shapes.append(shape)
    return math.prod(torch.broadcast_shapes(*shapes))


_MULTIPLY_ADDS: dict[str, Callable[..., int]] = {
    "mm": _product(0),
    "bmm": _product(0),
    "addmm": _product(1),
    "_addmm_activation": _product(1),
    "baddbmm": _product(1),
    "addbmm": _product(1),
    "mv": _by_vector(0),
    "dot": _by_vector(0),
    "vdot": _by_vector(0),
    "addmv": _by_vector(1),
    "convolution": _convolution,
    "convolution_overrideable": _convolution,
    "_trilinear": _trilinear,
    **{
        f"_scaled_dot_product_{kind}": _attention
        for kind in (
            "flash_attention",
            "flash_attention_for_cpu",
            "efficient_attention",
            "cudnn_attention",
            "fused_attention_overrideable",
            "attention_math_for_mps",
        )
    },
}
_OF_OUTPUT = ("convolution", "convolution_overrideable")
# Operations that surely multiply and that the table does not know: better an error than a number too low.
_SUSPECT = re.compile(r"attention|rnn|lstm|gru|mm$|mkldnn_(linear|conv)|^_transformer|multi_head|^quantized")


class _Counter(_TorchDispatchMode):
    """Adds up the multiply-adds of every operation that reaches the device."""

    def __init__(self) -> None:
        super().__init__()
        self.flops = 0
        self.unknown: set[str] = set()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Torch would load its compiler, seconds of imports, only to keep it away from this class."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        namespace, _, name = func.name().partition("::")
        name = name.partition(".")[0].rstrip("_")  # addmm_ is addmm into its first argument
        count = _MULTIPLY_ADDS.get(name) if namespace == "aten" else None
        if count is not None:
            self.flops += 2 * (count(*args, out=result) if name in _OF_OUTPUT else count(*args))
        elif _SUSPECT.search(name) or namespace == "quantized":
            self.unknown.add(func.name())
        return result


# How much longer a path gets by running through an operation from each of its inputs, by the name of its derivative.
_STEPS: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(("Mm", "Bmm", "Mv", "Dot", "Vdot"), (1, 1)),
    **dict.fromkeys(("Addmm", "AddmmActivation", "Baddbmm", "Addbmm", "Addmv"), (0, 1, 1)),
    **dict.fromkeys(("Convolution", "ConvolutionOverrideable", "Linear"), (1, 1, 0)),
    "Trilinear": (1, 1, 1),
    # Queries and keys are multiplied, and the result is multiplied with the values; a mask comes in between.
    **dict.fromkeys(
        tuple(
            f"ScaledDotProduct{kind}"
            for kind in (
                "FlashAttention",
                "FlashAttentionForCpu",
                "EfficientAttention",
                "CudnnAttention",
                "FusedAttentionOverrideable",
                "AttentionMathForMps",
            )
        ),
        (2, 2, 1, 1),
    ),
}
_DERIVATIVE = re.compile(r"Backward\d*$")
# One step that hides a whole part of a network; what runs inside cannot be told from its derivative.
_HIDING = {
    "CheckpointFunction": "call checkpoint with use_reentrant=False",
    "DifferentiableGraph": "measure the module that was scripted",
    "CompiledFunction": "measure the module that was compiled",
    "GraphedFunction": "measure the module before it was captured as a CUDA graph",
}


def longest_path(ends: list[Any]) -> int:
    """The largest number of products on a path of the graph of derivatives that leads to one of `ends`."""
    depth: dict[Any, int] = {}
    todo = list(ends)
    while todo:
        node = todo[-1]
        before = [(i, n) for i, (n, _) in enumerate(node.next_functions) if n is not None]
        missing = [n for _, n in before if n not in depth]
        if missing and node not in depth:
            todo += missing
            continue
        todo.pop()
        name = _DERIVATIVE.sub("", node.name())
        if name in _HIDING:
            raise InputError(f"model runs a part of itself as one {name}, which hides its depth; {_HIDING[name]}")
        steps = _STEPS.get(name, ())
        depth[node] = max((depth[n] + (steps[i] if i < len(steps) else 0) for i, n in before), default=0)
    return max(depth[node] for node in ends)


def _ends(y: Any) -> list[Any]:
    """Where the graph of derivatives ends: at the floating-point tensors of the output."""
    ends = [t.grad_fn for t in _tensors(y) if t.grad_fn is not None]
    if not ends:
        raise InputError(
            "model's output depends on its inputs and weights by no derivative, so its depth cannot be read; "
            "look for argmax, detach or no_grad in its forward"
        )
    return ends


def _tensors(y: Any) -> Iterator[Any]:
    """The tensors in an output of any common shape: tensor, sequence, mapping, dataclass."""
    if isinstance(y, torch.Tensor):
        yield y
    elif isinstance(y, Mapping):
        for value in y.values():
            yield from _tensors(value)
    elif isinstance(y, list | tuple):
        for value in y:
            yield from _tensors(value)
    elif is_dataclass(y) and not isinstance(y, type):
        for each in fields(y):
            yield from _tensors(getattr(y, each.name))

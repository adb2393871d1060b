"""One forward pass, and every activation of it shown to a visitor."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import index
from typing import Any

from ...checks import plural, shown
from ...errors import InputError
from ..needs import nn, torch
from .interception import watched
from .kinds import GATES
from .observation import INDICATORS, Ignored, Layer, Observation
from .watch import Watch

Tensor = torch.Tensor

__all__ = ["Captured", "Ignored", "Layer", "Observation", "capture"]


@dataclass(frozen=True)
class Captured:
    """What a pass leaves behind: the model's output, the activation calls in order, those left out, and those folded.

    `folded` are the layers, among `layers`, with several rows for each sample, which were read as lying side by side;
    `alike` those whose first two axes have the size of the batch, as those of the inputs have.
    """

    output: Any
    samples: int
    layers: tuple[Layer, ...]
    ignored: tuple[Ignored, ...]
    folded: tuple[Layer, ...] = ()
    alike: tuple[Layer, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The layers in plain values; the output is left out."""
        return {
            "samples": self.samples,
            "layers": [layer.as_dict() for layer in self.layers],
            "ignored": [each.as_dict() for each in self.ignored],
            "folded": [layer.as_dict() for layer in self.folded],
            "alike": [layer.as_dict() for layer in self.alike],
        }

    def __str__(self) -> str:
        left_out = f", {len(self.ignored)} ignored" if self.ignored else ""
        return f"{plural(len(self.layers), 'activation')} on {plural(self.samples, 'sample')}{left_out}"


def capture(
    model: nn.Module | Callable[..., Any],
    inputs: Tensor | Sequence[Any] | Mapping[str, Any],
    visit: Callable[[Observation], None],
    *,
    indicator: str = "positive",
    max_pool: bool = False,
    also: Sequence[type[nn.Module] | str] = (),
    batch_dim: int | tuple[int, int] = 0,
) -> Captured:
    """Run a network once and show each activation call, once, in the order of the calls.

    Modules, functions, methods and their in-place forms are the same here: `nn.ReLU()`, `F.relu`, `torch.relu_`,
    `x.clamp(min=0)`.
    Counted are relu, relu6, hardtanh, leaky_relu, prelu, rrelu, threshold, hardswish, elu, celu, selu, gelu, silu,
    mish, softplus, softshrink and hardshrink; `clamp`, `clip` and `maximum` where they cut floating-point numbers at
    exactly zero from below (`clamp(min=1e-6)`, a safeguard, and `clamp(-1, 1)` are not counted); and the cells of
    `nn.RNN(nonlinearity="relu")`.
    Not seen are activations that a model spells out, as `x * (x > 0)`, `torch.where(x > 0, x, 0)`, `abs`, or a maximum
    over an axis (maxout), and those inside custom operators: put them in a module and name its class in `also`.

    The pass runs without gradients, on copies of the tensors in `inputs`, and in the mode that the model is in. Nothing
    is stored, and no hook is left, even after an error or Ctrl-C. The model itself is free to change its own state
    (running statistics, random numbers): see `unchanged`.

    Args:
        model: takes the inputs; a module, or any function of tensors.
        inputs: one tensor, a tuple of positional arguments, or a dict of keyword arguments; the first tensor among
            them says how many samples there are.
        visit: called with an `Observation` (values: samples x units) for each activation call.
        indicator: what the planes encode: "positive" ([z > 0]), "sign" (of the output), or "piece" (which linear piece
            the unit is on; the sign, for smooth activations). Zero of either sign is zero; infinities have a sign.
        max_pool: show max-pools too ("piece" then tells the place in the window).
        also: classes of modules whose *output* is one activation, whatever they call inside; or names of gates:
            "sigmoid", "tanh", "hardsigmoid", "logsigmoid", "glu".
        batch_dim: the axis of the samples, or a pair of them: in the inputs and in the activations.  An activation with
            k times as many entries there has k rows per sample, side by side, as after `flatten(0, 1)`; a model that
            turns its axes itself (sequence first, as torch's transformers by default) needs the pair.

    Returns:
        The model's output, the layers seen, and the layers ignored: those whose units do not depend on the inputs, as
        in a network of positions.

    Raises:
        InputError: no activation was seen; an activation holds NaN, or its batch axis does not fit; a fused operation
            hides its activations.

    Example:
        >>> import torch
        >>> net = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU())
        >>> seen = capture(net, torch.ones(4, 2), lambda seen: print(seen.layer, tuple(seen.values.shape)))
        1 (relu) (4, 3)
        >>> print(seen)
        1 activation on 4 samples
    """
    _check(model, visit, indicator, also)
    axis, inner = batch_axes(batch_dim)
    samples = sample_count(inputs, batch_dim=axis)
    model = getattr(model, "_orig_mod", model)  # what torch.compile wrapped
    first = next(_tensors(inputs))
    watch = Watch(
        model,
        visit,
        samples=samples,
        indicator=indicator,
        max_pool=max_pool,
        also=also,
        batch_dim=inner,
        sure=isinstance(batch_dim, tuple | list),
        square=first.dim() > 1 and first.shape[0] == first.shape[1],
    )
    output = _pass(model, _copies(inputs), watch)
    if not watch.layers:
        raise InputError(_nothing(model, watch))
    return Captured(output, samples, tuple(watch.layers), tuple(watch.ignored), tuple(watch.folded), tuple(watch.alike))


def sample_count(inputs: Any, *, batch_dim: int = 0) -> int:
    """The number of samples: the size of the first tensor along `batch_dim`.

    Example:
        >>> sample_count((torch.ones(4, 2), torch.ones(3)))
        4
    """
    if not isinstance(inputs, Tensor | tuple | list | Mapping):
        raise InputError(f"inputs: expected a tensor, a tuple or a dict of tensors, got {shown(inputs)}")
    first = next(_tensors(inputs), None)
    if first is None:
        raise InputError(f"inputs: no tensor among {shown(inputs)}; pass a tensor, a tuple or a dict of tensors")
    if first.dim() <= batch_dim or first.shape[batch_dim] == 0:
        raise InputError(f"inputs: a tensor of shape {tuple(first.shape)} has no samples along axis {batch_dim}")
    return first.shape[batch_dim]


def _pass(model: Any, inputs: Any, watch: Watch) -> Any:
    """The output of the pass, or the first thing that went wrong in it."""
    watch.inputs.mark(_tensors(inputs))
    try:
        with watched(watch):
            output = _call(model, inputs)
        if watch.refusal is None:
            watch.finish()
    except BaseException as error:
        if watch.refusal is not None and error is not watch.refusal:
            raise watch.refusal from None  # TorchScript wraps what goes through it
        origin = watch.running.origin
        if watch.refusal is None and origin is not None and origin[0] is error:
            error.add_note(f"in layer {origin[1]}")
        raise
    if watch.refusal is not None:
        raise watch.refusal  # the model caught it
    return output


def _call(model: Any, inputs: Any) -> Any:
    if isinstance(inputs, Mapping):
        return model(**inputs)
    return model(*inputs) if isinstance(inputs, tuple | list) else model(inputs)


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _tensors(each)
    elif isinstance(value, tuple | list):
        for each in value:
            yield from _tensors(each)


def _copies(value: Any) -> Any:
    """The inputs with every tensor copied: a network may begin with an in-place activation."""
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, Mapping):
        return {key: _copies(each) for key, each in value.items()}
    if isinstance(value, tuple | list) and not hasattr(value, "_fields"):
        return type(value)(_copies(each) for each in value)
    return type(value)(*map(_copies, value)) if isinstance(value, tuple) else value


def _check(model: Any, visit: Any, indicator: Any, also: Any) -> None:
    if not callable(model):
        raise InputError(f"model: expected a torch module or a function, got {shown(model)}")
    if not callable(visit):
        raise InputError(f"visit: expected a function of one Observation, got {shown(visit)}")
    if indicator not in INDICATORS:
        raise InputError(f"indicator: {shown(indicator)} is not one of {', '.join(INDICATORS)}")
    if isinstance(also, str | type) or not isinstance(also, Sequence):
        raise InputError(f"also: expected a sequence of module classes, got {shown(also)}; write also=({shown(also)},)")
    for each in also:
        if not (each in GATES if isinstance(each, str) else isinstance(each, type) and issubclass(each, nn.Module)):
            raise InputError(
                f"also: {shown(each)} is neither a class of modules nor one of the gates {', '.join(GATES)}"
            )


def batch_axes(batch_dim: Any) -> tuple[int, int]:
    """The axis of the samples in the inputs, and in the activations.

    Example:
        >>> batch_axes(1), batch_axes((0, 1))
        ((1, 1), (0, 1))
    """
    pair = batch_dim if isinstance(batch_dim, tuple | list) else (batch_dim, batch_dim)
    try:
        axes = [-1 if isinstance(axis, bool) else index(axis) for axis in pair]
    except TypeError:
        axes = []
    if len(axes) != 2 or min(axes) < 0:
        raise InputError(
            f"batch_dim must be a whole number from 0, or a pair of them (inputs, activations), got {shown(batch_dim)}"
        )
    return axes[0], axes[1]


def _nothing(model: Any, watch: Watch) -> str:
    name = type(model).__name__
    if watch.ignored:
        return f"model: no activation of {name} depends on the inputs; only {watch.ignored[0]} was seen"
    return (
        f"model: no activation was seen in the forward pass of {name}; "
        "name the classes of the modules to count in also=(Class,)"
    )

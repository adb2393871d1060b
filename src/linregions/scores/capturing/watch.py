"""Watching one forward pass: what is an activation, where it was called, and what it shows."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from math import isnan
from typing import Any

import numpy as np

from ...errors import InputError
from ..needs import nn, torch
from ..walk import named_modules
from .kinds import CUTS, GATES, RELU, Kind, recognise
from .observation import (
    Ignored,
    Layer,
    Observation,
    per_sample,
    piece_planes,
    place_planes,
    plane_count,
    positive,
    sign,
    widened,
)
from .pools import places
from .provenance import Provenance

Tensor = torch.Tensor
# numpy reads these with vector instructions, and its calls cost less than torch's.
_BY_NUMPY = (torch.float32, torch.float64)
Planes = Callable[[Tensor], tuple[Tensor, ...]]


class Running:
    """The modules that are running, and where an exception came from; kept by forward hooks."""

    def __init__(self, model: Any, classes: tuple[type[nn.Module], ...]):
        self.classes = classes
        self.covered = 0  # how many running modules are of these classes: what they call is not counted
        self.origin: tuple[BaseException, str] | None = None
        named = named_modules(model) if isinstance(model, nn.Module) else []
        self.scripted = any(issubclass(kind, torch.jit.ScriptModule) for kind in {type(module) for _, module in named})
        self._names = {id(module): name for name, module in named}
        self._stack: list[tuple[nn.Module, str, BaseException | None]] = []
        self._calls: Counter[str] = Counter()

    def enter(self, module: nn.Module) -> None:
        """Open a module; one that the model does not list bears the name of the module around it."""
        self._stack.append((module, self._names.get(id(module), self.name), sys.exc_info()[1]))
        self.covered += isinstance(module, self.classes)

    def leave(self, module: nn.Module) -> bool:
        """Close the innermost module; whether it counts as one activation, its forward having ended well."""
        if not self._stack or self._stack[-1][0] is not module:
            return False  # it never started
        _, name, handled = self._stack.pop()
        error = sys.exc_info()[1]
        failed = error is not None and error is not handled
        if error is not None and failed:
            self._came_from(error, name, module)
        if not isinstance(module, self.classes):
            return False
        self.covered -= 1
        return not failed and not self.covered

    def failed(self, module: nn.Module) -> None:
        """Note where the exception came from that ended a module which was not opened."""
        error = sys.exc_info()[1]
        if error is not None:
            self._came_from(error, self._names.get(id(module), self.name), module)

    def _came_from(self, error: BaseException, name: str, module: nn.Module) -> None:
        if self.origin is None or self.origin[0] is not error:
            self.origin = error, f"{name or '(model)'} ({type(module).__name__})"

    @property
    def name(self) -> str:
        """The path of the innermost module; "" for the model."""
        return self._stack[-1][1] if self._stack else ""

    def layer(self, kind: str, module: nn.Module | None = None) -> Layer:
        """The next activation call of the innermost module, or of `module`."""
        name = self._names.get(id(module), self.name) or "(model)"
        self._calls[name] += 1
        return Layer(name if self._calls[name] == 1 else f"{name}#{self._calls[name]}", kind)


class Watch:
    """Shows the visitor each activation of one forward pass and keeps what the pass will report."""

    def __init__(
        self,
        model: Any,
        visit: Callable[[Observation], None],
        *,
        samples: int,
        indicator: str,
        max_pool: bool,
        also: Sequence[type[nn.Module] | str],
        batch_dim: int,
        sure: bool,
        square: bool,
    ):
        self.visit = visit
        self.samples = samples
        self.indicator = indicator
        self.max_pool = max_pool
        self.gates = tuple(a for a in also if isinstance(a, str))
        self.batch_dim = batch_dim  # in the activations
        self.sure = sure  # whether the caller named that axis
        self.square = square and not sure and batch_dim < 2  # the first two axes of the inputs have one size
        self.width = plane_count(indicator, max_pool=max_pool)
        self.running = Running(model, tuple(a for a in also if not isinstance(a, str)))
        self.inputs = Provenance()
        self.layers: list[Layer] = []
        self.ignored: list[Ignored] = []
        self.folded: list[Layer] = []
        self.alike: list[Layer] = []  # where either of two axes may hold the samples
        self.calling: str | None = None  # the name of the torch function that Python called, while it runs
        self.paused = False
        self.refusal: BaseException | None = None
        self._doubts: list[tuple[Layer, Tensor]] = []

    def kind(self, operation: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Kind | None:
        """What the operation counts as here; None for most operations."""
        if self.running.covered:
            return None
        if operation in CUTS and self.calling is not None and self.calling not in (*CUTS, "max"):
            return None  # a safeguard within a library function
        kind = recognise(operation, args, kwargs)
        if kind is None or (kind.pool and not self.max_pool) or (kind.name in GATES and kind.name not in self.gates):
            return None
        return kind

    def run(self, kind: Kind, operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run an activation and show its units."""
        by_piece = self.indicator == "piece"
        from_input = by_piece and kind.pieces is not None and kind.pieces.source == "input"
        dependent = self.inputs.depends(a for a in args[:2] if isinstance(a, Tensor))
        before = args[0].clone() if from_input and operation._schema.is_mutable else args[0]
        result = operation(*args, **kwargs)
        output = result[0] if isinstance(result, tuple | list) else result
        layer = self.running.layer(kind.name)
        if not dependent:
            self.ignored.append(Ignored(layer, tuple(output.shape)))
        elif by_piece and kind.pool:
            digits = place_planes(self.width)
            self.refuse_nan(layer, output)
            self.show(layer, self._refusing(places, layer, operation, args, kwargs, result), digits, own_width=True)
        else:
            encoded = before if from_input else output
            self.show(layer, encoded, self._planes(kind, encoded))
        return result

    def module(self, module: nn.Module, output: Any) -> None:
        """Show the output of a module of a class in `also`."""
        layer = self.running.layer(type(module).__name__, module)
        if not isinstance(output, Tensor):
            given = type(output).__name__
            raise self.refused(f"also: layer {layer} gives a {given} and not one tensor; name a module inside it")
        if self.inputs.depends((output,)):
            self.show(layer, output, positive if self.indicator == "positive" else sign)
        else:
            self.ignored.append(Ignored(layer, tuple(output.shape)))

    def skipped(self, module: nn.Module, output: Any) -> None:
        """Take a module into account that ran without the watch on what depends on the inputs: `nn.ReLU`, or none."""
        if not isinstance(output, Tensor):
            self.running.failed(module)
            return
        self.inputs.mark((output,))
        if isinstance(module, nn.ReLU):
            self.show(self.running.layer("relu", module), output, self._planes(RELU, output))

    def _planes(self, kind: Kind, encoded: Tensor) -> Planes:
        return {"positive": positive, "sign": sign}.get(self.indicator) or piece_planes(kind.pieces, encoded.dtype)

    def show(self, layer: Layer, tensor: Tensor, planes: Planes, *, own_width: bool = False) -> None:
        """Fold the samples out of the tensor and show the visitor its units."""
        if self.refusal is not None:
            raise self.refusal  # once more, since the model caught it
        self._refuse_strange(layer, tensor)
        values = per_sample(tensor, self.samples, self.batch_dim)
        if values is None:
            raise self.refused(
                f"batch_dim: layer {layer} gives a tensor of shape {tuple(tensor.shape)}, whose axis {self.batch_dim} "
                f"holds no multiple of the {self.samples} samples; name the axis that does, "
                "batch_dim=(axis in the inputs, axis in the activations)"
            )
        if tensor.shape[self.batch_dim] > self.samples:
            self._note_rows(layer, tensor)
        elif self.square and tensor.dim() > 2 and tensor.shape[1 - self.batch_dim] == self.samples:
            self.alike.append(layer)
        self.refuse_nan(layer, tensor)
        self.layers.append(layer)
        wide = widened(planes, self.width) if self.width == 8 and not own_width else planes
        self.paused = True
        try:
            self.visit(Observation(layer, values, wide, self.width))
        except BaseException as error:
            self.refusal = error
            raise
        finally:
            self.paused = False

    def _note_rows(self, layer: Layer, tensor: Tensor) -> None:
        """Several rows of each sample: said in the result, and refused where another axis may hold the samples."""
        shape = tuple(tensor.shape)
        others = [axis for axis, size in enumerate(shape) if size == self.samples and axis != self.batch_dim]
        if others and not self.sure:
            raise self.refused(
                f"batch_dim: layer {layer} gives a tensor of shape {shape}, where axis {others[0]} has as many entries "
                f"as there are samples and axis {self.batch_dim} has {shape[self.batch_dim] // self.samples} times as "
                f"many; say which holds the samples, batch_dim=(axis in the inputs, {others[0]} or {self.batch_dim})"
            )
        self.folded.append(layer)

    # -- refusals ----------------------------------------------------------------------------------------------------

    def refused(self, sentence: str) -> InputError:
        """An InputError that the pass ends with, even if the model catches it."""
        error = self.refusal = InputError(sentence)
        return error

    def _refuse_strange(self, layer: Layer, tensor: Tensor) -> None:
        strange = (
            "nested" if tensor.is_nested
            else "sparse" if tensor.layout is not torch.strided
            else "quantized" if tensor.is_quantized
            else "complex" if tensor.is_complex()
            else "meta" if tensor.is_meta
            else None
        )  # fmt: skip
        if strange is not None:
            raise self.refused(f"model: layer {layer} gives a {strange} tensor; patterns need ordinary real ones")

    def refuse_nan(self, layer: Layer, tensor: Tensor) -> None:
        """Refuse NaN now, or on an accelerator at the end of the pass: looking at once would make every layer wait."""
        if not tensor.is_floating_point() or not tensor.numel():
            return
        if type(tensor) is Tensor and tensor.device.type == "cpu" and tensor.dtype in _BY_NUMPY:
            with np.errstate(invalid="ignore"):
                self._nan_at(layer, tensor.detach().numpy().max())
            return
        most = tensor.amax()  # NaN wherever a NaN is
        if tensor.device.type == "cpu":
            self._nan_at(layer, most)
        else:
            self._doubts.append((layer, most))

    def finish(self) -> None:
        """The checks that were left to the end."""
        for layer, most in self._doubts:
            self._nan_at(layer, most)

    def _nan_at(self, layer: Layer, most: Any) -> None:
        if isnan(most.item()):
            raise self.refused(f"model: layer {layer} gives NaN; check the inputs and the initial weights")

    def _refusing(self, function: Callable[..., Tensor], *args: Any) -> Tensor:
        try:
            return function(*args)
        except InputError as error:
            self.refusal = error
            raise

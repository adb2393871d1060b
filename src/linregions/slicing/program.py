"""A torch module as a list of steps, each with the values that are not needed after it."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import InputError, LinregionsError, UnsupportedModelError
from ..readers.graph import Unsupported, reason
from ..readers.torch import evaluating, export, input_shape_of, leading_nodes, operator_of, weight_of
from .operators import HANDLERS, Call, State, Units, length


@dataclass(frozen=True, eq=False)
class Step:
    """One call of the exported graph; `last` are the nodes whose values nothing needs after it."""

    node: Any
    operator: str
    label: str
    last: tuple[Any, ...]
    memo: dict[Any, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Program:
    """A module's graph in execution order, with its weights of the moment on one device and in one type.

    `values` holds the weights, and what is computed from weights alone.
    """

    source: str
    shape: tuple[int, ...]  # of the input, batch axis included
    input: Any
    steps: tuple[Step, ...]
    outputs: tuple[Any, ...]
    values: dict[Any, Any]
    device: Any
    dtype: Any
    widest: int  # numbers of one cell that are alive at once, at most

    @property
    def inputs(self) -> int:
        """Number of inputs."""
        return math.prod(self.shape)

    @property
    def unit(self) -> float:
        """Unit roundoff of the type."""
        return sys.modules["torch"].finfo(self.dtype).eps / 2

    def start(self, rows: np.ndarray) -> dict[Any, State]:
        """The values before the first step, of cells with these rows (cells, 4, inputs)."""
        torch: Any = sys.modules["torch"]
        tensor = torch.from_numpy(rows).to(device=self.device, dtype=self.dtype)
        return {self.input: State(tensor.reshape(len(rows), 4, *self.shape), length(tensor[:, 3]))}

    def advance(self, at: int, live: dict[Any, State]) -> tuple[int, Units | None]:
        """Run steps from number `at` on, in place, up to and including the next that has units, or to the end."""
        while at < len(self.steps):
            step = self.steps[at]
            made = self._call(step, live)
            if not isinstance(made, Units):
                live[step.node] = made
            for node in step.last:
                live.pop(node, None)
            if isinstance(made, Units):
                return at, made
            at += 1
        return at, None

    def result(self, live: dict[Any, State]) -> Any:
        """The outputs as one tensor (cells, 4, outputs)."""
        torch: Any = sys.modules["torch"]
        return torch.cat([live[node].rows.flatten(2) for node in self.outputs], dim=2)

    def _call(self, step: Step, live: dict[Any, Any]) -> Any:
        def value(a: Any) -> Any:
            if hasattr(a, "meta"):
                return live[a] if a in live else self.values[a]
            return type(a)(value(v) for v in a) if isinstance(a, list | tuple) else a

        node = step.node
        args, kwargs = [value(a) for a in node.args], {k: value(v) for k, v in node.kwargs.items()}
        try:
            return HANDLERS[step.operator](
                Call(node, step.operator.removesuffix("_"), args, kwargs, step.label, step.memo)
            )
        except Unsupported as problem:
            raise UnsupportedModelError(self.source, [f"{step.label}: {problem}"]) from problem
        except (LinregionsError, MemoryError):
            raise
        except Exception as error:
            text = " ".join(str(error).split())[:200]
            raise InputError(f"{self.source}: {step.label} cannot be evaluated in batches ({text})") from error


def program_of(module: Any, input_shape: Any, device: Any, dtype: Any) -> Program:
    """Export a module, which is left as it is, and list the steps that lead to its outputs.

    Raises:
        UnsupportedModelError: some operations have no batched form here; it lists all of them.
        InputError: the input shape is missing or wrong, or the module cannot be exported.
    """
    source = type(module).__name__
    shape = input_shape_of(module, input_shape, source)
    with evaluating(module):
        exported = export(module, shape, source)
        device = exported.example.device if device is None else device
        return _listed(exported, module, device, dtype)


def _listed(exported: Any, module: Any, device: Any, dtype: Any) -> Program:
    program = exported.program
    if any(s.kind.name != "USER_OUTPUT" for s in program.graph_signature.output_specs):
        raise InputError(f"{exported.source}: the module changes its own buffers in eval mode, so it is no function")
    specs = {s.arg.name: s for s in program.graph_signature.input_specs}
    nodes = list(program.graph.nodes)
    leading = leading_nodes(nodes)
    values: dict[Any, Any] = {}
    varying: set[Any] = set()
    calls, problems, outputs, start = [], [], (), None
    for node in nodes:
        if node.op == "placeholder":
            if specs[node.name].kind.name == "USER_INPUT":
                start = node
                varying.add(node)
            else:
                values[node] = weight_of(exported, module, specs[node.name].target).detach()
        elif node.op == "output":
            outputs = tuple(node.args[0])
        elif node in leading:
            _sort(node, values, varying, calls, problems)
    if problems:
        raise UnsupportedModelError(exported.source, problems)
    if not outputs or any(o not in varying for o in outputs):
        raise InputError(f"{exported.source}: an output of the module is a constant, or indices; return tensors")
    steps = _with_ends(calls, outputs)
    values = {k: v.to(device) if hasattr(v, "to") else v for k, v in values.items()}
    shape = tuple(exported.example.shape)
    widest = _widest(steps, start, shape)
    return Program(exported.source, shape, start, steps, outputs, values, device, dtype, widest)


def _sort(node: Any, values: dict[Any, Any], varying: set[Any], calls: list[Any], problems: list[str]) -> None:
    """A node on constants is evaluated now; another becomes a step."""
    operator = operator_of(node)
    if not any(a in varying for a in node.all_input_nodes):

        def value(a: Any) -> Any:
            if hasattr(a, "meta"):
                return values[a]
            return type(a)(value(v) for v in a) if isinstance(a, list | tuple) else a

        values[node] = node.target(*map(value, node.args), **{k: value(v) for k, v in node.kwargs.items()})
        return
    varying.add(node)
    label = f"node {node.name!r} ({operator})"
    calls.append((node, operator, label))
    if operator not in HANDLERS:
        known = operator.lstrip("_").removesuffix("_")
        if "max" in known or known in ("min", "minimum", "amin"):
            problems.append(
                f"{label}: maxima over windows are not evaluated in batches yet; "
                "use enumerate_regions, or average pooling"
            )
        else:
            problems.append(f"{label}: {reason(known, last=any(user.op == 'output' for user in node.users))}")


def _with_ends(calls: list[Any], outputs: tuple[Any, ...]) -> tuple[Step, ...]:
    seen = set(outputs)
    steps = []
    for node, operator, label in reversed(calls):
        last = tuple({a for a in node.all_input_nodes if a not in seen})
        seen.update(last)
        steps.append(Step(node, operator, label, last))
    return tuple(reversed(steps))


def _widest(steps: tuple[Step, ...], start: Any, shape: tuple[int, ...]) -> int:
    """Numbers per row that are alive at once: the values kept, and twice the step's own (its input and its output)."""
    live = {start: math.prod(shape)}
    most = live[start]
    for step in steps:
        meta = step.node.meta.get("val")
        own = sum(m.numel() for m in (meta if isinstance(meta, list | tuple) else [meta]) if hasattr(m, "numel"))
        live[step.node] = own
        most = max(most, sum(live.values()) + 2 * own)
        for node in step.last:
            live.pop(node, None)
    return most

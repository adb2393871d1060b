"""Reading torch modules through `torch.export`; torch is loaded already when a module is passed."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError, LinregionsError, UnsupportedModelError
from ..network import Network
from .check import check
from .graph import UNKNOWN, Unsupported, Var, reason
from .torch_ops import HANDLERS, TorchNode
from .torch_plain import refuse_lazy
from .wiring import Wiring

# Of their second tensor only the shape, or the type, matters.
_FIRST_ONLY = ("expand_as", "type_as")
_TRANSPARENT = ("Flatten", "Identity", "Dropout")


def read_torch(module: Any, *, input_shape: tuple[int, ...] | None = None, source: str | None = None) -> Network:
    """Read a torch `nn.Module` as a network.

    The module is traced in eval mode and gets its training flags back, submodule by submodule; its weights are not
    touched.
    Numbers in the module's code are taken in the floating-point type of the tensor that they meet, as torch takes them.
    The multiplier of a batch normalisation is the float64 nearest to weight / sqrt(var + eps).

    Every unit with more than one piece of every operation that leads to an output is a unit of the network, once and
    in the order of the operation's flattened tensor, even where zero weights or a slice make no use of it.
    Operations that lead to no output are left out, and so are those on constants.

    Args:
        module: takes one tensor (batch, *input_shape) and gives one (or several, which are flattened
            one after the other).
        input_shape: shape of one input without the batch axis; needed unless the module starts with a Linear layer.
        source: the name that messages use; the class name by default.

    Raises:
        UnsupportedModelError: some operations are not piecewise linear or not known; it lists all of them.
        InputError: the input shape is missing or wrong, or the module cannot be exported.

    Example:
        >>> import torch  # doctest: +SKIP
        >>> read_torch(torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU()))  # doctest: +SKIP
        Network 2-3, 3 units with pieces (3 relu)
    """
    source = source or type(module).__name__
    shape = input_shape_of(module, input_shape, source)
    with evaluating(module):
        exported = export(module, shape, source)
        net = interpret(exported, module)
        compare(net, exported, module)
    return net


@contextmanager
def evaluating(module: Any) -> Iterator[None]:
    """Inside the block every submodule is in eval mode; afterwards each has the training flag that it had."""
    modes = [(m, m.training) for m in module.modules()]
    try:
        for each, _ in modes:
            each.training = False
        yield
    finally:
        for each, mode in modes:
            each.training = mode


@dataclass(frozen=True, eq=False)
class Exported:
    """A module's graph for one input; its weights are not part of it, but looked up by name when it is interpreted."""

    program: Any
    example: Any  # an input of the module, batch axis included
    source: str

    @property
    def inputs(self) -> int:
        """Number of inputs of the network."""
        return math.prod(self.example.shape)


def export(module: Any, shape: tuple[int, ...], source: str) -> Exported:
    """The graph of a module that is in eval mode."""
    torch: Any = sys.modules["torch"]  # loaded already: the module comes from it
    first = next((p for p in [*module.parameters(), *module.buffers()] if p.is_floating_point()), None)
    example = torch.zeros(
        (1, *shape), dtype=None if first is None else first.dtype, device=None if first is None else first.device
    )
    try:
        with torch.no_grad():
            module(example)
            program = torch.export.export(module, (example,))
    except Exception as error:  # Whatever the module raises, the user learns in one sentence that it did.
        text = " ".join(str(error).split())[:200]
        raise InputError(
            f"{source}: torch.export fails on an input of shape {tuple(example.shape)} ({text}); check input_shape"
        ) from error
    return Exported(program, example, source)


def interpret(exported: Exported, module: Any) -> Network:
    """The network of an exported graph with the weights that `module` has now."""
    torch: Any = sys.modules["torch"]
    with torch.no_grad():
        return _walk(exported, _placeholders(exported, module))


def compare(net: Network, exported: Exported, module: Any, *, count: int = 5) -> None:
    """Refuse a network whose outputs are not those of the module, which is in eval mode, at a few random inputs."""
    torch: Any = sys.modules["torch"]
    example = exported.example

    def run(x: np.ndarray) -> tuple[np.ndarray, float]:
        with torch.no_grad():
            y = module(torch.from_numpy(x).reshape(example.shape).to(dtype=example.dtype, device=example.device))
        outs = y.values() if isinstance(y, dict) else y if isinstance(y, list | tuple) else [y]
        return np.concatenate([o.detach().to("cpu", torch.float64).numpy().ravel() for o in outs]), 0.0

    check(net, run, str(example.dtype).removeprefix("torch."), source=exported.source, count=count)


def input_shape_of(module: Any, input_shape: tuple[int, ...] | None, source: str) -> tuple[int, ...]:
    """The shape of one input: as given, or that of the Linear layer which the module starts with.

    Raises:
        InputError: it is not known, or a layer is lazy and nothing has a shape yet.
    """
    refuse_lazy(module, source)
    if input_shape is not None:
        shape = (input_shape,) if isinstance(input_shape, int) else tuple(input_shape)
        if any(not isinstance(n, int) or n < 1 for n in shape):
            raise InputError(f"input_shape: expected positive whole numbers without the batch axis, got {input_shape}")
        return shape
    for part in module.modules():
        if next(part.children(), None) is not None or type(part).__name__ in _TRANSPARENT:
            continue
        if type(part).__name__ == "Linear":
            return (int(part.in_features),)
        break
    raise InputError(
        f"{source}: its input shape is not known; pass input_shape, without the batch axis, for example (3, 32, 32)"
    )


def _walk(exported: Exported, values: dict[Any, Any]) -> Network:
    """Translate the exported graph; `values` are those of its placeholders."""
    program, source = exported.program, exported.source
    net = Wiring(exported.inputs)
    problems: list[str] = []
    outputs: list[Any] = []
    blocks: dict[Any, range] = {}
    for node in program.graph.nodes:
        if node.op == "output":
            outputs = [values[a] if hasattr(a, "meta") else a for a in node.args[0]]
        elif node.op == "call_function":
            start = len(net.blocks)
            values[node] = _call(node, values, net, problems, source)
            blocks[node] = range(start, len(net.blocks))
    if problems:
        raise UnsupportedModelError(source, problems)
    mutated = [s for s in program.graph_signature.output_specs if s.kind.name != "USER_OUTPUT"]
    if mutated:
        raise InputError(f"{source}: the module changes its own buffers in eval mode, so it is no fixed function")
    if not all(isinstance(o, Var) for o in outputs) or not outputs:
        raise InputError(f"{source}: an output of the module is not read: it is a constant, or indices")
    kept = [k for node in leading_nodes(program.graph.nodes) for k in blocks.get(node, ())]
    return net.finish(np.concatenate([o.wires.ravel() for o in outputs]), kept=kept, source=source)


def leading_nodes(nodes: Any) -> set[Any]:
    """The nodes that lead to an output of the graph, whatever the weights on the way."""
    leading: set[Any] = set()
    for node in reversed(list(nodes)):
        if node.op == "output" or node in leading:
            operands = node.all_input_nodes
            leading.update(operands[:1] if operator_of(node) in _FIRST_ONLY else operands)
    return leading


def _placeholders(exported: Exported, module: Any) -> dict[Any, Any]:
    program = exported.program
    specs = {s.arg.name: s for s in program.graph_signature.input_specs}
    values: dict[Any, Any] = {}
    for node in program.graph.nodes:
        if node.op != "placeholder":
            continue
        spec = specs[node.name]
        if spec.kind.name == "USER_INPUT":
            wires = np.arange(exported.inputs, dtype=np.int64)
            values[node] = Var(wires.reshape(tuple(node.meta["val"].shape)))
        else:
            values[node] = weight_of(exported, module, spec.target).detach()
    return values


def weight_of(exported: Exported, module: Any, name: str) -> Any:
    """The tensor that the module has now under a qualified name; the exported one where it has no such attribute."""
    torch: Any = sys.modules["torch"]
    path, _, last = name.rpartition(".")
    try:
        found = getattr(module.get_submodule(path), last)
    except AttributeError:  # a constant that the forward pass makes, which export gives a name of its own
        found: Any = None
    program = exported.program
    kept = (program.constants if name in program.constants else program.state_dict)[name]
    return found if isinstance(found, torch.Tensor) and found.shape == getattr(kept, "shape", None) else kept


def operator_of(node: Any) -> str:
    """The operator's name without namespace and overload."""
    if node.target.__class__.__name__ == "builtin_function_or_method":
        return node.target.__name__
    name = str(getattr(node.target, "_schema", node.target)).split("(")[0].removeprefix("aten::").split(".")[0]
    return name.strip("<>")


def _layer(node: Any) -> str:
    """The submodule that a node is of, in words for a message; nothing where the graph does not say."""
    path, kind = next(reversed((node.meta.get("nn_module_stack") or {"": ("", "")}).values()))
    name = str(getattr(kind, "__name__", kind)).rpartition(".")[2]
    return f" of layer {path!r} ({name})" if path else ""


def _call(node: Any, values: dict[Any, Any], net: Wiring, problems: list[str], source: str) -> Any:
    operator = operator_of(node)
    label = f"node {node.name!r} ({operator})"
    handler: Callable[[TorchNode], Any] | None = HANDLERS.get(operator)

    def value(a: Any) -> Any:
        if hasattr(a, "meta") and a in values:
            return values[a]
        return type(a)(value(v) for v in a) if isinstance(a, list | tuple) else a

    args, kwargs = [value(a) for a in node.args], {k: value(v) for k, v in node.kwargs.items()}
    flat = [v for a in [*args, *kwargs.values()] for v in (a if isinstance(a, list | tuple) else [a])]
    try:
        if not any(isinstance(v, Var) or v is UNKNOWN for v in flat):
            return node.target(*args, **kwargs)
        if handler is None:
            last = any(user.op == "output" for user in node.users)
            raise Unsupported(reason(operator.lstrip("_").removesuffix("_"), last=last))
        if any(v is UNKNOWN for v in flat):
            if not problems:
                raise Unsupported("it uses an output, such as indices, that is no continuous function of the input")
            return UNKNOWN
        made = handler(
            TorchNode(net, node, operator.removesuffix("_") if operator[0] != "_" else operator, args, kwargs, label)
        )
        if isinstance(made, list):
            return [Var(np.asarray(m)) for m in made]
        return made if isinstance(made, Var) or made is UNKNOWN else Var(np.asarray(made))
    except Unsupported as problem:
        problems.append(f"{label}{_layer(node)}: {problem}")
        return UNKNOWN
    except LinregionsError as error:
        raise InputError(f"{source}: {error}") from error
    except Exception as error:
        text = " ".join(str(error).split())[:200]
        raise InputError(f"{source}: {label} cannot be read ({type(error).__name__}: {text})") from error

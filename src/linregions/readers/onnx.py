"""Reading ONNX models."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, LinregionsError, UnsupportedModelError
from ..network import Network
from .check import check, largest_of
from .graph import UNKNOWN, Unsupported, Var, reason
from .onnx_eval import evaluator, is_plain, run_node, run_plain
from .onnx_load import load_model, tensor_array
from .onnx_ops import HANDLERS, Node, check_growth
from .ops import check_elements
from .wiring import Wiring

_DOMAINS = ("", "ai.onnx")
_FLOATS = {1: "float32", 10: "float16", 11: "float64", 16: "bfloat16"}
# Constant subgraphs may use these; they are evaluated as ONNX does, in the types that the model names.
_FOLDED = """
    Constant ConstantOfShape Shape Size Gather GatherND GatherElements Unsqueeze Squeeze Concat Reshape Flatten Cast
    CastLike Range Slice Split Transpose Add Sub Mul Div Neg Abs Sqrt Pow Reciprocal Exp Log Floor Ceil Round Min Max
    Sum Equal Less Greater LessOrEqual GreaterOrEqual And Or Not Where Expand Tile Identity Dropout ReduceSum
    ReduceProd ReduceMax ReduceMin ReduceMean MatMul Gemm Relu Clip Pad Mod Sign
""".split()  # noqa: SIM905 - a column of fifty strings is harder to read
# Of these inputs only the shape, or the type, matters: their values do not lead to an output this way.
_VALUES = {"Shape": 0, "Size": 0, "CastLike": 1}
# A check on the reference implementation uses fewer inputs where a network has more weights than this.
_MANY_WEIGHTS = 20_000_000


def read_onnx(model: Any, *, source: str | None = None) -> Network:
    """Read an ONNX model as a network.

    The network is the real-valued function of the graph's weights; the batch axis (symbolic, or the first) counts as
    1, and input and outputs are flattened in C order (several of them one after the other).  Constant subgraphs are
    evaluated as ONNX does; the multiplier of a BatchNormalization is the float64 nearest to
    scale / sqrt(var + epsilon).

    Every unit with more than one piece of every node that leads to an output of the graph is a unit of the network,
    once and in the order of the node's flattened tensor, even where zero weights or a slice make no use of it.  Nodes
    that lead to no output are left out, and so are constant subgraphs.

    Args:
        model: the path of an `.onnx` file, or an `onnx.ModelProto` (which is not changed).
        source: the name that messages use.

    Returns:
        The network, checked against the model's own outputs on a few random inputs.

    Raises:
        UnsupportedModelError: some nodes are not piecewise linear or not known; it lists all of them.
        InputError: the file or the model is broken.

    Example:
        >>> from onnx import TensorProto, helper
        >>> x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, 2]) for n in "xy")
        >>> graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [x], [y])
        >>> read_onnx(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8))
        Network 2-2, 2 units with pieces (2 relu)
    """
    if isinstance(model, str | Path):
        path = Path(model)
        source = source or str(path)
        model = load_model(path)
    source = source or "ONNX model"
    reading = _Reading(model, source, _opset(model, source))
    reading.load()
    reading.walk()
    net = reading.finish()
    check(net, reading.evaluate(), reading.precision(), source=source, count=reading.checks(net))
    return net


def _opset(model: Any, source: str) -> int:
    version = next((o.version for o in model.opset_import if o.domain in _DOMAINS), 0)
    if version < 7:
        raise InputError(
            f"{source}: opset {version} is too old; convert the model to opset 7 or newer (onnx.version_converter)"
        )
    return int(version)


def attributes_of(node: Any, source: str) -> dict[str, Any]:
    """Attributes as Python values; tensors are checked before they are unpacked."""
    import onnx

    out = {}
    for attribute in node.attribute:
        if attribute.type == onnx.AttributeProto.TENSOR:
            out[attribute.name] = tensor_array(attribute.t, source)
        else:
            out[attribute.name] = onnx.helper.get_attribute_value(attribute)
    return out


def _size(value: Any) -> int:
    return value.wires.size if isinstance(value, Var) else np.size(value)


@dataclass(eq=False)
class _Reading:
    """One walk through a graph."""

    model: Any
    source: str
    opset: int
    values: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    types: dict[str, int] = field(default_factory=dict)
    net: Wiring = field(default_factory=lambda: Wiring(0))
    blocks: list[range] = field(default_factory=list)  # of every node

    def load(self) -> None:
        """Initializers become constants, inputs become wires."""
        graph = self.model.graph
        if graph.sparse_initializer:
            raise InputError(f"{self.source}: sparse initializers are not read; store them as dense tensors")
        used = {name for node in graph.node for name in node.input} | {o.name for o in graph.output}
        for tensor in graph.initializer:
            if tensor.name in used:
                self.values[tensor.name] = tensor_array(tensor, self.source)
        fixed = {tensor.name for tensor in graph.initializer}
        inputs = [i for i in graph.input if i.name not in fixed]
        if not inputs:
            raise InputError(f"{self.source}: the graph has no input; a network needs one")
        for value in inputs:
            self.shapes[value.name] = self._input_shape(value)
            self.types[value.name] = value.type.tensor_type.elem_type
        sizes = [math.prod(s) for s in self.shapes.values()]
        self.net = Wiring(sum(sizes))
        start = 0
        for (name, shape), size in zip(self.shapes.items(), sizes, strict=True):
            self.values[name] = Var(np.arange(start, start + size, dtype=np.int64).reshape(shape))
            start += size

    def _input_shape(self, value: Any) -> tuple[int, ...]:
        kind = value.type.tensor_type
        where = f"{self.source}: input {value.name!r}"
        if kind.elem_type not in _FLOATS:
            raise InputError(f"{where} has no floating-point type; a network takes real numbers")
        if not kind.HasField("shape"):
            raise InputError(f"{where} has no shape; give it one (onnx.shape_inference, or export again)")
        shape = []
        for axis, dim in enumerate(kind.shape.dim):
            fixed = dim.dim_value if dim.HasField("dim_value") else 0
            if fixed < 1 and axis > 0:
                raise InputError(
                    f"{where}: axis {axis} has no fixed size ({dim.dim_param or fixed}); fix it in the model"
                )
            shape.append(max(int(fixed), 1))
        check_elements(shape, where)
        return tuple(shape)

    def walk(self) -> None:
        """Translate every node; collect those that cannot be."""
        outputs = {o.name for o in self.model.graph.output}
        for k, node in enumerate(self.model.graph.node):
            start = len(self.net.blocks)
            made = self._node(node, k, last=any(name in outputs for name in node.output))
            self.blocks.append(range(start, len(self.net.blocks)))
            for name, value in zip(node.output, made, strict=False):
                if name:
                    self.values[name] = value
        if self.problems:
            raise UnsupportedModelError(self.source, self.problems)

    def _node(self, node: Any, k: int, *, last: bool) -> list[Any]:
        label = f"node {node.name!r}" if node.name else f"node {k + 1}"
        label += f" ({node.op_type})"
        unknown = [UNKNOWN] * len(node.output)
        missing = [name for name in node.input if name and name not in self.values]
        if missing:
            raise InputError(f"{self.source}: {label} takes {missing[0]!r}, which no earlier node makes")
        inputs = [self.values[name] if name else None for name in node.input]
        try:
            if node.domain not in _DOMAINS:
                raise Unsupported(f"operators of the domain {node.domain!r} are not known")
            variable = any(isinstance(v, Var) or v is UNKNOWN for v in inputs)
            if (variable and node.op_type not in HANDLERS) or (not variable and node.op_type not in _FOLDED):
                raise Unsupported(reason(node.op_type, last=last))
            if any(v is UNKNOWN for v in inputs):
                return unknown
            # Nodes that double their input could otherwise grow without end.
            check_elements([sum(_size(v) for v in inputs)], label)
            return self._translate(node, inputs, label) if variable else self._fold(node, inputs, label)
        except Unsupported as problem:
            self.problems.append(f"{label}: {problem}")
            return unknown
        except LinregionsError as error:
            text = str(error)
            raise InputError(text if text.startswith(self.source) else f"{self.source}: {text}") from error
        except Exception as error:  # A malformed node can fail anywhere below; the user gets one sentence all the same.
            text = " ".join(str(error).split())[:200]
            raise InputError(f"{self.source}: {label} cannot be read ({type(error).__name__}: {text})") from error

    def _translate(self, node: Any, inputs: list[Any], label: str) -> list[Any]:
        attributes = attributes_of(node, self.source)
        made = HANDLERS[node.op_type](Node(self.net, node, inputs, attributes, self.opset, label))
        if node.op_type in ("Shape", "Size"):
            return [made]
        return [Var(np.asarray(m)) for m in (made if isinstance(made, list) else [made])]

    def _fold(self, node: Any, inputs: list[Any], label: str) -> list[Any]:
        attributes = attributes_of(node, self.source)
        if node.op_type == "Constant" and "value" in attributes:
            return [attributes["value"]]
        if node.op_type == "Identity":
            return [inputs[0]]
        if node.op_type == "ConstantOfShape":
            check_elements([int(v) for v in np.ravel(inputs[0])], label)
        elif node.op_type in ("Expand", "Tile"):
            check_growth(node.op_type, np.shape(inputs[0]), inputs[1], label)
        elif node.op_type == "Range":
            check_elements([max(int((inputs[1] - inputs[0]) / inputs[2]), 0)], label)
        elif node.op_type == "Pad":
            pads = inputs[1] if len(inputs) > 1 else attributes.get("pads", [0])
            check_elements([s + int(np.sum(np.abs(pads))) for s in np.shape(inputs[0])], label)
        elif node.op_type in ("MatMul", "Gemm"):
            check_elements([*np.shape(inputs[0])[:-1], *np.shape(inputs[1])[-1:]], label)
        elif len(inputs) > 1 and node.op_type in ("Add", "Sub", "Mul", "Div", "Where", "Max", "Min", "Pow", "Sum"):
            check_elements(np.broadcast_shapes(*(np.shape(v) for v in inputs)), label)
        return run_node(node, {name: v for name, v in zip(node.input, inputs, strict=True) if name}, self.opset)

    def finish(self) -> Network:
        """The network from the inputs to the graph's outputs."""
        wires = []
        for output in self.model.graph.output:
            value = self.values.get(output.name)
            if value is None:
                raise InputError(f"{self.source}: no node makes the output {output.name!r}")
            wires.append(value.wires.ravel() if isinstance(value, Var) else self.net.constant(value).ravel())
        if not wires or not sum(len(w) for w in wires):
            raise InputError(f"{self.source}: the graph has no output; a network needs one")
        return self.net.finish(np.concatenate(wires), kept=self._leading(), source=self.source)

    def _leading(self) -> list[int]:
        """Blocks of the nodes that lead to an output of the graph, whatever the weights on the way."""
        wanted, kept = {o.name for o in self.model.graph.output}, []
        for node, blocks in zip(reversed(self.model.graph.node), reversed(self.blocks), strict=True):
            if any(name and name in wanted for name in node.output):
                kept.extend(blocks)
                wanted.update(node.input[: _VALUES.get(node.op_type)])
        return kept

    def precision(self) -> str:
        """The coarsest floating-point type in which the model calculates."""
        kinds = set(self.types.values()) | {t.data_type for t in self.model.graph.initializer}
        kinds |= {a.i for n in self.model.graph.node if n.op_type == "Cast" for a in n.attribute if a.name == "to"}
        return next(_FLOATS[k] for k in (16, 10, 1, 11) if k in kinds)

    def checks(self, net: Network) -> int:
        """Number of inputs to compare: few where the reference implementation is slow."""
        weights = sum(s.weight.nnz if hasattr(s.weight, "nnz") else s.weight.size for s in net.stages)
        return 2 if weights > _MANY_WEIGHTS else 5

    def evaluate(self):
        """The model as a function from one flat input to the flat outputs and the largest value on the way."""
        import onnx

        graph, plain = self.model.graph, is_plain(self.model.graph, self.opset)
        reference = None if plain else evaluator(self.model, self.opset)
        constants = {t.name: self.values[t.name] for t in graph.initializer if t.name in self.values}

        def run(x: np.ndarray) -> tuple[np.ndarray, float]:
            feeds, start = {}, 0
            for name, shape in self.shapes.items():
                kind = onnx.helper.tensor_dtype_to_np_dtype(self.types[name])
                feeds[name] = x[start : start + math.prod(shape)].reshape(shape).astype(kind)
                start += math.prod(shape)
            try:
                with np.errstate(all="ignore"):
                    if reference is not None:
                        results = reference.run(None, feeds, intermediate=True)
                    else:
                        results = run_plain(graph, {**constants, **feeds}, lambda n: attributes_of(n, self.source))
            except Exception as error:
                text = " ".join(str(error).split())[:200]
                raise InputError(f"{self.source}: the model cannot be evaluated for the check ({text})") from error
            outputs = [np.asarray(results[o.name], dtype=np.float64).ravel() for o in graph.output]
            made = [results[name] for node in graph.node for name in node.output if name in results]
            return np.concatenate(outputs), largest_of(made)

        return run

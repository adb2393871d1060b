"""Reading a torch module again and again while its weights change: the graph is exported once."""

from __future__ import annotations

import math
from typing import Any

from ..errors import InputError, UnsupportedModelError
from ..network import Network
from .torch import Exported, compare, evaluating, export, input_shape_of, interpret
from .torch_plain import plain_layers, plain_network

# Attributes with these values decide what a layer does (a stride, a slope, an eps) and are compared by value.
_PLAIN = (bool, int, float, complex, str, bytes, type(None))
# A longer list or dict is data that the module carries along; looking through it would take longer than reading.
_LARGE = 64


class LiveReader:
    """Reads a module as `read_torch` does, but exports its graph only when its structure has changed.

    Each `read` takes the weights that the module has at that moment, by their qualified names, and gives the same
    network as `read_torch` gives, number by number.  The structure is: the submodules, their types and plain
    attributes, and the names, shapes and types of parameters and buffers.  What a forward pass takes from elsewhere is
    frozen in the graph, as it is by `torch.export`; if the outputs then differ from the module's, the graph is
    exported anew.  Chains of linear layers and ReLUs need no graph.

    Args:
        module: the module; another one may be given to `read`, such as a copy.
        input_shape: shape of one input without the batch axis; needed unless the module starts with a Linear layer.
        source: the name that messages use; the class name by default.

    Example:
        >>> import torch
        >>> module = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Hardtanh(), torch.nn.Linear(3, 1))
        >>> reader = LiveReader(module)
        >>> reader.read()
        Network 2-3-1, 3 units with pieces (3 clip)
        >>> _ = torch.nn.init.constant_(module[2].bias, 5.0)
        >>> reader.read().stages[-1].bias.tolist(), reader.exports
        ([5.0], 1)
    """

    def __init__(self, module: Any, *, input_shape: tuple[int, ...] | None = None, source: str | None = None):
        self.module = module
        self.source = source or type(module).__name__
        self.input_shape = input_shape_of(module, input_shape, self.source)
        self.exports = 0
        self._exported: Exported | None = None
        self._structure: Any = None
        self._unproven = True  # whether no network of this graph has been compared with the module yet

    def read(self, module: Any = None) -> Network:
        """The network with the weights of this moment.

        Raises:
            UnsupportedModelError: some operations are not piecewise linear or not known; it lists all of them.
            InputError: the module cannot be exported, or a weight is not finite.
        """
        module = self.module if module is None else module
        layers = plain_layers(module, self.input_shape)
        net = None if layers is None else plain_network(layers, self.source)
        if net is not None:
            return net
        with evaluating(module):
            exported = self.exported(module)
            fresh = self._unproven
            try:
                return self._net(exported, module)
            except UnsupportedModelError:
                raise
            except InputError:
                if fresh:
                    raise
            self._exported = None
            return self._net(self.exported(module), module)

    def exported(self, module: Any = None) -> Exported:
        """The graph of the module, exported now if there is none of its structure yet."""
        module = self.module if module is None else module
        structure = _structure(module)
        if self._exported is None or structure != self._structure:
            with evaluating(module):
                self._exported = export(module, self.input_shape, self.source)
            self.exports += 1
            self._unproven = True
            # Taken again: a layer may set attributes of its own in its first forward pass.
            self._structure = _structure(module)
        return self._exported

    def matrix_entries(self, module: Any = None) -> int:
        """About how many numbers the matrices of the network will hold, from the shapes in the graph alone.

        A convolution has its kernel once for every place of its output, a product its weight once for every row; what
        is only moved, added or bent counts once.
        """
        module = self.module if module is None else module
        layers = plain_layers(module, self.input_shape)
        if layers is not None:
            return sum(layer.in_features * layer.out_features for layer, _ in layers)
        with evaluating(module):
            program = self.exported(module).program
        return sum(_entries(node) for node in program.graph.nodes if node.op == "call_function")

    def _net(self, exported: Exported, module: Any) -> Network:
        net = interpret(exported, module)
        # A graph that has been right before is asked again for what may have changed outside of the weights.
        compare(net, exported, module, count=5 if self._unproven else 2)
        self._unproven = False
        return net


def _entries(node: Any) -> int:
    """Numbers in the matrix of one call."""
    shapes = [getattr(a.meta.get("val"), "shape", None) for a in node.all_input_nodes]
    made = node.meta.get("val")
    made = made[0] if isinstance(made, list | tuple) and made else made
    size = math.prod(getattr(made, "shape", ()))
    name = str(node.target)
    if "conv" in name and len(shapes) > 1 and shapes[1]:
        return size * math.prod(shapes[1][1:])  # a row for every number made, an entry for every weight of its channel
    if any(word in name for word in ("linear", "addmm", "mm", "matmul")) and len(shapes) > 1 and shapes[0]:
        return size * max(1, shapes[0][-1])
    return size


def _structure(module: Any) -> tuple[Any, ...]:
    """What the graph of a module depends on, apart from the weights' values."""
    found = []
    for name, part in module.named_modules(remove_duplicate=False):
        tensors = [
            (key, None if t is None else (t.shape, t.dtype, t.device))
            for table in (part._parameters, part._buffers)
            for key, t in table.items()
        ]
        plain = [(key, _key(value)) for key, value in vars(part).items() if key not in _INNER]
        found.append((name, type(part), tensors, plain))
    return tuple(found)


# What torch keeps in every module, and what reading changes itself.
_INNER = frozenset({"training", "_parameters", "_buffers", "_modules", "_linregions_measures_it"})


def _key(value: Any, depth: int = 3) -> Any:
    """An attribute's value where it is plain, and which object it is where it is not, or where it is large."""
    if isinstance(value, _PLAIN):
        return type(value), value
    if isinstance(value, tuple | list | set | frozenset | dict) and depth and len(value) <= _LARGE:
        items = value.items() if isinstance(value, dict) else value
        return type(value), tuple(_key(v, depth - 1) for v in items)
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if shape is not None and dtype is not None:  # a tensor that is no buffer; the graph looks it up by name
        return type(value), tuple(shape), str(dtype)
    return type(value), id(value)

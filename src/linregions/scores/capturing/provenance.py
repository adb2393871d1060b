"""Which tensors of a forward pass depend on the inputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..needs import StorageWeakRef, torch

Tensor = torch.Tensor


def tensors_in(values: Iterable[Any]) -> Iterator[Tensor]:
    """The tensors among an operation's arguments or results, lists and tuples searched too."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from tensors_in(value)


class Provenance:
    """The storages that hold something computed from the inputs.

    A result depends on the inputs if one of the operation's tensors does. Uninitialised memory counts as dependent: a
    foreign kernel may fill it. A storage is followed as a whole, so that views share what is known of them.
    """

    def __init__(self) -> None:
        # The weak references keep an address from being given to another storage; they keep no data alive.
        self._marked: dict[int, StorageWeakRef] = {}
        self._traits: dict[int, tuple[bool, bool]] = {}  # by operation: makes memory, writes to its arguments

    def mark(self, tensors: Iterable[Tensor]) -> None:
        """Take these tensors as computed from the inputs."""
        for tensor in tensors:
            storage = _storage(tensor)
            if storage is not None and storage._cdata not in self._marked:
                self._marked[storage._cdata] = StorageWeakRef(storage)

    def depends(self, tensors: Iterable[Tensor]) -> bool:
        """Whether one of these tensors is computed from the inputs."""
        for tensor in tensors:
            storage = _storage(tensor)
            if storage is None or storage._cdata in self._marked:
                return True
        return False

    def pass_on(self, sources: Iterable[Any], result: Any) -> bool:
        """Mark the result if one of the sources depends on the inputs; whether it was so."""
        dependent = self.depends(tensors_in(sources))
        if dependent:
            self.mark((result,) if isinstance(result, Tensor) else tensors_in((result,)))
        return dependent

    def follow(self, operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        """Take one finished operation into account."""
        traits = self._traits.get(id(operation))
        if traits is None:
            schema = operation._schema
            traits = self._traits[id(operation)] = "empty" in schema.name, schema.is_mutable
        makes, writes = traits
        if makes:
            self.mark(tensors_in((result,)))
        elif self.pass_on((*args, *kwargs.values()) if kwargs else args, result) and writes:
            self.mark(tensors_in(_written(operation, args, kwargs)))


def _written(operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[Any]:
    """The arguments that the operation writes to."""
    for position, argument in enumerate(operation._schema.arguments):
        if argument.alias_info is not None and argument.alias_info.is_write:
            yield args[position] if position < len(args) else kwargs.get(argument.name)


def _storage(tensor: Tensor) -> Any:
    """The storage; None for a tensor that has none (sparse ones), which counts as dependent."""
    try:
        return tensor.untyped_storage()
    except (NotImplementedError, RuntimeError):
        return None

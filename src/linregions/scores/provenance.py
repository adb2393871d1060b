"""Which tensors of a forward pass depend on the inputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from torch.multiprocessing.reductions import StorageWeakRef

from .needs import torch

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

    def mark(self, tensors: Iterable[Tensor]) -> None:
        """Take these tensors as computed from the inputs."""
        for tensor in tensors:
            if (address := _address(tensor)) not in self._marked and address:
                self._marked[address] = StorageWeakRef(tensor.untyped_storage())

    def depends(self, tensors: Iterable[Tensor]) -> bool:
        """Whether one of these tensors is computed from the inputs."""
        marked = self._marked
        return any(not (address := _address(tensor)) or address in marked for tensor in tensors)

    def follow(self, operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
        """Take one finished operation into account."""
        dependent = self.depends(tensors_in(args)) or (bool(kwargs) and self.depends(tensors_in(kwargs.values())))
        if dependent or "empty" in operation._schema.name:
            self.mark(tensors_in((result,)))
            if operation._schema.is_mutable:
                self.mark(tensors_in(_written(operation, args, kwargs)))


def _written(operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[Any]:
    """The arguments that the operation writes to."""
    for position, argument in enumerate(operation._schema.arguments):
        if argument.alias_info is not None and argument.alias_info.is_write:
            yield args[position] if position < len(args) else kwargs.get(argument.name)


def _address(tensor: Tensor) -> int:
    """The address of the storage; 0 for a tensor that has none (sparse ones), which counts as dependent."""
    try:
        return tensor.untyped_storage()._cdata
    except (NotImplementedError, RuntimeError):
        return 0

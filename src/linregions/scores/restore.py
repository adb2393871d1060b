"""A model and the random state as they were, whatever a score did to them."""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from threading import get_ident
from typing import Any

import numpy as np

from ..checks import shown
from ..errors import InputError
from ..readers.torch_plain import refuse_lazy
from .interrupts import deferred
from .needs import nn, torch
from .walk import Named, named_modules

Tensor = torch.Tensor

# Most attributes are of these types; asking for the type itself is faster than for its parents.
_NO_CONTAINERS = frozenset({bool, int, float, str, tuple, type(None)})
_NO_TENSORS = _NO_CONTAINERS | {dict, OrderedDict, list, set}
_CONTAINERS = (dict, list, set)

MODES = ("auto", "train", "eval", "keep")

_CLAIM = "_linregions_measures_it"  # the attribute of a model that says who has it


@contextmanager
def unchanged(model: nn.Module, *, parameters: bool = True, named: Named | None = None) -> Iterator[nn.Module]:
    """Inside the `with` block anything may happen to the model; afterwards it is what it was, bit for bit.

    Given back, after errors and Ctrl-C too: the values of the parameters and buffers (the very tensors, where `forward`
    assigns new ones), devices and types, gradients, `requires_grad`, training flags, hooks, and the plain attributes of
    every module; and the state of the global random generators of torch (CPU, CUDA), numpy and Python.
    Inside the block every `.grad` is None: the gradients are put aside and not copied.

    What a module keeps deeper than one level (a tensor in a list in a dict) or outside itself is beyond reach.
    Ctrl-C is held back while tensors are saved and put back; within the block it waits for the next module that is
    called, or for the end.  One thread at a time may have the model; models that share modules are not told apart.

    Args:
        model: the module.
        parameters: whether the parameters' values may change inside the block; False saves the copy of them.
        named: the model's modules, if they are known already.

    Raises:
        InputError: the model has a lazy module that has not seen an input yet, or another thread has the model.

    Example:
        >>> import torch
        >>> net = torch.nn.BatchNorm1d(2)
        >>> with unchanged(net):
        ...     _ = net(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
        >>> net.running_mean
        tensor([0., 0.])
    """
    if not isinstance(model, nn.Module):
        raise InputError(f"model: expected a torch module, got {shown(model)}")
    named = named_modules(model) if named is None else named
    refuse_lazy(model, named=named)
    every = [module for _, module in named]
    with deferred() as signals, ExitStack() as stack:
        _claim(model, stack)
        stack.callback(_undo_random_state())
        stack.callback(_undo_attributes(every))
        _save_tensors(every, parameters, stack)
        if signals is not None:
            stack.callback(signals.close)
        yield model


def set_mode(model: nn.Module, mode: str = "auto", *, named: Named | None = None) -> None:
    """Set every module's training flag.

    Args:
        model: the module.
        mode: "auto": as for evaluation (no dropout, no noise), but batch and instance normalisation use the statistics
            of the batch itself, since those of an untrained network are not its own; "train"; "eval"; "keep" changes
            nothing.
        named: the model's modules, if they are known already.

    Example:
        >>> import torch
        >>> net = torch.nn.Sequential(torch.nn.BatchNorm1d(2), torch.nn.Dropout())
        >>> set_mode(net, "auto")
        >>> [module.training for module in net]
        [True, False]
    """
    if mode not in MODES:
        raise InputError(f"mode: {shown(mode)} is not one of {', '.join(MODES)}")
    if mode == "keep":
        return
    every = [module for _, module in (named_modules(model) if named is None else named)]
    if any(_changes_modes_itself(module) for module in every):
        model.train() if mode == "train" else model.eval()
    else:
        for module in every:
            if module.training is not (mode == "train"):
                module.training = mode == "train"
    if mode == "auto":
        for module in every:
            if isinstance(module, nn.modules.batchnorm._NormBase):
                module.training = True


def _changes_modes_itself(module: nn.Module) -> bool:
    kind = type(module)
    own = kind.train is not nn.Module.train or kind.eval is not nn.Module.eval
    return own or "train" in vars(module) or "eval" in vars(module)


def seed_all(seed: int) -> None:
    """Seed what dropout and the like draw from, on the CPU and on every GPU in use; `unchanged` brings it all back."""
    # Not torch.manual_seed: where CUDA has not been used yet that leaves an order for later, which nobody takes back.
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(seed)


def _claim(model: nn.Module, stack: ExitStack) -> None:
    """Make the model this thread's until the stack ends."""
    mine = get_ident(), object()
    holder = vars(model).setdefault(_CLAIM, mine)  # one step: two threads cannot both find it free
    if holder is mine:
        stack.callback(vars(model).pop, _CLAIM, None)
    elif holder[0] != mine[0]:
        raise InputError(
            f"model: another thread is measuring this {type(model).__name__}; give each thread a copy of its own"
        )


def _undo_random_state() -> Any:
    ours = torch.get_rng_state(), random.getstate(), np.random.get_state()  # noqa: NPY002 (others draw from it)
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None

    def undo() -> None:
        torch.set_rng_state(ours[0])
        random.setstate(ours[1])
        np.random.set_state(ours[2])  # noqa: NPY002
        if cuda is not None:
            torch.cuda.set_rng_state_all(cuda)
        elif torch.cuda.is_initialized():  # first used inside the block: the generators were at their start
            for generator in torch.cuda.default_generators:
                generator.manual_seed(generator.initial_seed())

    return undo


def _save_tensors(every: Sequence[nn.Module], parameters: bool, stack: ExitStack) -> None:
    """Have contents, storage, `requires_grad` and gradients of parameters, buffers and tensor attributes put back."""
    copies: dict[int, tuple[Any, Any]] = {}  # by storage: tied and overlapping tensors are copied once
    kept: list[tuple[Tensor, Tensor, bool, Tensor | None]] = []

    def undo() -> None:
        with torch.no_grad():
            for tensor, data, requires_grad, grad in kept:
                if not _same_memory(tensor, data):
                    tensor.data = data
                if tensor.is_leaf:
                    if tensor.requires_grad is not requires_grad:
                        tensor.requires_grad_(requires_grad)
                    if tensor.grad is not grad:
                        tensor.grad = grad
            for whole, copy in copies.values():
                whole.copy_(copy)

    stack.callback(undo)  # before the first change: the memory for the copies may not suffice
    weights = {id(p) for module in every for p in module._parameters.values()}
    for tensor in _own_tensors(every):
        leaf = tensor.is_leaf
        if parameters and tensor.is_inference():
            raise InputError(
                "model: it was made within torch.inference_mode, so that its weights cannot be changed; "
                "make it outside, or score the weights that it has"
            )
        kept.append((tensor, tensor.data, tensor.requires_grad, tensor.grad if leaf else None))
        if leaf and kept[-1][3] is not None:
            tensor.grad = None
        if parameters or id(tensor) not in weights:
            key, whole = _contents_of(tensor)
            if key not in copies:
                copies[key] = whole, whole.clone()


def _own_tensors(every: Sequence[nn.Module]) -> list[Tensor]:
    found: dict[int, Tensor] = {}
    for module in every:
        for values in (module._parameters, module._buffers, vars(module)):
            for value in values.values():
                if type(value) not in _NO_TENSORS and isinstance(value, Tensor):
                    found[id(value)] = value
    return list(found.values())


def _contents_of(tensor: Tensor) -> tuple[int, Any]:
    """A key of what holds the numbers, and that thing: all of the storage, which other tensors may show parts of."""
    data = tensor.data
    if tensor.layout is not torch.strided:
        return id(tensor), data  # sparse ones have no storage
    storage = tensor.untyped_storage()
    # A tensor that shows its storage as it lies is copied several times faster than the storage.
    plain = data.is_contiguous() and storage.nbytes() == data.numel() * data.element_size()
    return storage._cdata, data if plain else storage


def _same_memory(one: Tensor, other: Tensor) -> bool:
    if one.layout is not torch.strided or other.layout is not torch.strided:
        return False
    # `other` keeps its memory alive: nothing else can lie at its address.
    if one.device.type == "cpu" == other.device.type and one.dtype == other.dtype:
        return one.is_set_to(other)
    return (
        one.data_ptr() == other.data_ptr()
        and one.shape == other.shape
        and one.stride() == other.stride()
        and one.dtype == other.dtype
        and one.untyped_storage()._cdata == other.untyped_storage()._cdata
    )


def _undo_attributes(every: Sequence[nn.Module]) -> Any:
    """Put plain attributes back: flags, hooks, the tables of parameters, buffers and submodules, lists and dicts."""
    kept = [(module, type(module), module.training, dict(vars(module)), *_filled(module)) for module in every]

    def undo() -> None:
        for module, kind, training, attributes, empty, filled in kept:
            if type(module) is not kind:
                module.__class__ = kind
            now = vars(module)
            if now.keys() != attributes.keys():
                for name in now.keys() - attributes.keys():
                    del now[name]
            now.update(attributes)
            for container in empty:
                if container:
                    container.clear()
            for container, items in filled:
                _refill(container, items)
            if module.training != training:
                module.training = training  # a scripted module keeps it elsewhere

    return undo


def _filled(module: nn.Module) -> tuple[list[Any], list[tuple[Any, Any]]]:
    """The containers among a module's attributes: those with nothing in them, and the others with a copy of it."""
    values = vars(module).values()
    containers = [v for v in values if type(v) not in _NO_CONTAINERS and isinstance(v, _CONTAINERS)]
    return [c for c in containers if not c], [(c, c.copy()) for c in containers if c]


def _refill(container: Any, items: Any) -> None:
    if isinstance(container, list):
        container[:] = items
    else:
        container.clear()
        container.update(items)

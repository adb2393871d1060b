"""A batch out of a data loader: some of its batches, or some samples of every class."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ...checks import plural, shown, whole_number
from ...errors import InputError
from ..needs import torch
from .measure import Inputs, map_inputs

KINDS = ("random", "grasp")


def load(dataloader: Iterable[Any], dataload_info: Any) -> tuple[Inputs, Any]:
    """Inputs and targets from a loader, as the zero-cost suites take them; reads no further than needed.

    Args:
        dataloader: any iterable of pairs (inputs, targets); inputs are a tensor, or a tuple or dict of tensors.
        dataload_info: (kind, n, n_classes). "random": the first n batches as they come, whatever n_classes; the loader
            does the shuffling. "grasp": the first n samples of each of the classes 0..n_classes-1, class after class.

    Returns:
        (inputs, targets), samples along the first axis.

    Raises:
        InputError: the loader ends too early, or its batches or labels are not what was said.
    """
    if not isinstance(dataload_info, tuple | list) or len(dataload_info) != 3 or dataload_info[0] not in KINDS:
        raise InputError(
            'dataload_info must be ("random", batches, classes) or ("grasp", samples per class, classes), '
            f"got {shown(dataload_info)}"
        )
    if isinstance(dataloader, torch.Tensor | Mapping | str) or not isinstance(dataloader, Iterable):
        raise InputError(f"dataloader must be an iterable of pairs (inputs, targets), got {shown(dataloader)}")
    kind, n, classes = dataload_info
    n = whole_number(n, f"dataload_info: the number of {'batches' if kind == 'random' else 'samples per class'}")
    if kind == "random":
        parts = _first_batches(dataloader, n)
    else:
        parts = _by_class(dataloader, n, whole_number(classes, "dataload_info: the number of classes"))
    return _joined([x for x, _ in parts]), torch.cat([y for _, y in parts])


def _pairs(dataloader: Iterable[Any]) -> Iterator[tuple[Inputs, Any]]:
    for k, batch in enumerate(dataloader):
        if not isinstance(batch, tuple | list) or len(batch) != 2:
            raise InputError(f"dataloader: batch {k} must be a pair (inputs, targets), got {shown(batch)}")
        x, y = batch
        x = tuple(x) if isinstance(x, list) else x
        yield map_inputs(x, torch.as_tensor), torch.as_tensor(y)


def _first_batches(dataloader: Iterable[Any], n: int) -> list[tuple[Inputs, Any]]:
    found = []
    for pair in _pairs(dataloader):
        found.append(pair)
        if len(found) == n:
            return found
    raise InputError(
        f"dataloader: it ended after {plural(len(found), 'batch', 'batches')} and {n} were asked for; "
        "ask for fewer, or pass the loader itself and not an iterator that is used up"
    )


def _by_class(dataloader: Iterable[Any], n: int, classes: int) -> list[tuple[Inputs, Any]]:
    found: list[list[tuple[Inputs, Any]]] = [[] for _ in range(classes)]
    missing = n * classes
    for x, y in _pairs(dataloader):
        for s, label in enumerate(_labels(y)):
            if not 0 <= label < classes:
                raise InputError(f"dataloader: label {label} is none of the {plural(classes, 'class', 'classes')}")
            if len(found[label]) < n:
                found[label].append((map_inputs(x, lambda t, s=s: t[s : s + 1]), y[s : s + 1]))
                missing -= 1
        if not missing:
            return [pair for pairs in found for pair in pairs]
    short = next(c for c, pairs in enumerate(found) if len(pairs) < n)
    raise InputError(
        f"dataloader: it ended with {len(found[short])} of {plural(n, 'sample')} of class {short}; "
        "ask for fewer samples per class, or pass the loader itself and not an iterator that is used up"
    )


def _labels(y: Any) -> list[int]:
    if y.ndim != 1 or y.is_floating_point():
        raise InputError(
            f'dataloader: "grasp" needs one whole-number label a sample, got targets of shape {tuple(y.shape)} and '
            f'type {y.dtype}; use "random"'
        )
    return y.tolist()


def _joined(parts: list[Inputs]) -> Inputs:
    first = parts[0]
    if isinstance(first, Mapping):
        return {name: torch.cat([p[name] for p in parts]) for name in first}
    if isinstance(first, tuple):
        return tuple(torch.cat(tensors) for tensors in zip(*parts, strict=True))
    return torch.cat(parts)

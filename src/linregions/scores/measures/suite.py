"""The calls of suites of zero-cost proxies: `swap` as one measure among theirs, `find_measures` for all of ours."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ...checks import shown, whole_number
from ...errors import InputError
from ..needs import torch
from .flow import synflow
from .gradients import jacobian_covariance, loss_measures
from .loading import load
from .measure import CONTROL, HIGHER, Inputs, UndefinedMeasureError, as_call
from .products import trace
from .sizes import parameters


@dataclass(frozen=True)
class MeasureInfo:
    """What a name in `find_measures` stands for.

    Attributes:
        meaning: in a few words.
        direction: what more of it means.
        needs: of the caller: "inputs", "floating-point inputs", "activations" in the model, "targets" and "loss".
    """

    meaning: str
    direction: str
    needs: tuple[str, ...] = ()


_PATTERNS = ("inputs", "activations")
_LOSS = ("inputs", "targets", "loss")
MEASURES = MappingProxyType(
    {
        "swap": MeasureInfo("distinct sample-wise activation patterns, one for each unit", HIGHER, _PATTERNS),
        "standard": MeasureInfo("distinct standard activation patterns, one for each sample", HIGHER, _PATTERNS),
        "nwot": MeasureInfo("log|det| of the kernel of agreeing activations, -inf if singular", HIGHER, _PATTERNS),
        "units": MeasureInfo("activations per sample", CONTROL, _PATTERNS),
        "params": MeasureInfo("parameters", CONTROL),
        "flops": MeasureInfo("floating-point operations per sample", CONTROL, ("inputs",)),
        "depth": MeasureInfo("products on the longest path", CONTROL, ("inputs",)),
        "synflow": MeasureInfo("flow through absolute weights", HIGHER, ("floating-point inputs",)),
        "jacob_cov": MeasureInfo("uncorrelated input Jacobians", HIGHER, ("floating-point inputs",)),
        "grad_norm": MeasureInfo("norms of the loss's gradients, summed over weights", HIGHER, _LOSS),
        "snip": MeasureInfo("|weight x gradient| of the loss, summed", HIGHER, _LOSS),
    }
)


def swap(
    net: Any,
    inputs: Inputs,
    targets: Any = None,
    loss_fn: Any = None,
    split_data: int = 1,
) -> float:
    """SWAP-Score as a measure for suites of zero-cost proxies: the number of distinct sample-wise patterns.

    The network is scored with the weights that it has, in one pass, without a size term; labels and loss play no part.
    Normalisation uses the batch's statistics, dropout is off. Everything else is in `swap_score`.

    Args:
        net: a torch.nn.Module; it comes back as it was.
        inputs: a tensor or array (S, ...), a tuple of them (positional) or a dict of them (by keyword).
        targets: not used.
        loss_fn: not used.
        split_data: 1. A unit's pattern spans the whole batch, and normalisation takes its statistics from the whole
            batch, so parts would give another number; suites that retry in parts when memory runs out get told.

    Returns:
        The score; higher is better.

    Raises:
        InputError: `split_data` is not 1, or whatever `swap_score` refuses.

    Example:
        >>> import torch
        >>> net = torch.nn.Sequential(torch.nn.Linear(1, 2, bias=False), torch.nn.ReLU())
        >>> _ = torch.nn.init.constant_(net[0].weight, 1.0)
        >>> swap(net, torch.tensor([[-1.0], [2.0]]))   # two units, one pattern
        1.0
    """
    from ..scoring.score import swap_score

    if whole_number(split_data, "split_data") > 1:
        raise InputError(
            f"split_data must be 1 for swap, got {split_data}: a pattern spans the whole batch; "
            "take fewer samples instead"
        )
    return float(swap_score(net, inputs, repeats=1, companions=False).value)


def find_measures(
    net: Any,
    dataloader: Iterable[Any],
    dataload_info: tuple[str, int, int | None],
    device: Any = None,
    loss_fn: Callable[[Any, Any], Any] | None = None,
    measure_names: Sequence[str] | None = None,
    *,
    output: Callable[[Any], Any] | None = None,
    mode: str = "auto",
    undefined: str = "raise",
    seed: int = 0,
) -> dict[str, float]:
    """Measures of an untrained network on one batch, by name, as suites of zero-cost proxies call for them.

    The network keeps its weights and comes back as it was. Measures that share a pass are taken in one: swap, standard,
    nwot and units; flops and depth; grad_norm and snip. Each number is what its own function gives.

    Args:
        net: a torch.nn.Module.
        dataloader: any iterable of pairs (inputs, targets); it is read no further than needed.
        dataload_info: ("random", n, classes) takes the first n batches, ("grasp", n, classes) the first n samples of
            each class.
        device: where to run; None for where the network is.
        loss_fn: `loss_fn(output, targets)`, one number; cross-entropy, mean over the batch, by default.
        measure_names: names in `MEASURES`, which says the direction of each and what it needs. None for all; on inputs
            of whole numbers (tokens) all but synflow and jacob_cov.
        output: picks the tensor for loss and derivatives, where the network returns several.
        mode: "auto" (batch norms use this batch's statistics, no dropout), "train", "eval" or "keep".
        undefined: "raise" where a measure has no value for this network, such as a correlation with a constant row;
            "nan" gives NaN for that measure. Other errors are raised in any case.
        seed: of what the network draws in its forward.

    Returns:
        A dict from name to number, in the order of `measure_names`.

    Raises:
        InputError: a name is unknown, the loader ends too early, or a measure cannot be taken.

    Example:
        >>> import torch
        >>> net = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU(), torch.nn.Linear(3, 2))
        >>> loader = [(torch.rand(8, 4), torch.arange(8) % 2)]
        >>> find_measures(net, loader, ("random", 1, 2), measure_names=["params", "flops", "depth"])
        {'params': 23.0, 'flops': 36.0, 'depth': 2.0}
    """
    if undefined not in ("raise", "nan"):
        raise InputError(f"undefined must be raise or nan, got {shown(undefined)}")
    names = None if measure_names is None else _known(measure_names)
    inputs, targets = load(dataloader, dataload_info)
    if names is None:
        names = [
            name for name, info in MEASURES.items() if "floating-point inputs" not in info.needs or _floats(inputs)
        ]
    common = {"device": device, "seed": seed}
    of_loss = {"targets": targets, "loss_fn": loss_fn, "output": output, "mode": mode, **common}
    passes: list[tuple[tuple[str, ...], Callable[[list[str]], Sequence[float]]]] = [
        (("swap", "standard", "nwot", "units"), lambda some: _patterns(some, net, inputs, mode=mode, **common)),
        (("params",), lambda _: [parameters(net)]),
        (("flops", "depth"), lambda some: _products(some, net, inputs, device)),
        (("synflow",), lambda _: [synflow(net, inputs, output=output, **common).value]),
        (("jacob_cov",), lambda _: [jacobian_covariance(net, inputs, output=output, mode=mode, **common).value]),
        (("grad_norm", "snip"), lambda some: [m.value for m in loss_measures(some, net, inputs, **of_loss)]),
    ]
    values: dict[str, float] = {}
    for group, take in passes:
        some = [name for name in group if name in names]
        if not some:
            continue
        try:
            values.update(zip(some, map(float, take(some)), strict=True))
        except UndefinedMeasureError:
            if undefined == "raise":
                raise
            values.update(dict.fromkeys(some, math.nan))
    return {name: values[name] for name in names}


def _known(measure_names: Sequence[str]) -> list[str]:
    names = [measure_names] if isinstance(measure_names, str) else list(measure_names)
    unknown = [shown(name) for name in names if name not in MEASURES]
    if unknown or not names:
        which = f"{', '.join(unknown)} {'is' if len(unknown) == 1 else 'are'} unknown" if unknown else "there are none"
        raise InputError(f"measure_names: {which}; choose from {', '.join(MEASURES)}")
    return list(dict.fromkeys(names))


def _floats(inputs: Inputs) -> bool:
    args, kwargs = as_call(inputs)
    return all(torch.as_tensor(x).is_floating_point() for x in (*args, *kwargs.values()))


def _patterns(names: list[str], net: Any, inputs: Inputs, **options: Any) -> list[float]:
    from ..scoring.score import swap_score

    companions = "standard" in names or "nwot" in names
    score: Any = swap_score(net, inputs, repeats=1, companions=companions, **options)
    return [score.value if name == "swap" else getattr(score, name) for name in names]


def _products(names: list[str], net: Any, inputs: Inputs, device: Any) -> list[float]:
    done = trace(net, inputs, device=device)
    return [done.flops / done.samples if name == "flops" else done.depth for name in names]

"""The SWAP-Score of a network: how many different sample-wise activation patterns its units show."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...checks import seed_number, shown, whole_number
from ...errors import InputError
from ...network import Network
from .record import Score, summarise
from .regularise import regularisation

INDICATORS = ("positive", "sign", "piece")
INITS = ("keep", "gaussian", "default")
MODES = ("auto", "train", "eval", "keep")
REPEATS = 8


def swap_score(
    model: Any,
    inputs: Any,
    *,
    regularised: bool = False,
    mu: float | None = None,
    sigma: float | None = None,
    unit: str = "kparams",
    repeats: int | None = None,
    init: str | Callable[[Any, Any], Any] = "keep",
    mode: str = "auto",
    indicator: str = "positive",
    max_pool: bool = False,
    also: Sequence[type | str] = (),
    batch_dim: int | tuple[int, int] = 0,
    companions: bool = True,
    method: str = "auto",
    eps: float | None = None,
    seed: int = 0,
    device: Any = None,
    progress: Callable[[float, int], None] | None = None,
) -> Score:
    """Score a network by its distinct sample-wise activation patterns, without training and without labels.

    Every activation unit v (channel and place, token and hidden unit) of a network has one pattern over the S samples,
    p(v) = (1[z_v(x_1) > 0], ..., 1[z_v(x_S) > 0]).  The score is the number of different ones,

        Psi = #{p(v) : v = 1..V} <= min(V, 2^S),

    counted exactly, over all activations of the network together; dead units and units that are always on count, one
    pattern each.  Regularised it is Psi exp(-(Theta - mu)^2 / sigma) for a network of Theta parameters.

    The pass stores no activations.  The model, its gradients, statistics and modes, and the global random state are
    afterwards as they were, also after an error or Ctrl-C.  All repeats use the same inputs; with the same `seed`, the
    first repeats of many are those of few.

    Args:
        model: an `nn.Module`, a `linregions.Network`, or the path of a file that `linregions.read` reads.  Networks are
            evaluated in float64 and have the weights that they have (`init="keep"`); their units are those that
            `Network.pattern` lists, without maxima unless `max_pool`.
        inputs: a tensor or array (S, ...), a tuple (positional) or a dict (by argument name) of them.  Floating-point
            inputs are cast to the model's type, 64- and 32-bit integers are token numbers.  Use structured inputs: on
            noise the score says less than the number of parameters (docs/scores.md).
        regularised: multiply by the size term; needs `mu` and `sigma`.
        mu: the size that is wanted, in `unit`.
        sigma: the width of the size term.  With mu and sigma `log_regularised` is there even if not `regularised`.
        unit: of Theta: params, kparams (as published), Mparams.
        repeats: passes, each with its own draw of weights; 1 for `init="keep"`, 8 otherwise.
        init: "keep"; "gaussian", the published protocol: weights of convolutions and linear maps N(0, 1), biases 0,
            norms 1 and 0; "default", what each module's `reset_parameters` draws; or `f(model, generator)`.
        mode: "auto": no dropout, and batch norms use the statistics of this batch; "train", "eval", or "keep" as
            the model is.
        indicator: "positive": output > 0; "sign": sign of the output, three values for GELU and SiLU; "piece": which
            piece of a piecewise-linear function.
        max_pool: take max-pooling as an activation too.
        also: more activations: module classes, or names of gates, as for `capture`.
        batch_dim: the axis of the samples, or a pair of them: in the inputs and in the activations, for models that
            turn their axes themselves.
        companions: count standard patterns in the same pass, and NWOT for up to 1,024 samples (S^2 V operations); they
            compare the samples in everything that the indicator shows.
        method: how patterns are counted: "auto" (exact), or one of `PatternCounter`.
        eps: count the recorded values within `eps` of 0 (0 itself left out), whose sign another device may not share.
        seed: of the draws of weights and of dropout.
        device: where to run, such as "cuda"; the model goes there and comes back.
        progress: called with (fraction, patterns of the last repeat).

    Returns:
        A `Score`; print it, or rank by `score.value`.

    Raises:
        InputError: an argument cannot be used, nothing was captured, or an activation is NaN; the message says where.
        Exception: whatever the model raises in forward, with a note that names the layer.

    Source: Peng, Song, Fayek, Ciesielski, Chang, definitions 3.2 to 3.5 (ICLR 2024); indicator: the same (2026).

    Example:
        >>> import torch
        >>> identity = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU())
        >>> _ = torch.nn.init.eye_(identity[0].weight), torch.nn.init.zeros_(identity[0].bias)
        >>> rows = [[-1.0, 1.0, -1.0, 1.0], [-1.0, 1.0, 1.0, -1.0], [1.0, 1.0, -1.0, 1.0]]
        >>> swap_score(identity, torch.tensor(rows)).per_repeat   # columns 001, 111, 010, 101
        (4,)
    """
    size = regularisation(regularised, mu, sigma, unit)
    _one_of(indicator, "indicator", INDICATORS)
    _one_of(mode, "mode", MODES)
    if not callable(init):
        _one_of(init, "init", INITS, " or a function of (model, generator)")
    seed = seed_number(seed)
    repeats = (1 if init == "keep" else REPEATS) if repeats is None else whole_number(repeats, "repeats")
    counting: dict[str, Any] = {
        "indicator": indicator,
        "method": method,
        "companions": companions,
        "eps": _checked_eps(eps),
        "seed": seed,
    }
    facts: dict[str, Any] = {"size": size, "regularised": bool(regularised), "seed": seed}
    if isinstance(model, Network | str | Path):
        from .network import score_network

        score = score_network(
            model, inputs, counting, facts, max_pool=max_pool, repeats=repeats, init=init, device=device
        )
        if progress is not None:
            progress(1.0, score.per_repeat[0])
        return score
    return _score_module(
        model,
        inputs,
        _Plan(repeats, init, mode, batch_dim, device, progress),
        counting,
        facts,
        {"indicator": indicator, "max_pool": max_pool, "also": also, "batch_dim": batch_dim},
    )


class _Plan:
    """How often, with which weights, in which mode and where."""

    def __init__(
        self,
        repeats: int,
        init: str | Callable[[Any, Any], Any],
        mode: str,
        batch_dim: int | tuple[int, int],
        device: Any,
        progress: Callable[[float, int], None] | None,
    ) -> None:
        self.repeats, self.init, self.mode, self.batch_dim = repeats, init, mode, batch_dim
        self.device, self.progress = device, progress

    @property
    def init_name(self) -> str:
        return self.init if isinstance(self.init, str) else getattr(self.init, "__name__", type(self.init).__name__)


def _score_module(
    model: Any, inputs: Any, plan: _Plan, counting: dict[str, Any], facts: dict[str, Any], what: dict[str, Any]
) -> Score:
    from ..capturing.forward import batch_axes, capture
    from ..init import redraw
    from ..measures.sizes import count_parameters
    from ..needs import torch
    from ..restore import seed_all, set_mode, unchanged
    from .collector import Collector
    from .inputs import prepared

    start = time.perf_counter()
    named = _checked_modules(model)
    device = _device(plan.device)
    tensors, samples = prepared(inputs, model, batch_dim=batch_axes(plan.batch_dim)[0], device=device)
    random = torch.Generator().manual_seed(counting["seed"])
    passes, symbols, seen = [], 2, None
    with unchanged(model, parameters=plan.init != "keep", named=named), _explained(tensors, samples):
        if device is not None:
            model.to(device)
        set_mode(model, plan.mode, named=named)
        for k in range(plan.repeats):
            redraw(model, plan.init, random)
            seed_all(int(torch.randint(2**62, (), generator=random)))
            before, collector = _world(), Collector(samples, **counting)
            seen = capture(model, tensors, collector.visit, **what)
            if k == 0 and plan.repeats > 1 and plan.init == "keep":
                _refuse_equal_repeats(before, plan)
            passes.append(collector.result())
            symbols = max(symbols, collector.symbols)
            if plan.progress is not None:
                plan.progress((k + 1) / plan.repeats, passes[-1].distinct)
    return summarise(
        passes,
        samples=samples,
        symbols=symbols,
        parameters=count_parameters(named, skip_auxiliary=True),
        indicator=what["indicator"],
        mode=plan.mode,
        init=plan.init_name,
        seconds=time.perf_counter() - start,
        ignored=[each.layer.name for each in seen.ignored] if seen else (),
        folded=[layer.name for layer in seen.folded] if seen else (),
        alike=[layer.name for layer in seen.alike] if seen else (),
        **facts,
    )


def _one_of(value: Any, what: str, names: Sequence[str], more: str = "") -> None:
    if not isinstance(value, str) or value not in names:
        raise InputError(f"{what} must be one of {', '.join(names)}{more}, got {shown(value)}")


def _checked_eps(eps: Any) -> float | None:
    if eps is None:
        return None
    from ...checks import real_number

    number = real_number(eps, "eps")
    if not number > 0.0:
        raise InputError(f"eps must be positive, got {shown(eps)}; 1e-6 is usual for float32")
    return number


def _checked_modules(model: Any) -> Any:
    """The modules of a model, as `named_modules` gives them."""
    from ..needs import nn
    from ..walk import named_modules

    if not isinstance(model, nn.Module):
        more = "; call it, or give an instance" if isinstance(model, type) else ""
        raise InputError(
            f"model: expected a torch nn.Module, a Network or the path of a file, got {shown(model)}{more}"
        )
    named = named_modules(model)
    for _, module in named:
        for name, parameter in module._parameters.items():
            if parameter is not None and parameter.is_meta:
                raise InputError(
                    f"model: {name} is on the device meta and has no numbers; load or draw its weights first"
                )
    return named


def _world() -> list[Any]:
    """The state of torch's global generators."""
    from ..needs import torch

    return [torch.get_rng_state(), *(torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else [])]


def _refuse_equal_repeats(before: list[Any], plan: _Plan) -> None:
    """After the first pass: with the weights kept, another one can only differ if this one drew random numbers."""
    after = _world()
    if len(before) == len(after) and all(bool((a == b).all()) for a, b in zip(before, after, strict=True)):
        raise InputError(
            f'repeats: the model draws nothing at random in mode {plan.mode!r}, so with init="keep" all {plan.repeats} '
            'passes would be the same; leave repeats out, or draw weights with init="gaussian" or "default"'
        )


def _device(device: Any) -> Any:
    if device is None:
        return None
    from ..needs import torch

    try:
        place = torch.device(device)
        torch.empty(1, device=place)
    except Exception as error:  # each back end has its own way to say that it is not there
        text = " ".join(str(error).split())[:120].rstrip(".")
        raise InputError(f'device: {shown(device)} cannot be used here ({text}); "cpu" always can') from error
    if place.type == "meta":
        raise InputError('device: on "meta" nothing is computed; use "cpu" or "cuda"')
    return place


@contextmanager
def _explained(tensors: Any, samples: int) -> Iterator[None]:
    """Failures of the forward pass that the inputs cause, in a sentence; all others as they are."""
    from ..needs import torch

    try:
        yield
    except (MemoryError, RuntimeError) as error:
        text = " ".join(str(error).split())
        full = isinstance(error, MemoryError | torch.cuda.OutOfMemoryError)
        if full or re.search(r"can't allocate memory|not enough memory|out of memory", text):
            raise InputError(
                f"inputs: the memory is too small for a pass over {samples} samples ({text[:80]}); take fewer samples, "
                "or another device"
            ) from error
        values = tensors.values() if isinstance(tensors, dict) else tensors if isinstance(tensors, tuple) else [tensors]
        whole = next((str(t.dtype) for t in values if t is not None and not t.is_floating_point()), None)
        if whole and re.search(r"dtype|scalar type|\bByte|\bLong|\bInt\b", text):
            where = "; ".join(getattr(error, "__notes__", []))
            raise InputError(
                f"inputs: the model does not take {whole} ({text[:120]}{'; ' + where if where else ''}); "
                "make images floating point, such as x / 255.0, and token numbers int64"
            ) from error
        raise

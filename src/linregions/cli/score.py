"""`linregions score`: the SWAP-Score of a network's file, or of a torch module that the user's own code builds."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from importlib import import_module
from typing import Any

import numpy as np

from ..checks import shown
from ..errors import InputError, LinregionsError
from ..scores.scoring.record import Score
from ..scores.scoring.score import swap_score
from . import status
from .domains import samples_of
from .progress import Progress

# What a file cannot have: it holds weights, and no code that could draw others.
FOR_MODULES = ("init", "repeats", "mode", "device")


def score(options: Namespace) -> tuple[str, int]:
    """Run the command; what to print, and the exit status."""
    _check_what(options)
    inputs = first_samples(samples_of(options.data), options.samples, options.data)
    chosen: dict[str, Any] = {
        "indicator": options.indicator,
        "max_pool": options.max_pool,
        "regularised": options.regularised,
        "mu": options.mu,
        "sigma": options.sigma,
        "unit": options.unit,
        "seed": options.seed,
        "eps": options.eps,
        "companions": not options.no_companions,
    }
    with Progress("patterns") as progress:
        chosen["progress"] = progress.callback
        if options.module is None:
            found = swap_score(options.model, inputs, **chosen)
        else:
            chosen |= {name: value for name in FOR_MODULES if (value := getattr(options, name)) is not None}
            found = _score_module(options.module, inputs, chosen)
    facts = {"model": options.model or options.module, "data": options.data, **found.as_dict()}
    return json.dumps(facts) if options.json else readable(found, options.layers), status.DONE


def readable(found: Score, layers: bool) -> str:
    """The score for a person, and on request one line for every activation."""
    lines = [str(found), f"{found.seconds:.2f} s"]
    if layers:
        lines += [f"  {layer}" for layer in found.layers]
    return "\n".join(lines)


def first_samples(data: np.ndarray, count: int | None, path: str) -> np.ndarray:
    """The first `count` samples of the data, or all of them.

    Raises:
        InputError: the array has no axis of samples, or fewer than `count`.
    """
    if data.ndim < 2:
        raise InputError(f"--data: {path} must hold samples (n, ...), got an array of shape {data.shape}")
    if count is not None and count > len(data):
        raise InputError(
            f"--samples: {path} holds {len(data):,} samples, {count:,} were asked for; give --samples less"
        )
    return data if count is None else data[:count]


def _check_what(options: Namespace) -> None:
    if (options.model is None) == (options.module is None):
        both = "both are given" if options.model else "neither is given"
        raise InputError(f"score: give a network's file (MODEL) or --module PACKAGE.MODULE:FACTORY; {both}")
    given = [name for name in FOR_MODULES if getattr(options, name) is not None]
    if options.module is None and given:
        raise InputError(
            f"--{given[0]}: a file is scored with the weights that it holds, on the CPU; leave --{given[0]} out, or "
            "score the torch module with --module"
        )


def _score_module(name: str, inputs: np.ndarray, chosen: dict[str, Any]) -> Score:
    with _user_code(name):
        return swap_score(built(name, chosen["seed"]), inputs, **chosen)


def built(name: str, seed: int) -> Any:
    """The module that PACKAGE.MODULE:FACTORY makes, its weights drawn with `seed`.

    This imports and runs the code that the user names.

    Raises:
        InputError: the name is not of that form, cannot be imported, or makes something else.
    """
    from ..scores.needs import nn, torch

    factory = _factory(name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = factory if isinstance(factory, nn.Module) else factory()
    if not isinstance(model, nn.Module):
        raise InputError(f"--module: {name} must give a torch nn.Module, got {shown(model)}")
    return model


def _factory(name: str) -> Callable[[], Any]:
    module_name, colon, path = name.partition(":")
    if not colon or not all(part.isidentifier() for part in [*module_name.split("."), *path.split(".")]):
        raise InputError(f"--module: expected PACKAGE.MODULE:FACTORY, such as mynets.cells:build, got {shown(name)}")
    try:
        found: Any = import_module(module_name)
    except ModuleNotFoundError as error:
        raise InputError(
            f"--module: there is no module {error.name} to import ({name}); install it, or put its folder on PYTHONPATH"
        ) from error
    for part in path.split("."):
        if not hasattr(found, part):
            raise InputError(f"--module: {module_name} has no {path}; give a function that returns the model")
        found = getattr(found, part)
    if not callable(found):
        raise InputError(f"--module: {name} must be a function that returns the model, got {shown(found)}")
    return found


@contextmanager
def _user_code(name: str) -> Iterator[None]:
    """What the user's code prints goes to standard error, and what it raises becomes one line."""
    try:
        with redirect_stdout(sys.stderr):
            yield
    except LinregionsError:
        raise
    except SystemExit as error:
        raise InputError(
            f"--module: {name} ends the program (sys.exit with {shown(error.code)}); give a function that returns the "
            "model"
        ) from error
    except Exception as error:
        text = " ".join([str(error), *getattr(error, "__notes__", [])]).strip()
        raise InputError(f"--module: {name} fails with {type(error).__name__}: {text or 'no message'}") from error

"""What a search space offers, and the spaces by their names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

import numpy as np

from ...checks import seed_number, shown
from ...errors import InputError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from .table import Table

A = TypeVar("A")

# name: (module, class); a module is imported when its space is asked for.
_HOMES = {
    "darts": ("darts", "Darts"),
    "nb201": ("nb201", "NB201"),
    "flexibert": ("flexibert", "FlexiBERT"),
    "digits": ("digits", "Digits"),
}


@runtime_checkable
class Space(Protocol[A]):
    """A set of architectures of one kind `A`: immutable, hashable values, equal when they describe the same network.

    Every random method draws from the `numpy.random.Generator` that it is given and from nothing else.
    """

    @property
    def name(self) -> str:
        """The short name, as on the command line."""
        ...

    @property
    def size(self) -> int | None:
        """How many architectures there are (different texts); None where nobody counts them."""
        ...

    def sample(self, rng: np.random.Generator) -> A:
        """One architecture, every one equally likely unless the space says otherwise."""
        ...

    def neighbours(self, architecture: A) -> Iterator[A]:
        """Every architecture that differs in one choice, each once."""
        ...

    def mutate(self, architecture: A, rng: np.random.Generator) -> A:
        """One neighbour, drawn at random: never the architecture itself."""
        ...

    def crossover(self, first: A, second: A, rng: np.random.Generator) -> A:
        """An architecture whose every choice is one of its two parents'."""
        ...

    def build(self, architecture: A, *, seed: int = 0, **options: Any) -> nn.Module:
        """The network, in training mode, with torch's default weights drawn from `seed`.

        Without options it is the network that the score's protocol takes.  The global random state is not touched.
        """
        ...

    def text(self, architecture: A) -> str:
        """The text form, as tables write it; `parse` reads it back."""
        ...

    def parse(self, text: str) -> A:
        """The architecture of a text form; InputError says what is wrong with any other text."""
        ...

    def controls(self, architecture: A) -> dict[str, int]:
        """Numbers that are read off the architecture without building it, such as its number of convolutions."""
        ...

    def probe(self, samples: int, *, seed: int | None = None) -> Tensor:
        """The inputs that scores take by default, shape (samples, ...): the first ones, or those that `seed` draws."""
        ...

    def read_table(self, path: str | Path) -> Table:
        """The table of accuracies in a file of this space's published layout."""
        ...


def space_names() -> tuple[str, ...]:
    """The names that `find_space` takes."""
    return tuple(_HOMES)


def find_space(name: str) -> Space[Any]:
    """The search space with this name.

    Args:
        name: one of `space_names()`: "darts", "nb201", "flexibert", "digits".

    Raises:
        InputError: no space has this name.

    Example:
        >>> find_space("nb201").size
        15625
    """
    if not isinstance(name, str) or name not in _HOMES:
        raise InputError(f"space: {shown(name)} is not known; use one of {', '.join(_HOMES)}")
    module, kind = _HOMES[name]
    return getattr(import_module(f".{module}", __package__), kind)()


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Within it, torch draws what `seed` says; afterwards the global random state is as it was.

    Modules draw their default weights from the global generator, so building one from a seed takes this.  They are made
    on the CPU, whatever torch's default device, so that a seed means the same weights everywhere.

    Raises:
        InputError: `seed` is not a whole number from 0 to 2^63 - 1.
    """
    from ..needs import torch

    seed = seed_number(seed)
    # Not fork_rng with torch.manual_seed: that seeds every GPU too.
    before = torch.get_rng_state()
    # A device as a context slows every call down, so only where it is another one.
    elsewhere = torch.get_default_device().type != "cpu"
    try:
        torch.default_generator.manual_seed(seed)
        with torch.device("cpu") if elsewhere else nullcontext():
            yield
    finally:
        torch.set_rng_state(before)

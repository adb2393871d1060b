"""Every example in a docstring runs and prints what it says."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import linregions
from linregions.errors import MissingExtraError

NAMES = ["linregions", *sorted(m.name for m in pkgutil.walk_packages(linregions.__path__, "linregions."))]


@pytest.mark.parametrize("name", [n for n in NAMES if not n.endswith(("._core", ".__main__"))])
def test_examples(name):
    try:
        module = importlib.import_module(name)
    except MissingExtraError as error:
        pytest.skip(str(error))
    # No globals of ours: an example imports what it uses, except the names of its own module.
    result = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0

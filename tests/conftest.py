"""Settings shared by all tests; the tests run on the installed package."""

from __future__ import annotations

import os
import zlib

import pytest
from hypothesis import HealthCheck, settings

# Processes beside each other (`pytest -n auto`) have one core each; what is loaded later reads this.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# Wall time on a shared machine says nothing about a property: no deadline. A failure prints what repeats it.
settings.register_profile("linregions", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("linregions")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow-sample", action="store_true", help="of the slow tests, run a fixed tenth")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--slow-sample"):
        return
    dropped = [i for i in items if i.get_closest_marker("slow") and zlib.crc32(i.nodeid.encode()) % 10]
    config.hook.pytest_deselected(items=dropped)
    items[:] = [i for i in items if i not in dropped]

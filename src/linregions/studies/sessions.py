"""Who added rows to a study, with what: one record for each run of a command, and how a report shows them."""

from __future__ import annotations

import platform
import sys

import numpy as np

from ..checks import plural
from .folder import Manifest, Row


def session(command: str, workers: int, **more: str) -> Row:
    """Versions, machine and command of this run.

    Args:
        command: what to show in the report as the command that made it.
        workers: processes, of one thread each where there are several.
        **more: versions of further packages by name.
    """
    from ..scores.needs import torch

    versions = {"linregions": _version(), "torch": torch.__version__, "numpy": np.__version__}
    versions |= {"Python": platform.python_version()} | more
    threads = torch.get_num_threads() if workers == 1 else 1
    machine = f"{sys.platform} {platform.machine()}"
    return {"command": command, "versions": versions, "threads": threads, "workers": workers, "machine": machine}


def commands_of(manifest: Manifest) -> str:
    """The commands that added rows, each once."""
    return "\n".join(dict.fromkeys(each["command"] for each in manifest.sessions if each.get("command")))


def versions_of(manifest: Manifest) -> str:
    """The versions that added rows, in words."""
    seen = dict.fromkeys(", ".join(f"{name} {v}" for name, v in each["versions"].items()) for each in manifest.sessions)
    return "; ".join(seen)


def machines_of(manifest: Manifest) -> str:
    """The machines that added rows, in words."""
    return "; ".join(
        dict.fromkeys(
            f"{each['machine']}, {plural(each['workers'], 'process', 'processes')} with "
            f"{plural(each['threads'], 'thread')}"
            for each in manifest.sessions
        )
    )


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("linregions")
    except PackageNotFoundError:  # a source tree
        return "unknown"

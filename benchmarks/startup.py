"""Wall time of a small count from the shell and of the bare import, each in a process of its own."""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from tables import Table, print_machine

MODEL = Path(__file__).resolve().parents[1] / "examples" / "moons.onnx"


def command_line() -> list[str]:
    """The installed command beside this interpreter, or `python -m linregions` where there is none."""
    beside = shutil.which("linregions", path=str(Path(sys.executable).parent))
    return [beside] if beside else [sys.executable, "-m", "linregions"]


def timed(command: list[str]) -> float:
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed with status {done.returncode}: {done.stderr.strip()[-500:]}")
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=15)
    args = parser.parse_args()
    program = command_line()
    shown = "linregions" if len(program) == 1 else "python -m linregions"
    # (what is printed, what is run, seconds that it is to stay under)
    commands = [
        ("python -c pass", [sys.executable, "-c", "pass"], None),
        ('python -c "import numpy"', [sys.executable, "-c", "import numpy"], None),
        ('python -c "import linregions"', [sys.executable, "-c", "import linregions"], 0.3),
        (f"{shown} count examples/moons.onnx --box -2 3", [*program, "count", str(MODEL), "--box", "-2", "3"], 0.6),
    ]
    print_machine()
    taken: list[list[float]] = [[] for _ in commands]
    for _, command, _ in commands:  # once unmeasured: the files come into memory
        timed(command)
    for _ in range(args.repeats):
        for samples, (_, command, _) in zip(taken, commands, strict=True):
            samples.append(timed(command))
    table = Table(
        f"Wall seconds of a process, {args.repeats} times in turn", ["command", "min", "median", "max", "under"]
    )
    for samples, (name, _, under) in zip(taken, commands, strict=True):
        table.row(f"`{name}`", min(samples), statistics.median(samples), max(samples), "" if under is None else under)


if __name__ == "__main__":
    main()

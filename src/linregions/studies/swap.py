"""The study of SWAP: does the score of an untrained network rank architectures as training them does?"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..checks import plural, seed_number, shown, whole_number
from ..errors import InputError
from ..partition import Status
from .filling import fill
from .folder import Manifest, Row, StudyFolder
from .measure import BASELINES, Task, control_names, measure
from .protocols import protocol_of
from .ranking import FEWEST, SCORE, Findings
from .report import PAGE, REPORT, write_report
from .sentences import sentences
from .sessions import session
from .sources import Source

ABLATIONS = ("noise",)
REPORTING = 0.05  # of the progress: resampling for the report, seconds of many minutes


@dataclass(frozen=True)
class SwapStudy:
    """A study of SWAP: its folder, how far it is, and what it found.

    `done` counts the networks with a row, of which `failed` could not be scored; `error` is what the first of these
    says.  `findings` is None where the study was interrupted, or scored fewer than five networks.
    """

    folder: Path
    space: str
    status: Status
    done: int
    asked: int
    findings: Findings | None
    failed: int = 0
    error: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The record as plain JSON types."""
        found = self.findings
        return {
            "folder": str(self.folder),
            "space": self.space,
            "status": self.status.value,
            "done": self.done,
            "asked": self.asked,
            "failed": self.failed,
            "error": self.error or None,
            "report": str(self.folder / REPORT) if found else None,
            "sentences": sentences(found) if found else [],
            "findings": found.as_dict() if found else None,
        }

    def __str__(self) -> str:
        measured = self.done - self.failed
        lines = [f"{self.space}: {measured:,} of {plural(self.asked, 'network')} measured, in {self.folder}"]
        if self.failed:
            lines.append(f"{plural(self.failed, 'network')} could not be scored, the first one because of {self.error}")
        if self.status is Status.INTERRUPTED:
            lines.append("interrupted; the same command goes on from there")
        elif self.findings is None:
            lines.append(f"a report needs {FEWEST} networks that could be scored")
        else:
            lines += ["", *_table(self.findings), "", *sentences(self.findings), ""]
            lines.append(f"report: {self.folder / REPORT} and {PAGE}")
        return "\n".join(lines)


def run(
    space: Any,
    *,
    out: str | Path,
    table: Any = None,
    limit: int | None = None,
    samples: int | None = None,
    repeats: int | None = None,
    seed: int = 0,
    ablate: str | None = None,
    baselines: bool = False,
    trainings: int = 3,
    workers: int = 1,
    resamples: int = 1000,
    command: str = "",
    progress: Callable[[float, int], None] | None = None,
) -> SwapStudy:
    """Score architectures of a space untrained, and compare the ranking with that of their accuracies.

    Every architecture is scored on probe inputs that need no download, beside the controls (units, parameters, FLOPs,
    depth, what the space says of itself).  Each row is on disk when it is done: the same call with the same `out` goes
    on where another one stopped, and when all is done it makes the report again.

    Args:
        space: "darts", "nb201", "flexibert" or "digits", or an object like those of `linregions.scores.spaces`.
        out: the study's folder, new, empty, or of this study.
        table: file of accuracies in the space's published layout, or a `Table`; None where the space trains its
            networks itself (digits).
        limit: how many architectures, drawn by `seed` (a larger limit holds those of a smaller one); None: as the
            space's protocol says.
        samples: S, inputs of the probe, at least 2; None: as the protocol says, here and below.
        repeats: draws of weights for each architecture.
        seed: of the choice, of the probe, of all weights.
        ablate: "noise" scores every network on noise as well.
        baselines: compute synflow, Jacobian covariance, gradient norm and snip as well.
        trainings: seeds of every training, where the space trains its networks itself.
        workers: processes, of one thread each; 1 works in this one.
        resamples: bootstrap resamples of every interval of the report.
        command: what to show in the report as the command that made it.
        progress: called with (fraction, networks measured).

    Returns:
        A `SwapStudy`; the report lies in its folder.

    Raises:
        InputError: an argument cannot be used, or the folder holds another study.
        OutputError: the folder cannot be written; the rows before are kept.
        MissingExtraError: torch, matplotlib, scikit-learn or (for workers) joblib is not installed.

    Example:
        >>> run("darts", table="darts1000_cifar10.csv", out="study", limit=100)  # doctest: +SKIP
    """
    _check_matplotlib()
    space = _found(space)
    workers = whole_number(workers, "workers")
    settings, inputs = _asked(space, samples, repeats, seed, ablate, baselines)
    source = Source(space, table, limit, seed, trainings)
    settings |= source.settings
    facts = _facts(space, settings, source, inputs)
    manifest = Manifest("swap", settings, facts, (session(command, workers),))
    with StudyFolder(out, manifest) as folder:
        tasks = [
            Task(
                space=space,
                key=key,
                text=text,
                inputs=_tensor(inputs),
                settings=settings,
                noise=_noise(_tensor(inputs), settings),
                known=known,
                train=source.train,
            )
            for key, text, known in source.rows
            if key not in folder.rows
        ]
        asked = len(source.rows)
        share = 1.0 - REPORTING
        status = fill(folder, measure, tasks, workers=workers, asked=asked, share=share, progress=progress)
        done = sum(key in folder.rows for key, _, _ in source.rows)
        scored = sum("error" not in row for row in folder.rows.values())
        errors = [row["error"] for key, _, _ in source.rows if "error" in (row := folder.rows.get(key, {}))]
    found = None
    if status is Status.COMPLETE and scored >= FEWEST:
        status, found = _reported(out, resamples, done, progress)
    return SwapStudy(Path(out), space.name, status, done, asked, found, len(errors), errors[0] if errors else "")


def _reported(
    out: str | Path, resamples: int, done: int, progress: Callable[[float, int], None] | None
) -> tuple[Status, Findings | None]:
    def on(fraction: float, columns: int) -> None:
        if progress is not None:
            progress(1.0 - REPORTING + REPORTING * fraction, done)

    try:
        return Status.COMPLETE, write_report(out, resamples=resamples, progress=on)
    except KeyboardInterrupt:
        return Status.INTERRUPTED, None


def _check_matplotlib() -> None:
    """A missing matplotlib shows before the work, not after it."""
    from ..plot import canvas

    canvas.matplotlib()


def _found(space: Any) -> Any:
    if not isinstance(space, str):
        return space
    from ..scores.spaces import find_space

    return find_space(space)


def _asked(
    space: Any, samples: int | None, repeats: int | None, seed: Any, ablate: Any, baselines: bool
) -> tuple[Row, Any]:
    """The settings that the rows depend on, and the probe."""
    protocol = protocol_of(space.name)
    if ablate is not None and ablate not in ABLATIONS:
        raise InputError(f"ablate must be one of {', '.join(ABLATIONS)}, got {shown(ablate)}; leave it out for none")
    seed = seed_number(seed)
    settings: Row = {
        "space": space.name,
        "samples": protocol.samples if samples is None else _several(samples),
        "repeats": protocol.repeats if repeats is None else whole_number(repeats, "repeats"),
        "seed": seed,
        "init": protocol.init,
        "mode": protocol.mode,
        "ablate": ablate,
        "baselines": bool(baselines),
    }
    inputs = space.probe(settings["samples"], seed=seed)
    settings["probe"] = _digest(_tensor(inputs))
    return settings, inputs


def _several(samples: Any) -> int:
    if whole_number(samples, "samples") < 2:
        raise InputError(f"samples must be at least 2, got {shown(samples)}; one sample shows nothing to tell apart")
    return int(samples)


def _facts(space: Any, settings: Row, source: Source, inputs: Any) -> Row:
    protocol, shape = protocol_of(space.name), " x ".join(map(str, _tensor(inputs).shape))
    about = f"{protocol.probe} ({shape}, SHA-256 {settings['probe'][:12]})"
    about += f", not {protocol.instead_of}" if protocol.instead_of else ""
    return {
        "asked": len(source.rows),
        "truth": protocol.truth,
        "source": source.text,
        "probe": about,
        "roles": _roles(settings, control_names(space.controls(space.parse(source.rows[0][1])))),
    }


def _roles(settings: Row, controls: list[str]) -> dict[str, str]:
    roles = {SCORE: "score"} | ({"swap_1": "score"} if settings["repeats"] > 1 else {})
    roles |= {"swap_noise": "ablation"} if settings["ablate"] == "noise" else {}
    roles |= dict.fromkeys(("units", "parameters", "flops", "depth", *controls), "control")
    roles |= dict.fromkeys(("nwot", "standard"), "baseline")
    return roles | (dict.fromkeys(BASELINES, "baseline") if settings["baselines"] else {})


def _tensor(probe: Any) -> Any:
    return getattr(probe, "inputs", probe)


def _digest(inputs: Any) -> str:
    array = inputs.detach().cpu().contiguous().numpy()
    head = f"{array.dtype} {array.shape} ".encode()
    return hashlib.sha256(head + array.astype(array.dtype.newbyteorder("<")).tobytes()).hexdigest()


def _noise(inputs: Any, settings: Row) -> Any:
    """Inputs of the same shape without structure: N(0, 1) numbers, or tokens drawn uniformly from the probe's range."""
    if settings["ablate"] != "noise":
        return None
    from ..scores.needs import torch

    generator = torch.Generator().manual_seed(settings["seed"])
    if inputs.is_floating_point():
        return torch.randn(inputs.shape, generator=generator, dtype=inputs.dtype)
    return torch.randint(int(inputs.min()), int(inputs.max()) + 1, inputs.shape, generator=generator)


def _table(found: Findings) -> list[str]:
    width = max(len(column.label) for column in found.columns)
    wide = max(len(str(column.spearman)) for column in found.columns)
    lines = [f"{'':{width}}  {'Spearman':{wide}}  Kendall"]
    for c in sorted(found.columns, key=lambda c: -(c.spearman.value if c.spearman.value is not None else -2.0)):
        lines.append(f"{c.label:{width}}  {c.spearman!s:{wide}}  {c.kendall}")
    return lines

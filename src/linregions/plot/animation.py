"""A slice through training, as a GIF or as a folder of pictures."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..checks import plural, real_number, shown, whole_number
from ..errors import InputError, OutputError
from ..store.files import write_file
from . import canvas, slices


def animation(
    history: Any,
    path: str | Path,
    *,
    slice: str | None = None,
    colour: str = "layer",
    values: Mapping[int, Any] | None = None,
    label: str | None = None,
    anchors: Any = None,
    title: str | None = None,
    seconds: float = 0.5,
    pixels: int = 600,
) -> list[int]:
    """Write one slice at all checkpoints as moving pictures, all in one scale of colours.

    Args:
        history: a `History` or a tracker that kept its polygons (`RegionTracker(keep=True)`), or a mapping from step
            to polygons.
        path: a file that ends in .gif, or a folder, which gets one numbered .png for each checkpoint (`step_040.png`)
            and may hold none of another run.  Files are written under another name and renamed, so that each is whole.
        slice: the name of the slice; None takes the first one.
        colour: "layer", "area" or "value", as in `slice_regions`.
        values: for "value", a mapping from step to the numbers of the regions; None takes the networks' first output.
        label: what the colour bar says.
        anchors: points in the input space, or a `Slice`, to mark in every picture.
        title: what stands before the step.
        seconds: how long each picture stays; the last one stays three times as long.
        pixels: width and height of a picture.

    Returns:
        The steps, in order.

    Raises:
        InputError: no polygons were kept, there is no such slice, or the folder holds pictures of other steps.
        OutputError: the file cannot be written.
        MissingExtraError: matplotlib is not installed.

    Example:
        >>> import tempfile, pathlib
        >>> from linregions import Box, constructions, enumerate_regions, plot
        >>> nets = [constructions.zigzag_product(2, [k, k]).network for k in (2, 4)]
        >>> kept = {10 * k: enumerate_regions(net, Box.cube(0, 2, 2)).polygons for k, net in enumerate(nets)}
        >>> plot.animation(kept, pathlib.Path(tempfile.mkdtemp()) / "run.gif", pixels=200)
        [0, 10]
    """
    frames = kept(history, slice)
    for polygons in frames.values():
        slices.check(polygons, colour)
    duration = round(1000 * real_number(seconds, "seconds"))
    if duration < 20:
        raise InputError(f"seconds: a picture stays at least 0.02, got {shown(seconds)}")
    whole_number(pixels, "pixels", least=100, most=4000)
    numbers = {
        step: slices.numbers_of(polygons, colour, None if values is None else values.get(step))
        for step, polygons in frames.items()
    }
    paint = slices.scale(list(frames.values()), colour, list(numbers.values()), label=label)
    target = Path(path)
    files = [] if target.suffix else _files(target, list(frames))
    pictures = (
        _picture(polygons, paint, numbers[step], anchors, _title(title, step, polygons), pixels)
        for step, polygons in frames.items()
    )
    if target.suffix.lower() == ".gif":
        _gif(target, pictures, duration)
    elif target.suffix:
        raise InputError(f"path: expected a file that ends in .gif, or a folder, got {shown(str(path))}")
    else:
        _folder(target, pictures, files)
    return list(frames)


def kept(history: Any, slice: str | None) -> dict[int, Any]:
    """Step -> polygons of one slice, in the order of the steps."""
    history = getattr(history, "history", history)
    found = getattr(history, "kept", history)
    if not isinstance(found, Mapping):
        raise InputError(f"history: expected a History, or a mapping from step to polygons, got {shown(history)}")
    if not found:
        raise InputError("history: no polygons were kept; track with RegionTracker(keep=True)")
    out = {}
    for step in sorted(found):
        entry = found[step]
        if isinstance(entry, Mapping):
            name = next(iter(entry)) if slice is None else slice
            if name in entry:
                out[step] = entry[name]
        else:
            out[step] = entry
    if not out:
        names = sorted({str(n) for entry in found.values() for n in entry})
        raise InputError(f"slice: none is called {shown(slice)}; there are {', '.join(names)}")
    return out


def _title(title: str | None, step: int, polygons: Any) -> str:
    return (f"{title}, " if title else "") + f"step {step:,}: {slices.headline(polygons)}"


def _picture(polygons: Any, paint: slices.Paint, numbers: Any, anchors: Any, title: str, pixels: int) -> np.ndarray:
    """One frame, (pixels, pixels, 3) uint8: all frames have the same layout."""
    canvas.matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 6.0), dpi=pixels / 6.0)
    board = FigureCanvasAgg(figure)
    if paint.colour == "layer":
        ax = figure.add_axes((0.11, 0.16, 0.85, 0.76))
        slices.draw(ax, polygons, paint, numbers)
        _layers(figure, paint)
    else:
        ax = figure.add_axes((0.10, 0.09, 0.70, 0.82))
        slices.draw(ax, polygons, paint, numbers)
        figure.colorbar(paint.mappable(), cax=figure.add_axes((0.84, 0.16, 0.025, 0.68)), label=paint.label)
    slices.mark(ax, polygons, anchors)
    ax.set_title(title)
    board.draw()
    return np.asarray(board.buffer_rgba())[..., :3].copy()


def _layers(figure: Any, paint: slices.Paint) -> None:
    from matplotlib.lines import Line2D

    if len(paint.layers) < 2:
        return
    handles = [Line2D([], [], color=c, linewidth=2, label=f"layer {k + 1}") for k, c in slices.colours(paint)]
    figure.legend(handles=handles, loc="lower center", ncols=min(len(handles), 6), frameon=False)


def _gif(target: Path, pictures: Any, duration: int) -> None:
    from PIL import Image

    _make(target.parent)
    frames = [Image.fromarray(p).quantize(128, dither=Image.Dither.NONE) for p in pictures]
    out = io.BytesIO()
    times = [duration] * (len(frames) - 1) + [3 * duration]
    frames[0].save(
        out, format="GIF", save_all=True, append_images=frames[1:], duration=times, loop=0, optimize=False, disposal=1
    )
    _write(target, out.getvalue())


def _files(target: Path, steps: list[int]) -> list[Path]:
    """The folder's files, in the order of the steps; refuses a folder that holds others of such names.

    They would be taken for frames of this run, and are not removed: whose they are, their names do not say.
    """
    digits = len(str(steps[-1]))
    files = [target / f"step_{step:0{digits}d}.png" for step in steps]
    others = sorted({p.name for p in target.glob("step_*.png")} - {file.name for file in files})
    others = [name for name in others if name[5:-4].isdigit()]
    if others:
        raise InputError(
            f"path: {target} holds {plural(len(others), 'picture')} of other steps, such as {others[0]}; remove them, "
            "or give another folder"
        )
    return files


def _folder(target: Path, pictures: Any, files: list[Path]) -> None:
    from PIL import Image

    _make(target)
    for file, picture in zip(files, pictures, strict=True):
        out = io.BytesIO()
        Image.fromarray(picture).save(out, format="PNG")
        _write(file, out.getvalue())


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error


def _write(path: Path, content: bytes) -> None:
    try:
        write_file(path, content)
    except OutputError as error:
        cause = error.__cause__
        raise _unwritable(path, cause if isinstance(cause, OSError) else error) from error


def _unwritable(path: Path, error: OSError) -> OutputError:
    return OutputError(f"path: {path} cannot be written ({error.strerror or error}); give one in another folder")

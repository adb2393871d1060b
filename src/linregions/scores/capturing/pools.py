"""Which entry of its window a max-pool takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...errors import InputError
from ..needs import torch
from .observation import Layer

Tensor = torch.Tensor

_AXES = {"max_pool1d": 1, "max_pool2d": 2, "max_pool3d": 3}


def places(layer: Layer, operation: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> Tensor:
    """The place of the largest entry in its window, counted row by row from 0, for each output of a max-pool.

    A place in the padding is never taken, so windows at the border count from their (padded) corner like all others.

    Raises:
        InputError: a window has more than 256 places.
    """
    name = operation._schema.name.removeprefix("aten::")
    axes = int(name[name.index("pool") + 4])
    names = [a.name for a in operation._schema.arguments]
    given = {"stride": [], "padding": [0], "dilation": [1], "ceil_mode": False}
    given |= dict(zip(names, args, strict=False)) | kwargs
    taken = args[0]
    sizes = taken.shape[-axes:]
    flat = result[1] if isinstance(result, tuple | list) else _places_again(axes, given)
    if name.startswith("adaptive"):
        windows = [_adaptive(size, out) for size, out in zip(sizes, flat.shape[-axes:], strict=True)]
    else:
        windows = _sliding(axes, given, flat.shape[-axes:])
    count = 1
    for _, width in windows:
        count *= width
    if count > 256:
        raise InputError(
            f"max_pool: layer {layer} has windows of {count} places, and a piece is told up to 256; "
            "use indicator='sign'"
        )
    return _within(flat, sizes, windows)


def _within(flat: Tensor, sizes: Sequence[int], windows: Sequence[tuple[Tensor, int]]) -> Tensor:
    """From flat positions in the whole map to positions in each output's window."""
    place = torch.zeros_like(flat)
    scale = 1
    for axis in range(len(sizes) - 1, -1, -1):
        start, width = windows[axis]
        coordinate = flat % sizes[axis]
        flat = flat // sizes[axis]
        shape = [-1] + [1] * (len(sizes) - 1 - axis)
        place += (coordinate - start.to(flat.device).view(shape)) * scale
        scale *= width
    return place


def _sliding(axes: int, given: dict[str, Any], outputs: Sequence[int]) -> list[tuple[Tensor, int]]:
    """First coordinate of each window and its width, per axis; a dilated window counts the entries it skips too."""
    kernel, stride, padding, dilation = (
        _each(given[name], axes) for name in ("kernel_size", "stride", "padding", "dilation")
    )
    return [
        (torch.arange(out) * (step or width) - pad, (width - 1) * gap + 1)
        for out, width, step, pad, gap in zip(outputs, kernel, stride or [0] * axes, padding, dilation, strict=True)
    ]


def _adaptive(size: int, outputs: int) -> tuple[Tensor, int]:
    """The windows of adaptive pooling: from floor(i * size / outputs) to ceil((i + 1) * size / outputs)."""
    steps = torch.arange(outputs)
    start = steps * size // outputs
    end = ((steps + 1) * size + outputs - 1) // outputs
    return start, int((end - start).max())


def _each(value: int | Sequence[int], axes: int) -> list[int]:
    values = [value] if isinstance(value, int) else list(value)
    return values * axes if len(values) == 1 else values


def _places_again(axes: int, given: dict[str, Any]) -> Tensor:
    """The flat positions, where the operation does not tell them itself."""
    pool = getattr(torch.nn.functional, f"max_pool{axes}d")
    names = ("kernel_size", "stride", "padding", "dilation")
    settings = {name: given[name] for name in names if given[name] != []}
    return pool(given["self"], **settings, ceil_mode=given["ceil_mode"], return_indices=True)[1]

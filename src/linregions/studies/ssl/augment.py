"""Two views of an image: random affine maps, brightness and noise, for a whole batch at once."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from ...checks import real_number, shown
from ...errors import InputError
from ...scores.needs import nn, torch


@dataclass(frozen=True)
class Augmentation:
    """How a view is drawn; each image of a batch has its own numbers.

    Attributes:
        rotation: largest angle, degrees.
        scale: smallest and largest enlargement.
        shift: largest shift along each axis, as a share of the image's side.
        brightness: all pixels are multiplied by 1 - b to 1 + b and cut off at 1.
        noise: standard deviation of the uniform noise that is added to each pixel.
        flip: whether half of the views are mirrored left to right; for things, not for digits.

    Example:
        >>> import torch
        >>> batch = torch.rand(4, 8, 8)
        >>> Augmentation()(batch, generator=torch.Generator().manual_seed(0)).shape
        torch.Size([4, 8, 8])
    """

    rotation: float = 20.0
    scale: tuple[float, float] = (0.8, 1.2)
    shift: float = 0.125
    brightness: float = 0.3
    noise: float = 0.05
    flip: bool = False

    def __post_init__(self) -> None:
        for name in ("rotation", "shift", "brightness", "noise"):
            value = real_number(getattr(self, name), name)
            if not 0 <= value < math.inf:
                raise InputError(f"{name} must be a finite number from 0, got {shown(value)}; 0 leaves it out")
        low, high = self.scale
        if not 0 < real_number(low, "scale") <= real_number(high, "scale") < math.inf:
            raise InputError(f"scale must be two positive numbers, the smaller first, got {shown(self.scale)}")

    def as_dict(self) -> dict[str, Any]:
        """The settings as plain JSON types."""
        return {**asdict(self), "scale": list(self.scale)}

    def __call__(self, images: torch.Tensor, *, generator: torch.Generator) -> torch.Tensor:
        """One view of each image: (n, height, width) in [0, 1], new numbers each time.

        The output pixel at p shows the input at s R p + t (bilinearly, black outside), in coordinates from -1 to 1, so
        that shapes are kept on square images. The generator's device must be the CPU; the images may be anywhere.
        """
        n, height, width = images.shape
        # All numbers of a batch in one draw from the CPU: the same ones whatever device the images are on.
        draws = torch.rand(6, n, generator=generator)
        angle = (2 * draws[0] - 1) * math.radians(self.rotation)
        low, high = self.scale
        size = 1 / (low + (high - low) * draws[1])
        mirror = 1 - 2 * (draws[5] < 0.5).float() * self.flip
        cos, sin = torch.cos(angle) * size, torch.sin(angle) * size
        move = (2 * draws[2:4] - 1) * 2 * self.shift
        rows = (cos * mirror, -sin * height / width, move[0], sin * mirror * width / height, cos, move[1])
        theta = torch.stack(rows, 1).view(n, 2, 3).to(images)
        grid = nn.functional.affine_grid(theta, [n, 1, height, width], align_corners=False)
        view = nn.functional.grid_sample(images[:, None], grid, padding_mode="zeros", align_corners=False)[:, 0]
        bright = 1 + (2 * draws[4] - 1) * self.brightness
        # In place: half of the time went into new memory otherwise.
        view.mul_(bright.to(images)[:, None, None])
        if self.noise:
            # Uniform numbers take half the time of Gaussian ones; +-a has the standard deviation a / sqrt(3).
            most = math.sqrt(3) * self.noise
            view.add_(torch.empty(view.shape).uniform_(-most, most, generator=generator).to(images))
        return view.clamp_(0, 1)


def usual_augmentation(name: str, shape: tuple[int, int]) -> Augmentation:
    """What the study uses for a data set: shifts of 1 pixel of 8, 2 of 28; stronger noise on larger images.

    Flips are for Fashion-MNIST only.

    Args:
        name: of the data set; "fashion" in it decides about flips.
        shape: height and width of an image.

    Example:
        >>> usual_augmentation("digits", (8, 8)).shift, usual_augmentation("fashion-mnist", (28, 28)).flip
        (0.125, True)
    """
    flip = "fashion" in name.lower()
    if max(shape) <= 16:
        return Augmentation(shift=1 / max(shape), flip=flip)
    # A pixel of a large image says little alone: noise of .05 taught the encoders nothing there.
    return Augmentation(shift=2 / 28, brightness=0.5, noise=0.15, flip=flip)

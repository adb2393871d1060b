"""Views: what each number does, against plain array operations, and that a seed says it all."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from linregions.errors import InputError
from linregions.studies.ssl.augment import Augmentation, usual_augmentation

NOTHING = {"rotation": 0, "scale": (1, 1), "shift": 0, "brightness": 0, "noise": 0}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def images(n=32, height=8, width=8, seed=0):
    return torch.rand(n, height, width, generator=generator(seed))


@settings(max_examples=20)
@given(n=st.integers(1, 6), height=st.integers(2, 12), width=st.integers(2, 12), seed=st.integers(0, 1000))
def test_nothing_changes_nothing(n, height, width, seed):
    x = images(n, height, width, seed)
    view = Augmentation(**NOTHING)(x, generator=generator(seed))
    assert torch.allclose(view, x, atol=1e-5)


@settings(max_examples=20)
@given(seed=st.integers(0, 1000))
def test_a_view_is_an_image_and_the_seed_says_it_all(seed):
    x = images(seed=seed)
    before, state = x.clone(), torch.random.get_rng_state()
    augment = Augmentation(flip=True)
    a, b = augment(x, generator=generator(seed)), augment(x, generator=generator(seed))
    assert torch.equal(a, b)
    assert not torch.equal(a, augment(x, generator=generator(seed + 1)))
    assert torch.equal(x, before)
    assert torch.equal(state, torch.random.get_rng_state())
    assert (a.shape, a.dtype) == (x.shape, x.dtype)
    assert 0 <= a.min() <= a.max() <= 1


def test_flips_are_flips():
    x = images(200)
    view = Augmentation(**NOTHING, flip=True)(x, generator=generator())
    same = (view - x).abs().amax((1, 2)) < 1e-5
    mirrored = (view - x.flip(2)).abs().amax((1, 2)) < 1e-5
    assert (same | mirrored).all()
    assert 70 < same.sum() < 130


def test_brightness_is_one_factor_for_an_image():
    x = 0.2 + 0.3 * images(200)
    factors = Augmentation(**{**NOTHING, "brightness": 0.5})(x, generator=generator()) / x
    assert torch.allclose(factors, factors[:, :1, :1].expand_as(factors), atol=1e-4)
    assert 0.5 <= factors.min() < 0.55
    assert 1.45 < factors.max() <= 1.5001


def test_noise_has_its_standard_deviation():
    x = torch.full((100, 20, 20), 0.5)
    noise = Augmentation(**{**NOTHING, "noise": 0.1})(x, generator=generator()) - x
    assert abs(noise.std().item() - 0.1) < 0.002
    assert abs(noise.mean().item()) < 0.002


def centres(x):
    mass = x.sum((1, 2))
    rows = (x.sum(2) * torch.arange(x.shape[1])).sum(1) / mass
    columns = (x.sum(1) * torch.arange(x.shape[2])).sum(1) / mass
    return torch.stack([rows, columns], 1)


def blob(n=400, side=40):
    axis = torch.arange(side) - (side - 1) / 2
    lump = torch.exp(-(axis[:, None] ** 2 / 8 + (axis[None] - 4) ** 2 / 8))
    return lump.expand(n, side, side).contiguous()


def test_shifts_reach_as_far_as_they_say():
    x = blob()
    moved = centres(Augmentation(**{**NOTHING, "shift": 0.1})(x, generator=generator())) - centres(x)
    assert 3.7 < moved.abs().max() < 4.1  # a tenth of 40 pixels
    assert moved.abs().amax(0).min() > 3.7
    assert moved.mean(0).abs().max() < 0.5


def test_rotation_turns_about_the_middle_and_scale_enlarges():
    x = blob()
    middle = (x.shape[1] - 1) / 2
    arms = centres(Augmentation(**{**NOTHING, "rotation": 30})(x, generator=generator())) - middle
    angles = torch.rad2deg(torch.atan2(arms[:, 0], arms[:, 1]))
    assert torch.allclose(arms.norm(dim=1), torch.full((400,), 4.0), atol=0.05)
    assert 28 < angles.max() < 30.5
    assert -30.5 < angles.min() < -28
    arms = centres(Augmentation(**{**NOTHING, "scale": (0.5, 1.5)})(x, generator=generator())) - middle
    assert arms[:, 0].abs().max() < 0.02
    assert 1.95 < arms[:, 1].min() < 2.2
    assert 5.8 < arms[:, 1].max() < 6.05


def test_images_that_are_no_squares_keep_their_shapes():
    x = torch.zeros(200, 24, 48)
    x[:, 10:14, 22:26] = 1
    view = Augmentation(**{**NOTHING, "rotation": 45})(x, generator=generator())
    np.testing.assert_allclose(view.sum((1, 2)), 16, rtol=0.1)


def test_the_usual_ones():
    assert usual_augmentation("digits", (8, 8)) == Augmentation(shift=0.125)
    assert not usual_augmentation("mnist", (28, 28)).flip
    assert usual_augmentation("fashion-mnist", (28, 28)).flip
    assert usual_augmentation("FashionMNIST", (28, 28)).flip


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"noise": -1}, "noise must be a finite number from 0"),
        ({"scale": (1.2, 0.8)}, "scale must be two positive numbers"),
        ({"scale": (0, 1)}, "scale must be"),
        ({"rotation": float("nan")}, "rotation must be"),
    ],
)
def test_wrong_numbers(wrong, words):
    with pytest.raises(InputError, match=words):
        Augmentation(**wrong)

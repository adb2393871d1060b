"""What a study that trains is asked for, against its data: few classes, few images, many slices."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")
from linregions import enumerate_regions
from linregions.errors import InputError
from linregions.readers import read_torch
from linregions.studies import supervised
from linregions.studies.datasets import Images, load
from linregions.studies.fitting import TWO, most_nearest
from linregions.studies.folder import read_study
from linregions.studies.ssl import run as ssl
from linregions.studies.ssl.encoders import build_encoder
from linregions.studies.supervised_report import FAR, NEAR, NOISE

TINY = {"seeds": 1, "steps": 6, "checkpoints": 3, "batch": 16, "encoder": [8, 8], "resamples": 20}


def digits(*classes, few=None):
    """The digits of some classes, renumbered; with `few` only as many held-out images of the last class."""
    whole = load("digits")
    parts = []
    for x, y in ((whole.train, whole.train_labels), (whole.held, whole.held_labels)):
        rows = np.flatnonzero(np.isin(y, classes))
        parts += [x[rows], np.searchsorted(classes, y[rows])]
    if few is not None:
        last = np.flatnonzero(parts[3] == len(classes) - 1)[few:]
        parts[2:] = np.delete(parts[2], last, axis=0), np.delete(parts[3], last)
    return Images("some digits", *parts)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr("linregions.studies.ssl.report._pictures", lambda *_: {})
    monkeypatch.setattr("linregions.studies.supervised_report._picture", lambda *_: b"")


@pytest.mark.parametrize("few", [None, 1])
def test_two_classes_have_slices_of_two(tmp_path, few):
    images = digits(3, 8, few=few)
    done = ssl.run(images, out=tmp_path / "s", methods=["supervised", "simclr"], **TINY)
    manifest, rows = read_study(tmp_path / "s")
    nearest = 2 if few is None else 1
    assert (done.failed, most_nearest(images)) == (0, nearest)
    assert manifest.settings["slices"] == {"nearest": nearest, "pair": 6 - nearest, "noise": 1}
    for row in rows.values():
        assert row["kinds"] == ["nearest"] * nearest + ["pair"] * (6 - nearest) + ["noise"]
        assert all(point["slices"]["identities_hold"] == [True] * 7 for point in row["checkpoints"])
    text = (tmp_path / "s" / "report.md").read_text()
    assert f"{TWO}." in text
    assert f"{6 - nearest} through two held-out images and a random direction" in text
    again = ssl.run(images, out=tmp_path / "s", methods=["supervised", "simclr"], **TINY)
    assert again.done == again.asked == 2


def test_three_classes_have_the_slices_that_ten_have(tmp_path):
    images = digits(3, 5, 8)
    ssl.run(images, out=tmp_path / "s", methods=["supervised"], **TINY)
    manifest, _ = read_study(tmp_path / "s")
    assert manifest.settings["slices"] == ssl.SLICES
    assert "instead" not in manifest.facts
    assert TWO not in (tmp_path / "s" / "report.md").read_text()


def test_the_supervised_story_of_two_classes(tmp_path):
    images = digits(3, 8)
    done = supervised.run(images, out=tmp_path, slices=3, **TINY)
    assert (done.failed, done.error) == (0, "")
    (row,) = read_study(tmp_path)[1].values()
    assert row["kinds"] == [NEAR] * 3 + [NOISE] * 3 + [FAR] * 3
    assert all(point["slices"]["identities_hold"] == [True] * 9 for point in row["checkpoints"])
    assert f"{TWO}." in (tmp_path / "report.md").read_text()
    # The counts of the start, by the encoder built again and whole enumerations of planes made again.
    planes = supervised._planes(images, {"slices": 3, "seed": 0, "away": supervised.AWAY}, 2)
    network = read_torch(build_encoder([8, 8], images.shape, seed=0), input_shape=(1, 8, 8))
    counts = [len(enumerate_regions(network, each.plane)) for _, each in planes]
    assert row["checkpoints"][0]["slices"]["n_regions"] == counts


def test_far_slices_have_the_size_and_the_directions_of_the_near_ones():
    for classes, images in ((2, digits(3, 8)), (3, digits(3, 5, 8))):
        planes = supervised._planes(images, {"slices": 2, "seed": 0, "away": 5.0}, classes)
        near, far = ([each for kind, each in planes if kind == name] for name in (NEAR, FAR))
        for a, b in zip(near, far, strict=True):
            assert a.pad == b.pad
            for part in ("q", "r"):
                mine, other = (getattr(s.plane, part) - s.plane.p for s in (a, b))
                assert mine == pytest.approx(other, abs=1e-9)
            assert np.linalg.norm(b.plane.p - a.plane.p) > 5.0


@pytest.mark.parametrize("study", [ssl.run, supervised.run])
@pytest.mark.parametrize(
    ("make", "options", "sentence"),
    [
        (
            lambda: digits(3),
            {},
            "^some digits: all held-out images are of one class, and slices go through images of two",
        ),
        (lambda: "digits", {"held": 1}, "^held: 1 held-out image is of one class, .*; give a larger held=N"),
        (
            lambda: "digits",
            {"train": 2},
            "^train: a batch of 16 does not fit into 2 images .*train=16 .*, or batch=2 or",
        ),
        (
            lambda: "digits",
            {"train": 1},
            "^train: a batch of 16 does not fit into 1 image to train on; give train=16 or more$",
        ),
        (
            lambda: "digits",
            {"batch": 2000},
            "^batch: 2000 images do not fit into the 1437 of digits .* give batch=1437 or",
        ),
        (lambda: "digits", {"slices": 99999}, "^slices must be a whole number from 1 to 64, got 99999$"),
        (lambda: "digits", {"slices": 64, "held": 4}, "^slices: these data give at most"),
    ],
)
def test_what_does_not_fit_is_one_sentence_before_any_work(tmp_path, study, make, options, sentence):
    with pytest.raises(InputError, match=sentence):
        study(make(), out=tmp_path / "s", **TINY | options)
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("study", [ssl.run, supervised.run])
def test_too_few_held_out_images_are_what_the_error_names(tmp_path, study):
    with pytest.raises(InputError, match=r"^held: 4 held-out images may be too few: "):
        study("digits", out=tmp_path / "s", held=4, **TINY)
    assert not (tmp_path / "s").exists()


def test_images_of_few_pixels_have_fewer_directions(tmp_path):
    rng = np.random.default_rng(0)
    y = np.arange(90) % 3
    x = (0.2 * y[:, None, None] + 0.5 * rng.random((90, 3, 4))).astype(np.float32)
    images = load((x, y))
    for study, more in ((ssl.run, {"methods": ["supervised"]}), (supervised.run, {})):
        done = study(images, out=tmp_path / study.__module__, **TINY | more)
        assert (done.failed, done.error) == (0, "")

"""Probe inputs: what they hold, that they repeat, and what they refuse."""

from __future__ import annotations

import io
import re
import sys
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

torch = pytest.importorskip("torch")
datasets = pytest.importorskip("sklearn.datasets")

from linregions import InputError, MissingExtraError  # noqa: E402
from linregions.scores import probes  # noqa: E402

IMAGES = datasets.load_digits().images
ALL = {
    "digits": lambda n, seed: probes.digits(n, seed=seed),
    "photos": lambda n, seed: probes.photos(n, seed=seed),
    "noise": lambda n, seed: probes.noise(n, seed=seed),
    "text": lambda n, seed: probes.text(n, 32, seed=seed),
}


def bilinear(image: np.ndarray, size: int) -> np.ndarray:
    """Pixel centres at half-integers, edges repeated: one pixel after the other."""
    small = len(image)
    out = np.empty((size, size))
    for i in range(size):
        for j in range(size):
            y, x = (min(max((k + 0.5) * small / size - 0.5, 0), small - 1) for k in (i, j))
            y0, x0 = int(y), int(x)
            y1, x1 = min(y0 + 1, small - 1), min(x0 + 1, small - 1)
            top = image[y0, x0] * (1 - x + x0) + image[y0, x1] * (x - x0)
            low = image[y1, x0] * (1 - x + x0) + image[y1, x1] * (x - x0)
            out[i, j] = top * (1 - y + y0) + low * (y - y0)
    return out


@pytest.mark.parametrize("name", ALL)
def test_a_seed_says_which_and_nothing_global_changes(name):
    before = torch.get_rng_state(), np.random.get_state(legacy=False)["state"]  # noqa: NPY002
    first, again, other = ALL[name](8, 3), ALL[name](8, 3), ALL[name](8, 4)
    assert torch.equal(first.inputs, again.inputs)
    assert first.sha256 == again.sha256 != other.sha256
    assert torch.equal(torch.get_rng_state(), before[0])
    now = np.random.get_state(legacy=False)["state"]  # noqa: NPY002
    assert np.array_equal(now["key"], before[1]["key"])
    assert now["pos"] == before[1]["pos"]
    assert len({tuple(row.flatten().tolist()) for row in first.inputs}) == 8, "samples repeat"


@pytest.mark.parametrize("name", ALL)
def test_a_record_says_what_they_are(name):
    probe = ALL[name](4, 0)
    record = probe.as_dict()
    assert record["name"] == name
    assert tuple(record["shape"]) == tuple(probe.inputs.shape) == probe.shape
    assert record["dtype"] == ("int64" if name == "text" else "float32")
    assert record["sha256"][:12] in str(probe)
    assert record["source"] in str(probe)
    assert not isinstance(record["options"].get("seed", 0), torch.Tensor)


@pytest.mark.parametrize("size", [1, 5, 8, 13, 32])
def test_digits_are_enlarged_as_documented(size):
    got = probes.digits(3, size=size, channels=2, normalise=False).inputs
    want = np.stack([bilinear(image / 16, size) for image in IMAGES[:3]])
    assert got.shape == (3, 2, size, size)
    for channel in range(2):
        np.testing.assert_allclose(got[:, channel].numpy(), want, atol=1e-6)


def test_digits_of_their_own_size_are_the_data_themselves():
    got = probes.digits(1797, size=8, channels=1, normalise=False).inputs
    assert np.array_equal(got[:, 0].numpy(), (IMAGES / 16).astype(np.float32))


@settings(max_examples=30)
@given(samples=st.integers(2, 40), size=st.integers(2, 20), channels=st.integers(1, 4))
def test_normalised_digits_have_mean_0_and_deviation_1(samples, size, channels):
    got = probes.digits(samples, size=size, channels=channels).inputs.double()
    assert abs(float(got.mean())) < 1e-6
    assert abs(float(got.std(correction=0)) - 1) < 1e-6


def test_drawn_digits_are_different_digits():
    drawn = probes.digits(1797, size=8, channels=1, seed=1, normalise=False).inputs[:, 0]
    there = Counter(map(bytes, (IMAGES / 16).astype(np.float32)))
    assert Counter(map(bytes, drawn.numpy())) == there


def test_photos_are_patches_of_the_two_pictures():
    pictures = datasets.load_sample_images().images
    got = probes.photos(6, size=24, seed=5, normalise=False).inputs
    for s, patch in enumerate(np.round(got.numpy() * 255).astype(np.uint8)):
        windows = np.lib.stride_tricks.sliding_window_view(pictures[s % 2], (24, 24), axis=(0, 1))
        corner = (windows[..., 0, 0] == patch[:, 0, 0]).all(axis=2)  # compare where the first pixel agrees
        assert any(np.array_equal(windows[i, j], patch) for i, j in np.argwhere(corner))


def test_noise_is_standard_normal():
    values = probes.noise(50, shape=(40, 50), seed=2).inputs.double()
    assert abs(float(values.mean())) < 0.02
    assert abs(float(values.std()) - 1) < 0.02


def test_text_numbers_tokens_by_how_often_they_occur():
    from pydoc_data.topics import topics

    whole = "\n".join(topics[name] for name in sorted(topics)).lower()
    squeezed = re.sub(r"([^\w\s])\1+", r"\1", whole)
    # A second way to the tokens: a run is one sign, and every sign stands alone.
    words = re.sub(r"([^\w\s])", r" \1 ", squeezed).split()
    numbers = probes.text(500, 64).inputs.flatten().tolist()
    # Numbers and words correspond one to one, except that runs are tokens of their own.
    single = Counter(zip(numbers, words, strict=False))
    by_number = {}
    for number, word in single:
        by_number.setdefault(number, set()).add(word)
    assert all(len(words) == 1 for words in by_number.values())
    often = Counter(probes.text(len(words) // 64, 64).inputs.flatten().tolist())
    assert min(often) == 1
    assert often[1] > often[20] > often[300]


@given(vocabulary=st.integers(2, 5000))
def test_text_stays_in_its_vocabulary(vocabulary):
    whole, cut = (probes.text(40, 16, vocabulary=v, seed=0).inputs for v in (30_522, vocabulary))
    assert int(cut.min()) >= 0
    assert int(cut.max()) < vocabulary
    assert torch.equal(cut, torch.where(whole < vocabulary, whole, 0))


def test_the_same_values_have_the_same_hash_however_they_lie():
    values = torch.arange(12, dtype=torch.float32).reshape(3, 4)
    assert probes.digest(values.T.contiguous().T) == probes.digest(values)
    different = [values, values.reshape(4, 3), values.double(), values + 1, values.int()]
    assert len({probes.digest(v) for v in different}) == len(different)


@given(hnp.arrays(st.sampled_from(["<f4", ">f4", "<f8", "<i4", "u1", "?"]), hnp.array_shapes(max_dims=4, max_side=4)))
def test_a_file_is_read_back(tmp_path_factory, array):
    path = tmp_path_factory.mktemp("probe") / "x.npy"
    np.save(path, array)
    with np.errstate(over="ignore"):
        want = array.astype(np.float32 if array.dtype.kind == "f" else np.int64)
    if not np.isfinite(want).all():
        with pytest.raises(InputError, match=r"x\.npy: sample \d+ has a number"):
            probes.from_file(path)
        return
    got = probes.from_file(path)
    assert np.array_equal(got.inputs.numpy(), want)
    assert got.name == "x.npy"


def test_files_that_are_refused(tmp_path):
    archive = io.BytesIO()
    np.savez(archive, a=np.ones(3))
    header = io.BytesIO()
    np.save(header, np.ones((3, 3)))
    for name, content, why in [
        ("text.npy", b"1,2,3\n", "cannot be read"),
        ("cut.npy", header.getvalue()[:-8], "cannot be read"),
        ("none.npy", b"", "cannot be read"),
        ("archive.npy", archive.getvalue(), "archive"),
    ]:
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=why) as error:
            probes.from_file(tmp_path / name)
        assert name in str(error.value)
    for name, array, why in [
        ("scalar.npy", np.float64(1), r"shape \(\)"),
        ("empty.npy", np.empty((0, 3)), r"shape \(0, 3\)"),
        ("words.npy", np.array(["a"]), "holds <U1"),
        ("large.npy", np.array([2**63], np.uint64), "64-bit"),
    ]:
        np.save(tmp_path / name, array)
        with pytest.raises(InputError, match=why):
            probes.from_file(tmp_path / name)
    objects = np.array([object()], dtype=object)
    np.save(tmp_path / "objects.npy", objects, allow_pickle=True)
    with pytest.raises(InputError, match="cannot be read"):
        probes.from_file(tmp_path / "objects.npy")
    with pytest.raises(InputError, match=r"nowhere\.npy"):
        probes.from_file(tmp_path / "nowhere.npy")


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: probes.digits(0), "samples must be a positive whole number, got 0"),
        (lambda: probes.digits(1798), "samples must be at most 1797, got 1798"),
        (lambda: probes.digits(4, size=0), "size must be"),
        (lambda: probes.digits(4, channels=2.5), "channels must be"),  # type: ignore[arg-type]
        (lambda: probes.digits(4, seed=-1), "seed must be a whole number from 0 to 9223372036854775807, got -1"),
        (lambda: probes.photos(4, size=428), "size must be a whole number from 1 to 427"),
        (lambda: probes.noise(4, shape=(3, 0)), "shape must be"),
        (lambda: probes.text(4, 10**6), "tokens must be at most"),
        (lambda: probes.text(4, 32, vocabulary=1), "vocabulary must be at least 2"),
        (lambda: probes.text(10**5, 32), "samples must be at most"),
    ],
)
def test_arguments_that_are_refused(call, sentence):
    with pytest.raises(InputError, match=sentence):
        call()


@pytest.mark.parametrize(("name", "package"), [("digits", "sklearn"), ("photos", "sklearn"), ("photos", "PIL")])
def test_a_missing_package_is_one_sentence_with_the_remedy(monkeypatch, name, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=re.escape("pip install 'linregions[study]'")) as error:
        ALL[name](4, 0)
    assert {"sklearn": "scikit-learn", "PIL": "Pillow"}[package] in str(error.value)

"""Image data sets: what is written as IDX is read back; every way to be wrong is one sentence that names the file."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import linregions
from linregions.errors import InputError
from linregions.studies.datasets import load, read_idx
from linregions.studies.datasets.idx import TYPES

DATA = Path(__file__).parents[3] / "shared" / "data"
CODES = {np.dtype(t).newbyteorder("="): code for code, t in TYPES.items()}


def idx_bytes(array):
    """An IDX file by the format's description, written without the loader's help."""
    code = CODES[array.dtype]
    head = struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape)
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


def write(folder, stem, array, *, packed=False):
    folder.mkdir(parents=True, exist_ok=True)
    data = idx_bytes(array)
    path = folder / (stem + ".gz" if packed else stem)
    path.write_bytes(gzip.compress(data) if packed else data)
    return path


def some(count, seed=0, size=4):
    rng = np.random.default_rng(seed)
    labels = (np.arange(count) % 10).astype(np.uint8)
    return rng.integers(0, 256, (count, size, size), dtype=np.uint8), labels


def put(folder, count=20, *, part="t10k", packed=False, seed=0, size=28):
    images, labels = some(count, seed, size)
    write(folder, f"{part}-images-idx3-ubyte", images, packed=packed)
    write(folder, f"{part}-labels-idx1-ubyte", labels, packed=packed)
    return images, labels


@settings(max_examples=25)
@given(
    data=st.data(),
    dtype=st.sampled_from(sorted(CODES, key=str)),
    packed=st.booleans(),
)
def test_what_is_written_is_read_back(tmp_path_factory, data, dtype, packed):
    array = data.draw(hnp.arrays(dtype, hnp.array_shapes(max_dims=4, max_side=5)))
    path = write(tmp_path_factory.mktemp("idx"), "file", array, packed=packed)
    found = read_idx(path, axes=array.ndim)
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


def test_the_magic_numbers_of_mnist(tmp_path):
    images, labels = some(3)
    assert idx_bytes(images)[:4] == (2051).to_bytes(4, "big")
    assert idx_bytes(labels)[:4] == (2049).to_bytes(4, "big")


@settings(max_examples=25)
@given(cut=st.integers(0, 63), packed=st.booleans())
def test_a_file_that_is_cut_off_is_refused(tmp_path_factory, cut, packed):
    folder = tmp_path_factory.mktemp("cut")
    whole = idx_bytes(some(3)[0])  # 16 + 48 bytes
    assert len(whole) == 64
    path = folder / "file"
    path.write_bytes(gzip.compress(whole[:cut]) if packed else whole[:cut])
    with pytest.raises(InputError, match="file: "):
        read_idx(path)


@settings(max_examples=25)
@given(share=st.floats(0.05, 0.95))
def test_a_gzip_that_is_cut_off_is_refused(tmp_path_factory, share):
    folder = tmp_path_factory.mktemp("gz")
    whole = gzip.compress(idx_bytes(some(50)[0]))
    (folder / "file.gz").write_bytes(whole[: max(3, int(share * len(whole)))])
    with pytest.raises(InputError, match=r"file\.gz: .*copy the file again"):
        read_idx(folder / "file.gz")


def test_damaged_gzip_data_is_refused(tmp_path):
    whole = bytearray(gzip.compress(idx_bytes(some(50)[0])))
    whole[-6] ^= 0xFF  # the checksum
    (tmp_path / "file.gz").write_bytes(whole)
    with pytest.raises(InputError, match="gzip data is damaged"):
        read_idx(tmp_path / "file.gz")


@pytest.mark.parametrize("packed", [False, True])
def test_sizes_that_the_file_cannot_hold_take_no_memory(tmp_path, packed):
    head = struct.pack(">HBB3I", 0, 8, 3, 2**32 - 1, 2**32 - 1, 2**32 - 1) + b"\0" * 20
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(head) if packed else head)
    with pytest.raises(InputError, match=r"4294967295 x 4294967295 x 4294967295 values, which is more"):
        read_idx(path)


def test_other_wrong_files(tmp_path):
    path = tmp_path / "file"
    for content, words in (
        (b"PK\x03\x04 something", "is no IDX file, its first bytes are 50 4b 03 04"),
        (b"", "first bytes are missing"),
        (bytes([0, 0, 10, 1, 0, 0, 0, 0]), "is no IDX file"),
        (bytes([0, 0, 8, 0]), "is no IDX file"),
        (bytes([0, 0, 8, 3, 0, 0]), "ends before the sizes"),
        (bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 7, 7]), "there are more"),
    ):
        path.write_bytes(content)
        with pytest.raises(InputError, match=words):
            read_idx(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_idx(tmp_path / "none")
    write(tmp_path, "labels", some(3)[1])
    with pytest.raises(InputError, match="has 1 axis where 3 must be"):
        read_idx(tmp_path / "labels", axes=3)


@pytest.mark.parametrize("below", ["", "raw", "MNIST/raw", "mnist"])
@pytest.mark.parametrize("packed", [False, True])
def test_the_folders_of_a_named_set(tmp_path, below, packed):
    images, labels = put(tmp_path / below, packed=packed)
    found = load("mnist", root=tmp_path, seed=3)
    assert (len(found.train), len(found.held), found.split, found.seed) == (16, 4, "drawn", 3)
    both = np.concatenate([found.train, found.held])
    # Every image once, with its label, scaled exactly.
    order = np.argsort([row.tobytes() for row in both])
    wanted = images.astype(np.float32) / np.float32(255)
    there = np.argsort([row.tobytes() for row in wanted])
    np.testing.assert_array_equal(both[order], wanted[there])
    np.testing.assert_array_equal(np.concatenate([found.train_labels, found.held_labels])[order], labels[there])


def test_the_other_spelling_and_both_parts(tmp_path):
    images, labels = some(30, 1, 28)
    write(tmp_path, "train-images.idx3-ubyte", images)
    write(tmp_path, "train-labels.idx1-ubyte", labels)
    tests, _ = put(tmp_path, 10)
    found = load(tmp_path, train=12)
    assert (len(found.train), len(found.held), found.split) == (12, 10, "given")
    np.testing.assert_array_equal(found.held, tests.astype(np.float32) / np.float32(255))
    assert set(found.files) >= {"train-images.idx3-ubyte", "t10k-labels-idx1-ubyte"}
    smaller = load(tmp_path, train=5)
    np.testing.assert_array_equal(smaller.train, found.train[:5])


def test_the_folder_decides_and_nothing_is_guessed(tmp_path):
    put(tmp_path / "MNIST" / "raw")
    put(tmp_path / "FashionMNIST" / "raw", seed=1)
    a, b = load("mnist", root=tmp_path), load("fashion-mnist", root=tmp_path)
    assert a.checksum != b.checksum
    with pytest.raises(InputError, match="no file train-images"):
        load(tmp_path)
    put(tmp_path, seed=2)
    with pytest.raises(InputError, match=r"both .* hold IDX images; name the folder itself"):
        load("mnist", root=tmp_path)
    put(tmp_path / "fashion-mnist")
    with pytest.raises(InputError, match="says by its name that it holds another data set"):
        load("mnist", root=tmp_path / "fashion-mnist")


def test_what_is_missing_is_listed(tmp_path):
    with pytest.raises(InputError) as error:
        load("mnist", root=tmp_path)
    assert all(str(tmp_path / part) in str(error.value) for part in ("raw", "MNIST/raw", "mnist"))
    write(tmp_path, "t10k-images-idx3-ubyte", some(5)[0])
    with pytest.raises(InputError, match=r"its labels are missing; tried .*t10k-labels-idx1-ubyte\.gz"):
        load(tmp_path)
    with pytest.raises(InputError, match="nothing is downloaded"):
        load("mnist")
    with pytest.raises(InputError, match="is no folder"):
        load("mnist", root=tmp_path / "nowhere")
    with pytest.raises(InputError, match="is no data set"):
        load("mnits")
    with pytest.raises(InputError, match="root goes with"):
        load("digits", root=tmp_path)


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_a_named_set_has_its_own_size(tmp_path, name):
    put(tmp_path / "raw", size=14)
    with pytest.raises(InputError) as error:
        load(name, root=tmp_path)
    folder = tmp_path / "raw"
    assert str(error.value).startswith(f"{name}: its images are 28 x 28, but {folder} holds images of 14 x 14; ")
    assert str(error.value).endswith(f"data={folder}")
    assert load(folder).shape == (14, 14)


def test_labels_that_do_not_fit(tmp_path):
    images, labels = some(20, size=28)
    write(tmp_path, "t10k-images-idx3-ubyte", images)
    write(tmp_path, "t10k-labels-idx1-ubyte", labels[:-1])
    with pytest.raises(InputError, match="20 images but t10k-labels-idx1-ubyte 19 labels"):
        load(tmp_path)
    write(tmp_path, "t10k-labels-idx1-ubyte", labels + 1)
    with pytest.raises(InputError, match="labels must lie from 0 to 9, found 10"):
        load("mnist", root=tmp_path)
    with pytest.raises(InputError, match="found -1"):
        load((images, labels.astype(np.int64) - 1))


def test_archives(tmp_path):
    (a, ya), (b, yb) = some(20), some(10, 1)
    path = tmp_path / "small.npz"
    np.savez(path, x_train=a, y_train=ya, x_test=b, y_test=yb)
    found = load(path)
    assert (found.name, len(found.train), len(found.held)) == ("small", 20, 10)
    np.savez(path, x_train=a, y_train=ya)
    with pytest.raises(InputError, match="x_test, y_test, but lacks x_test, y_test; save"):
        load(path)
    np.savez(path, a=a, b=b)
    with pytest.raises(InputError, match="x_train, y_train, x_test, y_test, but holds 'a', 'b'; save"):
        load(path)
    np.savez(path)
    with pytest.raises(InputError, match="but holds nothing; save"):
        load(path)
    np.savez(path, x_train=a.reshape(20, 16), y_train=ya, x_test=b, y_test=yb)
    with pytest.raises(InputError, match=r"got \(20, 16\) of uint8; reshape flat ones, to \(20, 4, 4\) where"):
        load(path)
    np.savez(path, x_train=np.array([None]), y_train=ya, x_test=b, y_test=yb)
    with pytest.raises(InputError, match="cannot be read as a"):
        load(path)
    path.write_bytes(b"no zip")
    with pytest.raises(InputError, match="cannot be read as a"):
        load(path)


def test_arrays_and_their_range():
    images, labels = some(20)
    fractions = load((images / 255.0, labels))
    np.testing.assert_array_equal(fractions.train, load((images, labels)).train)
    for wrong, words in (
        (images / 2.0, "must lie in"),
        (np.where(images == images[0, 0, 0], np.nan, 0.5), "must lie in"),
        (images.astype(np.int32) * 2, "whole numbers from 0 to 255"),
        (images[:, 0], "shape"),
        (images[:0], "shape"),
    ):
        with pytest.raises(InputError, match=words):
            load((wrong, labels[: len(wrong)]))
    with pytest.raises(InputError, match="labels\\), got 3"):
        load((images, labels, images))
    with pytest.raises(InputError, match="differ in size"):
        load((images, labels, images[:, :2], labels))


def test_the_split_of_the_digits_is_drawn_by_the_seed():
    a, b, c = load("digits"), load("digits"), load("digits", seed=1)
    assert (len(a.train), len(a.held), a.classes) == (1437, 360, 10)
    assert a.checksum == b.checksum != c.checksum
    assert a.train.dtype == np.float32
    assert a.train.min() == 0
    assert a.train.max() == 1
    assert "drawn by seed 0" in str(a)
    assert a.as_dict()["sha256"] == a.checksum
    with pytest.raises(InputError, match="train must be a whole number from 1 to 1437"):
        load("digits", train=1438)


@pytest.mark.skipif(not DATA.is_dir(), reason="the folder ../shared/data with the users' files is not there")
@pytest.mark.parametrize(("name", "counts"), [("mnist", (8000, 2000)), ("fashion-mnist", (3520, 880))])
def test_the_real_files(name, counts):
    found = load(name, root=DATA / name)
    assert (len(found.train), len(found.held)) == counts
    assert (found.shape, found.classes) == ((28, 28), 10)
    assert load(name, root=DATA).checksum == found.checksum


def test_no_pickle_is_read():
    folder = Path(linregions.__file__).parent / "studies" / "datasets"
    text = "".join(p.read_text(encoding="utf-8") for p in folder.glob("*.py"))
    assert "np.load(path, allow_pickle=False)" in text
    assert "pickle=True" not in text

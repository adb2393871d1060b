"""`.npz` and `.safetensors`: what is read, what is written, and everything that is refused."""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile

import numpy as np
import pytest
from onnx_models import numbers

from linregions.errors import InputError
from linregions.network import Network
from linregions.readers import read, write_npz

LAYERS = {"W0": numbers(4, 2), "b0": numbers(4), "W1": numbers(3, 4), "b1": numbers(3)}


def save(path, **tensors):
    if path.suffix == ".npz":
        np.savez(path, **tensors)
    else:
        path.write_bytes(safetensors(tensors))
    return path


def safetensors(tensors, header=None):
    """The bytes of a .safetensors file, by its specification."""
    names, entries, data = {"f2": "F16", "f4": "F32", "f8": "F64", "i8": "I64"}, {}, b""
    for name, values in tensors.items():
        values = np.ascontiguousarray(values)
        entries[name] = {
            "dtype": names[values.dtype.str[1:]],
            "shape": list(values.shape),
            "data_offsets": [len(data), len(data) + values.nbytes],
        }
        data += values.tobytes()
    text = json.dumps(entries if header is None else header).encode()
    return len(text).to_bytes(8, "little") + text + data


def refused(path, *words):
    """Reading fails with one sentence that has these words."""
    with pytest.raises(InputError) as caught:
        read(path)
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < 400
    for word in words:
        assert word in text, text
    return text


def message(path):
    """What reading says when it refuses, else nothing."""
    try:
        read(path)
    except InputError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_round_trip(tmp_path, suffix, kind):
    layers = {k: v.astype(kind) for k, v in LAYERS.items()}
    net = read(save(tmp_path / f"net{suffix}", **layers))
    want = Network.from_arrays([(layers["W0"], layers["b0"]), (layers["W1"], layers["b1"])])
    assert net.hash == want.hash
    write_npz(net, tmp_path / "again.npz")
    assert read(str(tmp_path / "again.npz")).hash == want.hash


def test_files_of_the_safetensors_package(tmp_path):
    package = pytest.importorskip("safetensors.numpy")
    package.save_file(LAYERS, tmp_path / "net.safetensors", metadata={"made": "by hand"})
    assert read(tmp_path / "net.safetensors").input_dim == 2


def test_bfloat16(tmp_path):
    values = np.array([1.5, -0.15625], np.float32)
    half = (values.view(np.uint32) >> 16).astype(np.uint16)
    header = {
        "W0": {"dtype": "BF16", "shape": [1, 1], "data_offsets": [0, 2]},
        "b0": {"dtype": "BF16", "shape": [1], "data_offsets": [2, 4]},
    }
    (tmp_path / "net.safetensors").write_bytes(safetensors({}, header) + half.tobytes())
    np.testing.assert_array_equal(read(tmp_path / "net.safetensors")([2.0]), [3 - 0.15625])


def test_extreme_weights(tmp_path):
    net = read(
        save(
            tmp_path / "net.npz",
            W0=np.array([[1e150], [1e-150]]),
            b0=np.zeros(2),
            W1=np.array([[1e150, 1e-150]]),
            b1=np.zeros(1),
        )
    )
    assert net.input_dim == 1


def test_fortran_order_and_compression(tmp_path):
    np.savez_compressed(tmp_path / "net.npz", **{k: np.asfortranarray(v) for k, v in LAYERS.items()})
    np.testing.assert_array_equal(read(tmp_path / "net.npz").stages[0].weight, LAYERS["W0"])


def test_write_is_atomic_and_refuses_other_networks(tmp_path):
    path = save(tmp_path / "net.npz", **LAYERS)
    before = path.read_bytes()
    other = Network.from_arrays([([[1.0]], [0.0]), ([[1.0]], [0.0])], activation="abs")
    with pytest.raises(InputError, match="layer 1"):
        write_npz(other, path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["net.npz"]
    with pytest.raises(InputError, match=r"\.npz"):
        write_npz(other, tmp_path / "net.txt")
    with pytest.raises(InputError, match="cannot be written"):
        write_npz(read(path), tmp_path / "no such folder" / "net.npz")


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"b0": None}, ["b0 is missing"]),
        ({"W1": None}, ["W1 is missing"]),
        ({"W3": numbers(1, 3), "b3": numbers(1)}, ["W2 is missing"]),
        ({"bias": numbers(1)}, ["unknown array 'bias'"]),
        ({"W1": numbers(3, 5)}, ["layer 1", "layer 2", "4", "5"]),
        ({"b1": numbers(4)}, ["layer 2", "(3,)", "(4,)"]),
        ({"W0": numbers(8)}, ["layer 1", "two axes"]),
        ({"W0": np.full((4, 2), np.nan, np.float32)}, ["layer 1: weight", "NaN"]),
        ({"b1": np.full(3, np.inf, np.float32)}, ["layer 2: bias", "infinity"]),
    ],
)
def test_bad_layers(tmp_path, suffix, change, words):
    tensors = {k: v for k, v in {**LAYERS, **change}.items() if v is not None}
    refused(save(tmp_path / f"net{suffix}", **tensors), f"net{suffix}", *words)


def test_no_arrays(tmp_path):
    refused(save(tmp_path / "net.npz"), "no arrays")


def test_missing_and_unknown_files(tmp_path):
    refused(tmp_path / "net.npz", "no such file")
    (tmp_path / "net.txt").write_text("")
    refused(tmp_path / "net.txt", "unknown file type")
    (tmp_path / "folder.npz").mkdir()
    refused(tmp_path / "folder.npz", "not a file")
    with pytest.raises(InputError, match="expected a path"):
        read(3)


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_truncated_anywhere(tmp_path, suffix):
    data = save(tmp_path / f"net{suffix}", **LAYERS).read_bytes()
    for length in [*range(0, len(data), 37), len(data) - 1]:
        path = tmp_path / f"cut{suffix}"
        path.write_bytes(data[:length])
        refused(path)


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_damaged_anywhere(tmp_path, suffix):
    # Whatever one byte becomes, the outcome is a network or an InputError.
    data = save(tmp_path / f"net{suffix}", **LAYERS).read_bytes()
    path = tmp_path / f"bad{suffix}"
    for at in range(0, len(data), 7):
        path.write_bytes(data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :])
        assert "\n" not in message(path)


@pytest.mark.parametrize("name", ["net.npz", "net.onnx", "net.pkl", "net.pt", "net.pth"])
def test_pickles_are_not_opened(tmp_path, name):
    class Harmful:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "done"),))

    (tmp_path / name).write_bytes(pickle.dumps(Harmful()))
    refused(tmp_path / name, "pickle")
    assert not (tmp_path / "done").exists()


def test_object_arrays(tmp_path):
    refused(save(tmp_path / "net.npz", **{**LAYERS, "W0": np.array([[1, None]], object)}), "W0", "objects")
    refused(save(tmp_path / "net.npz", **{**LAYERS, "W0": np.ones((4, 2), complex)}), "W0", "complex")


def npy(values, shape=None):
    """The bytes of an .npy file, with another shape in its header on request."""
    stream = io.BytesIO()
    head = {"descr": "<f8", "fortran_order": False, "shape": np.shape(values) if shape is None else shape}
    np.lib.format.write_array_header_1_0(stream, head)
    return stream.getvalue() + np.asarray(values, "<f8").tobytes()


def archive(path, members, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return path


def test_header_that_claims_more_than_the_file_holds(tmp_path):
    path = archive(tmp_path / "net.npz", {"W0.npy": npy(np.ones((2, 2)), (10**9, 10**6)), "b0.npy": npy(np.ones(2))})
    refused(path, "W0", "claims 8000000000000000 bytes", "holds 32")
    header = {"W0": {"dtype": "F64", "shape": [10**9, 10**6], "data_offsets": [0, 8 * 10**15]}}
    (tmp_path / "net.safetensors").write_bytes(safetensors({}, header))
    refused(tmp_path / "net.safetensors", "W0", "claims 8000000000000000 bytes")
    (tmp_path / "net.safetensors").write_bytes((2**60).to_bytes(8, "little") + b"{}")
    refused(tmp_path / "net.safetensors", "header claims")


def test_zip_bomb(tmp_path):
    path = archive(tmp_path / "net.npz", {"W0.npy": npy(np.zeros((3000, 4000)))})
    assert path.stat().st_size < 200_000
    refused(path, "zip bomb")


def test_odd_members(tmp_path):
    refused(archive(tmp_path / "net.npz", {"W0.npy": b"hello"}), "W0", "no .npy array")
    refused(archive(tmp_path / "net.npz", {"readme.txt": b"hello"}), "readme.txt")
    header = b"{'descr': '<f8', 'shape': (".ljust(53) + b"\n"  # no end: the tokenizer of numpy's reader gives up
    cut = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
    refused(archive(tmp_path / "net.npz", {"W0.npy": cut}), "W0", "no .npy array")


@pytest.mark.parametrize(
    "header",
    [
        [],
        {"W0": 3},
        {"W0": {"dtype": "F64", "shape": [-1], "data_offsets": [0, 8]}},
        {"W0": {"dtype": "C64", "shape": [], "data_offsets": [0, 8]}},
    ],
)
def test_bad_safetensors_headers(tmp_path, header):
    (tmp_path / "net.safetensors").write_bytes(safetensors({}, header) + bytes(8))
    refused(tmp_path / "net.safetensors")

"""ONNX files: what is refused and how, external data, and real networks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_models import flat, model, node, numbers

from linregions.errors import InputError, UnsupportedModelError
from linregions.readers import read

DATA = Path(__file__).resolve().parents[2] / "../shared/data"
REAL = [*sorted(DATA.glob("acasxu/*.onnx")), *sorted(DATA.glob("mnist-nets/*.onnx"))]
MLP = [node("Gemm", "x w c", "a", transB=1, name="first"), node("Relu", "a", "y")]


def mlp(**constants):
    return model(MLP, {"w": numbers(4, 3), "c": numbers(4), **constants}, [1, 3])


def refused(source, *words):
    with pytest.raises(InputError) as caught:
        read(source)
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < 500
    for word in words:
        assert word in text, text


def message(path):
    """What reading says when it refuses, else nothing."""
    try:
        read(path)
    except InputError as error:
        return str(error)
    return ""


def stored(tmp_path, proto):
    (tmp_path / "net.onnx").write_bytes(proto.SerializeToString())
    return tmp_path / "net.onnx"


def external(tmp_path, location, *, offset=0, length=48, size=48):
    """A model whose weight w lies in another file."""
    (tmp_path / "model").mkdir(exist_ok=True)
    for folder in (tmp_path, tmp_path / "model"):
        (folder / "w.bin").write_bytes(numbers(4, 3).tobytes()[:size])
    proto = mlp()
    tensor = next(t for t in proto.graph.initializer if t.name == "w")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", offset), ("length", length)):
        tensor.external_data.add(key=key, value=str(value))
    return stored(tmp_path / "model", proto)


def test_external_data_in_the_folder(tmp_path):
    assert read(external(tmp_path, "w.bin")).hash == read(mlp()).hash


@pytest.mark.parametrize(
    "location", ["../w.bin", "/etc/passwd", "..\\w.bin", "a/../../w.bin", "link.bin", "", "C:w.bin"]
)
def test_external_data_elsewhere(tmp_path, location):
    path = external(tmp_path, location)
    (tmp_path / "model" / "link.bin").symlink_to(tmp_path / "w.bin")
    refused(path, "'w'", "folder")


def test_external_data_that_does_not_fit(tmp_path):
    refused(external(tmp_path, "w.bin", size=40), "'w'", "48 bytes", "holds 40")
    refused(external(tmp_path, "w.bin", offset=8), "'w'", "byte 8")
    refused(external(tmp_path, "w.bin", length=44), "'w'", "44")
    refused(external(tmp_path, "w.bin", offset=-8), "'w'")
    refused(external(tmp_path, "w.bin", offset="x"), "'w'", "whole numbers")
    refused(external(tmp_path, "none.bin"), "'w'", "missing")
    refused(onnx.load(external(tmp_path, "w.bin"), load_external_data=False), "path instead")


def test_truncated_and_damaged(tmp_path):
    data = stored(tmp_path, mlp()).read_bytes()
    for length in range(0, len(data), 23):
        (tmp_path / "cut.onnx").write_bytes(data[:length])
        refused(tmp_path / "cut.onnx")
    for at in range(0, len(data), 5):
        (tmp_path / "bad.onnx").write_bytes(data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :])
        assert "\n" not in message(tmp_path / "bad.onnx")
    (tmp_path / "text.onnx").write_text("hello")
    refused(tmp_path / "text.onnx", "ONNX")


def test_tensor_that_claims_more_than_it_holds():
    proto = mlp()
    proto.graph.initializer[0].dims[0] = 10**12
    refused(proto, "'w'", "claims 3000000000000 numbers", "holds 12")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_not_finite(value):
    refused(mlp(c=np.float32([0, 0, value, 0])), "'first'", "bias", "NaN or infinite")


def test_shapes_that_do_not_chain():
    refused(mlp(w=numbers(4, 5)), "'first'", "(1, 3)", "(5, 4)")
    refused(
        model([node("Conv", "x w", "y", name="c")], {"w": numbers(1, 2, 3, 3)}, [1, 3, 4, 4]),
        "'c'",
        "(1, 3, 4, 4)",
        "(1, 2, 3, 3)",
    )
    refused(
        model([node("Conv", "x w", "y", name="c")], {"w": numbers(1, 1, 5, 5)}, [1, 1, 4, 4]), "'c'", "does not fit"
    )
    refused(model([node("Reshape", "x s", "y", name="r")], {"s": np.array([7, 7])}, [1, 3]), "'r'", "cannot be read")


def test_all_unsupported_at_once():
    nodes = [
        node("Tanh", "x", "a", name="n1"),
        node("Mul", "x x", "b", name="n2"),
        node("Exp", "a", "c"),
        node("Floor", "b", "d", name="n4"),
        node("Relu", "d", "e", name="n5"),
        node("ThresholdedRelu", "e", "f", name="n6"),
        node("QuantizeLinear", "f s", "g", name="n7"),
        helper.make_node("Magic", ["g"], ["h"], name="n8", domain="com.example"),
        node("Softmax", "h", "y", name="n9"),
    ]
    with pytest.raises(UnsupportedModelError) as caught:
        read(model(nodes, {"s": np.float32(1)}, [1, 3]))
    text = "\n".join(caught.value.problems)
    assert len(caught.value.problems) == 8
    assert "n5" not in text
    assert "node 'n1' (Tanh): Tanh is not piecewise linear" in text
    assert "node 'n2' (Mul): a product of two variable tensors is not piecewise linear" in text
    assert "node 'n6' (ThresholdedRelu): ThresholdedRelu is not continuous" in text
    assert "com.example" in text
    assert "leaves the regions unchanged" in text


def test_odd_graphs():
    refused(model([node("Relu", "z", "y")], {}, [1, 3]), "'z'")
    refused(model([node("Relu", "x", "a")], {}, [1, 3]), "'y'")
    refused(model([node("Relu", "x", "y")], {}, [1, "width"]), "width")
    refused(model([node("Relu", "x", "y")], {}, None), "shape")
    refused(model([node("Relu", "x", "y")], {}, [1, 3], kind=TensorProto.INT64), "floating-point")
    refused(model([node("Relu", "x", "y")], {}, [1, 3], opset=6), "opset 6")
    refused(model([node("Relu", "x", "y")], {}, [10**6, 10**6]), "elements")


def test_constants_and_convolutions_that_do_not_fit():
    big = np.array([10**6, 10**6])
    refused(model([node("ConstantOfShape", "s", "c"), node("Add", "x c", "y")], {"s": big}, [1, 1]), "elements")
    refused(model([node("Expand", "x s", "y")], {"s": big}, [1, 1]), "elements")
    refused(
        model([node("Conv", "x w", "y", pads=[9] * 4, name="c")], {"w": numbers(64, 32, 19, 19)}, [1, 32, 224, 224]),
        "'c'",
        "non-zero",
    )


def test_a_reader_that_errs_is_caught(monkeypatch):
    from linregions.readers import onnx_ops

    monkeypatch.setitem(onnx_ops.HANDLERS, "Neg", lambda n: n.x)
    refused(model([node("Neg", "x", "y")], {}, [1, 3]), "disagree")


@pytest.mark.skipif(not REAL, reason="shared data folder with real networks is absent")
@pytest.mark.parametrize("path", REAL, ids=lambda p: p.name)
def test_real_networks(path):
    from onnx.reference import ReferenceEvaluator

    net = read(path)
    evaluator = ReferenceEvaluator(onnx.load(path))
    (value,) = [
        i for i in evaluator.proto_.graph.input if i.name not in {t.name for t in evaluator.proto_.graph.initializer}
    ]
    shape = [max(d.dim_value, 1) for d in value.type.tensor_type.shape.dim]
    x = np.random.default_rng(3).random(shape).astype(np.float32)
    np.testing.assert_allclose(flat(net, x), np.ravel(evaluator.run(None, {value.name: x})[0]), rtol=1e-4, atol=1e-4)


@pytest.mark.skipif(not REAL, reason="shared data folder with real networks is absent")
def test_sizes_of_real_networks():
    nets = {p.name: read(p) for p in REAL}
    assert nets["ACASXU_run2a_2_1_batch_2000.onnx"].unit_count == 300
    assert len(nets["ACASXU_run2a_2_1_batch_2000.onnx"].stages) == 7
    assert nets["mnist-net_256x2.onnx"].unit_count == 512
    assert [s.units for s in nets["mnist_0.1.onnx"].stages] == [6272, 3136, 100, 10]


def test_imports_are_lazy(tmp_path):
    path = stored(tmp_path, mlp())
    code = (
        "import sys, linregions.readers as r; heavy = ('torch', 'scipy', 'onnx', 'safetensors');"
        "assert not any(m in sys.modules for m in heavy);"
        f"r.read({str(path)!r}); assert 'torch' not in sys.modules and 'scipy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_external_data_written_by_onnx(tmp_path):
    onnx.save(
        mlp(w=numbers(40, 3), c=numbers(40)),
        tmp_path / "net.onnx",
        save_as_external_data=True,
        size_threshold=0,
        location="w.data",
    )
    proto = onnx.load(tmp_path / "net.onnx")
    net = read(tmp_path / "net.onnx")
    np.testing.assert_array_equal(net.stages[0].weight, numpy_helper.to_array(proto.graph.initializer[0]))


def test_unused_initializers_do_not_matter():
    proto = mlp(spare=np.float32([np.nan]))
    assert read(proto).hash == read(mlp()).hash


def test_doubling_without_end():
    nodes = [node("Concat", f"{'x' if k == 0 else f'v{k - 1}'} " * 2, f"v{k}", axis=1) for k in range(60)]
    refused(model([*nodes, node("Relu", "v59", "y")], {}, [1, 1000]), "elements")


def test_clip_at_the_largest_float_is_no_bound():
    largest = np.finfo(np.float32).max
    nodes = [node("Clip", "x a b", "y")]
    assert read(model(nodes, {"a": np.float32(0), "b": largest}, [1, 2])).stages[0].activation.functions[0].pieces == 2


def test_public_readers_refuse_missing_files(tmp_path):
    from linregions.readers import read_arrays, read_onnx

    for reader, name in ((read_onnx, "a.onnx"), (read_arrays, "a.npz")):
        with pytest.raises(InputError, match="no such file"):
            reader(tmp_path / name)
    with pytest.raises(InputError, match="unknown file type"):
        read_onnx(tmp_path / "a.npz")

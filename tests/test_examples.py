"""The shipped network is what its script trains."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np

EXAMPLES = Path(__file__).parent.parent / "examples"


def test_the_script_trains_the_shipped_network(tmp_path):
    import onnx
    from onnx import numpy_helper

    spec = importlib.util.spec_from_file_location("train_moons", EXAMPLES / "train_moons.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)

    layers = script.train()
    assert script.accuracy(layers, seed=1) > 0.97
    script.save_onnx(layers, tmp_path / "moons.onnx")
    trained, shipped = (
        {t.name: numpy_helper.to_array(t) for t in onnx.load(str(path)).graph.initializer}
        for path in (tmp_path / "moons.onnx", EXAMPLES / "moons.onnx")
    )
    assert trained.keys() == shipped.keys()
    for name, weight in shipped.items():
        assert weight.dtype == np.float32
        np.testing.assert_allclose(trained[name], weight, rtol=1e-4, atol=1e-6)  # another BLAS rounds otherwise

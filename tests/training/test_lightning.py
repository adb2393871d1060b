"""Lightning: both of its names, a run that is not disturbed, and a history that a resumed run keeps."""

from __future__ import annotations

import importlib
import subprocess
import sys
import warnings
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("lightning")
pytest.importorskip("pytorch_lightning")
import torch
from standin import Watch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from linregions import Plane, enumerate_regions
from linregions.errors import InputError
from linregions.training import RegionTracker
from linregions.training.collapse import CollapseRule
from linregions.training.lightning import LightningCallback, LightningCollapseStop

NAMES = ["lightning.pytorch", "pytorch_lightning"]
STEPS = 8  # batches in an epoch


def module_class(pl):
    class Classifier(pl.LightningModule):
        def __init__(self):
            super().__init__()
            self.backbone = nn.Sequential(nn.Linear(8, 6), nn.ReLU(), nn.Dropout(0.2), nn.Linear(6, 5), nn.ReLU())
            self.head = nn.Linear(5, 3)

        def training_step(self, batch, _index):
            x, y = batch
            loss = nn.functional.cross_entropy(self.head(self.backbone(x)), y)
            self.log("loss", loss)
            return loss

        def validation_step(self, batch, _index):
            x, _ = batch
            self.log("size", self.head(self.backbone(x)).abs().mean())

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), lr=0.01)

    return Classifier


def batches(seed=1):
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(16 * STEPS, 8, generator=generator)
    y = torch.randint(0, 3, (16 * STEPS,), generator=generator)
    return DataLoader(TensorDataset(x, y), batch_size=16)


def fit(name, folder, callbacks=(), *, epochs=2, loggers=False, ckpt_path=None, **options):
    pl = importlib.import_module(name)
    torch.set_num_threads(1)
    pl.seed_everything(3, verbose=False)
    model = module_class(pl)()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer = pl.Trainer(
            max_epochs=epochs,
            accelerator="cpu",
            callbacks=list(callbacks),
            logger=loggers,
            default_root_dir=folder,
            enable_progress_bar=False,
            enable_model_summary=False,
            **{"enable_checkpointing": False, "num_sanity_val_steps": 1, **options},
        )
        trainer.fit(model, batches(), batches(2), ckpt_path=ckpt_path)
    return trainer, model


def weights(model):
    return [p.detach().clone() for p in model.parameters()]


@pytest.mark.parametrize("name", NAMES)
def test_a_tracked_run_is_the_untracked_one(name, tmp_path):
    _, plain = fit(name, tmp_path)
    watch = Watch(every=2)
    trainer, tracked = fit(name, tmp_path, [LightningCallback(watch, namespace=name)])
    assert all(torch.equal(a, b) for a, b in zip(weights(plain), weights(tracked), strict=True))
    assert [r["step"] for r in watch.history.rows] == list(range(0, 2 * STEPS + 1, 2))
    assert watch.asked == list(range(1, 2 * STEPS + 1))
    # The last row is of the backbone as it is now.
    last = Watch(every=1).measure(tracked.backbone, 0)["regions/n_regions"]
    assert watch.history.rows[-1]["regions/n_regions"] == last
    assert float(trainer.callback_metrics["regions/n_regions"]) == last


@pytest.mark.parametrize("name", NAMES)
def test_every_row_reaches_the_loggers_with_its_step(name, tmp_path):
    pl = importlib.import_module(name)
    logger = pl.loggers.TensorBoardLogger(tmp_path) if name == "lightning.pytorch" else pl.loggers.CSVLogger(tmp_path)
    logged = []
    logger.log_metrics = lambda metrics, step=None: logged.append((step, dict(metrics)))
    watch = Watch(every=3)
    fit(name, tmp_path, [LightningCallback(watch, namespace=name)], loggers=[logger])
    ours = [(step, m["regions/n_regions"]) for step, m in logged if "regions/n_regions" in m]
    assert ours == [(r["step"], r["regions/n_regions"]) for r in watch.history.rows]
    assert ours[0][0] == 0


@pytest.mark.parametrize("when", ["epochs", "validation"])
def test_other_moments(when, tmp_path):
    watch = Watch()
    fit("lightning.pytorch", tmp_path, [LightningCallback(watch, when=when)])
    assert [r["step"] for r in watch.history.rows] == [0, STEPS, 2 * STEPS]
    assert watch.asked == []


def test_accumulated_batches_are_one_step(tmp_path):
    watch = Watch()
    fit("lightning.pytorch", tmp_path, [LightningCallback(watch)], accumulate_grad_batches=4)
    assert [r["step"] for r in watch.history.rows] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("name", NAMES)
def test_a_resumed_run_keeps_slices_and_history(name, tmp_path):
    pl = importlib.import_module(name)
    whole = Watch(every=2)
    _, straight = fit(name, tmp_path, [LightningCallback(whole, namespace=name)], epochs=2)

    keeper = pl.callbacks.ModelCheckpoint(dirpath=tmp_path, filename="first")
    first = Watch(every=2)
    first.points = first.points.copy()
    fit(name, tmp_path, [LightningCallback(first, namespace=name), keeper], epochs=1, enable_checkpointing=True)
    again = Watch(every=2)
    again.points = np.zeros_like(again.points)  # what the checkpoint brings back
    callback = LightningCallback(again, namespace=name)
    _, resumed = fit(name, tmp_path, [callback], epochs=2, ckpt_path=str(tmp_path / "first.ckpt"))
    assert again.points.tobytes() == first.points.tobytes()
    assert [r["step"] for r in again.history.rows] == [r["step"] for r in whole.history.rows]
    assert again.history.rows[: len(first.history.rows)] == first.history.rows
    assert len(weights(resumed)) == len(weights(straight))


def tracker(**options):
    """The real one, on two slices of the eight inputs."""
    points = np.random.default_rng(7).random((6, 8))
    planes = [Plane.through(*points[:3]), Plane.through(*points[3:])]
    return RegionTracker(slices=planes, schedule=4, share=None, **options)


@pytest.mark.parametrize("name", NAMES)
def test_the_real_tracker_measures_the_backbone_and_disturbs_nothing(name, tmp_path):
    _, plain = fit(name, tmp_path)
    real = tracker(sinks=tmp_path / "run.csv")
    trainer, tracked = fit(name, tmp_path, [LightningCallback(real, namespace=name)])
    assert all(torch.equal(a, b) for a, b in zip(weights(plain), weights(tracked), strict=True))
    assert tracked.training == plain.training
    assert real.history.steps.tolist() == [0, 4, 8, 12, 16]
    counts = [enumerate_regions(tracked.backbone.eval(), part.plane).count.value for part in real.slices]
    assert [row["n_regions"] for row in real.history.slices[-2:]] == counts
    assert float(trainer.callback_metrics["regions/n_regions"]) == np.mean(counts)
    assert len((tmp_path / "run.csv").read_text().splitlines()) == 6


def test_a_checkpoint_holds_the_real_tracker(tmp_path):
    name = NAMES[0]
    pl = importlib.import_module(name)
    keeper = pl.callbacks.ModelCheckpoint(dirpath=tmp_path, filename="first")
    first, again = tracker(), RegionTracker(slices=Plane.through(*np.eye(8)[:3]), schedule=1, share=None)
    fit(name, tmp_path, [LightningCallback(first), keeper], epochs=1, enable_checkpointing=True)
    fit(name, tmp_path, [LightningCallback(again)], epochs=2, ckpt_path=str(tmp_path / "first.ckpt"))
    assert again.history.steps.tolist() == [0, 4, 8, 12, 16]
    assert again.history.rows[:3] == first.history.rows
    assert [s.plane.p.tolist() for s in again.slices] == [s.plane.p.tolist() for s in first.slices]


@pytest.mark.parametrize("when", ["steps", "epochs", "validation"])
def test_a_second_fit_numbers_on(when, tmp_path):
    pl = importlib.import_module(NAMES[0])
    real = tracker(sinks=tmp_path / "run.csv")
    callback = LightningCallback(real, when=when)
    fit(NAMES[0], tmp_path, [callback], epochs=1)
    first = real.history.steps.tolist()
    assert first == ([0, 4, 8] if when == "steps" else [0, 8])
    keeper = pl.callbacks.ModelCheckpoint(dirpath=tmp_path, filename="second")
    fit(NAMES[0], tmp_path, [callback, keeper], epochs=1, enable_checkpointing=True)
    expected = [0, 4, 8, 12, 16] if when == "steps" else [0, 8, 16]
    assert real.history.steps.tolist() == expected
    assert [line.split(",")[0] for line in (tmp_path / "run.csv").read_text().splitlines()[1:]] == [*map(str, expected)]
    # The second run, resumed in another process, keeps the numbers that it had.
    again = tracker()
    fit(NAMES[0], tmp_path, [LightningCallback(again, when=when)], epochs=2, ckpt_path=str(tmp_path / "second.ckpt"))
    assert again.history.steps.tolist() == expected + ([20, 24] if when == "steps" else [24])
    assert again.history.rows[: len(expected)] == real.history.rows


def test_a_second_fit_measures_its_start_where_the_last_row_is_older(tmp_path):
    real = RegionTracker(slices=Plane.through(*np.eye(8)[:3]), schedule=3, share=None)
    callback = LightningCallback(real)
    for _ in range(2):
        fit(NAMES[0], tmp_path, [callback], epochs=1)
    assert real.history.steps.tolist() == [0, 3, 6, 8, 9, 12, 15]  # 8, which is seen, is where the second begins


def test_a_run_without_validation_says_that_nothing_will_be_measured():
    callback = LightningCallback(Watch(), when="validation")
    trainer = SimpleNamespace(is_global_zero=True, global_step=0, loggers=[], enable_validation=False)
    with pytest.warns(UserWarning, match="when='validation', but this run has no validation"):
        callback.on_train_start(trainer, nn.Linear(8, 2))


@pytest.mark.parametrize("name", NAMES)
def test_collapse_stops_the_run(name, tmp_path):
    class Falling(Watch):
        def measure(self, model, step, **extra):
            row = {"step": step, "status": "complete", "regions/n_regions": 100 - 10 * step}
            self.history.rows.append(row)
            return row

    watch = Falling()
    stop = LightningCollapseStop(watch, rule=CollapseRule(warm_up=2), namespace=name)
    trainer, _ = fit(name, tmp_path, [LightningCallback(watch, namespace=name), stop])
    assert stop.verdict.step == 6  # 40 of 100
    assert trainer.global_step == 6
    healthy = Watch()
    kept = LightningCollapseStop(healthy, rule=CollapseRule(share=0.01), namespace=name)
    assert fit(name, tmp_path, [LightningCallback(healthy, namespace=name), kept])[0].global_step == 2 * STEPS


def test_both_packages_are_served_where_both_are_in_use():
    both = [importlib.import_module(name).Callback for name in NAMES]
    assert all(isinstance(LightningCallback(Watch()), base) for base in both)
    for name, base, other in zip(NAMES, both, both[::-1], strict=True):
        one = LightningCallback(Watch(), namespace=name)
        assert isinstance(one, base)
        assert not isinstance(one, other)
        assert isinstance(one, LightningCallback)
    with pytest.raises(InputError, match="namespace"):
        LightningCallback(Watch(), namespace="lightning.fabric")
    with pytest.raises(InputError, match="tracker"):
        LightningCallback(3)
    with pytest.raises(InputError, match="when"):
        LightningCallback(Watch(), when="now")


@pytest.mark.parametrize("name", NAMES)
def test_the_package_in_use_is_found(name, monkeypatch):
    base, other = (importlib.import_module(n).Callback for n in (name, NAMES[1 - NAMES.index(name)]))
    monkeypatch.delitem(sys.modules, NAMES[1 - NAMES.index(name)])
    one = LightningCallback(Watch())
    assert isinstance(one, base)
    assert not isinstance(one, other)


def test_importing_the_callbacks_loads_no_framework():
    code = "import linregions.training.lightning, sys; assert not {'torch', 'lightning'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_missing_package_is_one_sentence():
    code = """
import sys
sys.modules["lightning"] = sys.modules["pytorch_lightning"] = None
from linregions.errors import MissingExtraError
from linregions.training.lightning import LightningCollapseStop
try:
    LightningCollapseStop([])
except MissingExtraError as error:
    assert "pip install lightning" in str(error), error
else:
    raise AssertionError
"""
    subprocess.run([sys.executable, "-c", code], check=True)

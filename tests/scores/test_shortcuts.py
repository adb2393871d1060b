"""Known modules run without the watch: what is seen must be what the whole watch sees."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from torch import nn  # noqa: E402
from torch.overrides import TorchFunctionMode  # noqa: E402
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402

from linregions.errors import InputError  # noqa: E402
from linregions.scores.capturing import modes, shortcuts  # noqa: E402
from linregions.scores.capturing.forward import capture  # noqa: E402

PARTS = {
    "conv": lambda: nn.Conv2d(3, 3, 3, padding=1),
    "norm": lambda: nn.BatchNorm2d(3),
    "relu": lambda: nn.ReLU(),
    "in place": lambda: nn.ReLU(inplace=True),
    "max": lambda: nn.MaxPool2d(3, 1, 1),
    "mean": lambda: nn.AvgPool2d(3, 1, 1),
    "linear": lambda: nn.Linear(6, 6),
    "gelu": lambda: nn.GELU(),
}


def seen(model, inputs, **options):
    """Names and planes of all activations."""
    found = []

    def visit(each):
        found.append((str(each.layer), [plane.clone() for plane in each.planes(each.values)]))

    done = capture(model, inputs, visit, **options)
    return found, done.output, [str(each) for each in done.ignored]


def assert_same(one, other):
    assert [name for name, _ in one[0]] == [name for name, _ in other[0]]
    for (_, planes), (_, others) in zip(one[0], other[0], strict=True):
        assert all(torch.equal(a, b) for a, b in zip(planes, others, strict=True))
    assert torch.equal(one[1], other[1])
    assert one[2] == other[2]


def watched_whole(monkeypatch, *args, **options):
    with monkeypatch.context() as patch:
        patch.setattr(shortcuts.Shortcuts, "enter", lambda self, module, args: None)
        return seen(*args, **options)


@settings(max_examples=60, deadline=None)
@given(
    parts=st.lists(st.sampled_from(sorted(PARTS)), min_size=1, max_size=8),
    indicator=st.sampled_from(["positive", "sign", "piece"]),
    max_pool=st.booleans(),
    samples=st.integers(1, 5),
)
def test_the_same_with_and_without_shortcuts(parts, indicator, max_pool, samples):
    torch.manual_seed(len(parts))
    model = nn.Sequential(*(PARTS[part]() for part in parts), nn.ReLU())
    x = torch.randn(samples, 3, 6, 6)
    options = {"indicator": indicator, "max_pool": max_pool}
    short = seen(model, x, **options)
    with pytest.MonkeyPatch.context() as patch:
        assert_same(short, watched_whole(patch, model, x, **options))


def test_known_modules_run_without_the_watch():
    inside = []

    class Asking(nn.Conv2d):
        def forward(self, input):
            inside.append(modes.length())
            return super().forward(input)

    conv, asking = nn.Conv2d(1, 1, 1), Asking(1, 1, 1)
    convolve = conv._conv_forward
    conv._conv_forward = lambda *args: (inside.append(modes.length()), convolve(*args))[1]
    capture(nn.Sequential(conv, asking, nn.ReLU()), torch.ones(2, 1, 1, 1), lambda each: None)
    assert inside == [(0, 0), (1, 1)]
    assert modes.length() == (0, 0)


class Shifted(nn.Module):
    """A convolution of constants beside one of the inputs."""

    def __init__(self):
        super().__init__()
        self.one, self.two, self.act = nn.Conv2d(1, 1, 1), nn.Conv2d(1, 1, 1), nn.ReLU()

    def forward(self, x):
        return self.act(self.one(torch.ones(1, 1, 2, 2))) + self.act(self.two(x))


def test_constants_are_told_apart(monkeypatch):
    model, x = Shifted(), torch.randn(3, 1, 2, 2)
    short = seen(model, x)
    assert_same(short, watched_whole(monkeypatch, model, x))


def test_changed_modules_are_watched():
    def hooked(conv):
        conv.register_forward_pre_hook(lambda module, args: (torch.relu(args[0]),))

    def hooked_after(conv):
        conv.register_forward_hook(lambda module, args, output: torch.relu(output))

    def replaced(conv):
        plain = conv.forward
        conv.forward = lambda x: torch.relu(plain(x))

    def parametrised(conv):
        class Positive(nn.Module):
            def forward(self, weight):
                return torch.relu(weight)

        nn.utils.parametrize.register_parametrization(conv, "weight", Positive())

    for change in (hooked, hooked_after, replaced, parametrised):
        conv = nn.Conv2d(2, 2, 1)
        change(conv)
        found, _, ignored = seen(nn.Sequential(conv, nn.ReLU()), torch.randn(3, 2, 4, 4))
        assert len(found) == 1 + (change is not parametrised), change
        assert found[-1][0] == "1 (relu)"
        assert len(ignored) == (change is parametrised)


def test_functional_transforms_and_other_modes_are_watched(monkeypatch):
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU())

    class Mapped(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = model

        def forward(self, x):
            return torch.func.vmap(self.inner)(x)

    x = torch.randn(5, 3)
    assert_same(seen(Mapped(), x), watched_whole(monkeypatch, Mapped(), x))

    counted = []

    class Operations(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            counted.append(str(func))
            return func(*args, **(kwargs or {}))

    class Functions(TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            counted.append(getattr(func, "__name__", ""))
            return func(*args, **(kwargs or {}))

    class Within(nn.Module):
        def __init__(self, mode):
            super().__init__()
            self.inner, self.mode = model, mode

        def forward(self, x):
            with self.mode():
                return self.inner(x)

    for mode, name in ((Operations, "aten.addmm.default"), (Functions, "linear")):
        counted.clear()
        assert_same(seen(Within(mode), x), watched_whole(monkeypatch, Within(mode), x))
        assert name in counted


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("caught", [False, True])
def test_an_interrupt_within_a_shortcut_leaves_nothing_behind(error, caught, monkeypatch):
    conv = nn.Conv2d(1, 1, 1)

    def failing(*args):
        raise error("now")

    conv._conv_forward = failing

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.act = conv, nn.ReLU()

        def forward(self, x):
            try:
                return self.conv(x)
            except error:
                if not caught:
                    raise
                return torch.relu(x) + self.act(x)

    x = torch.randn(2, 1, 3, 3)
    if caught:
        if error is RuntimeError:
            assert [name for name, _ in seen(Model(), x)[0]] == ["(model) (relu)", "act (relu)"]
        else:
            with pytest.raises(InputError, match="goes on after an interrupt"):
                seen(Model(), x)
    else:
        with pytest.raises(error):
            seen(Model(), x)
    assert modes.length() == (0, 0)
    assert not modes.global_forward_hooks
    assert not modes.global_forward_pre_hooks


def test_nan_in_a_shortcut_is_refused_with_the_layer():
    model = nn.Sequential(nn.Conv2d(1, 1, 1), nn.ReLU())
    with pytest.raises(InputError, match="layer 1 \\(relu\\) gives NaN"):
        seen(model, torch.full((2, 1, 1, 1), float("nan")))
    assert modes.length() == (0, 0)


def test_a_failing_shortcut_is_named():
    model = nn.Sequential(nn.Sequential(nn.ReLU(), nn.Linear(4, 2)))
    with pytest.raises(RuntimeError) as caught:
        seen(model, torch.ones(2, 3))
    assert caught.value.__notes__ == ["in layer 0.1 (Linear)"]


def test_without_the_inner_parts_of_torch_everything_is_watched(monkeypatch):
    """Another version of torch may lack them: the same is seen, only slower."""
    net = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(4), nn.ReLU())
    x = torch.randn(4, 2, 6, 6, generator=torch.Generator().manual_seed(0))
    net(x)

    def seen():
        found = []
        capture(net, x, lambda o: found.append((str(o.layer), o.values.clone())))
        return found

    quick = seen()
    monkeypatch.setattr("linregions.scores.capturing.shortcuts.modes", None)
    slow = seen()
    assert [name for name, _ in quick] == [name for name, _ in slow]
    assert all(torch.equal(a, b) for (_, a), (_, b) in zip(quick, slow, strict=True))

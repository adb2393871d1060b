"""Tables of accuracies, and spaces by their names."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from linregions.errors import InputError
from linregions.scores.spaces import Space, Table, find_space, read_lines, read_table, seeded, space_names

ROWS = Table("darts", ("a", "b", "a", "c"), np.array([3.0, 9.0, 5.0, 9.0]), {"seeds": np.array([1, 2, 3, 1])}, "t.csv")


def test_rows_and_ranks():
    assert len(ROWS) == 4
    assert ROWS.row("a") == 0
    assert [ROWS.rank(name) for name in "abc"] == [4, 1, 1]
    assert "b" in ROWS
    assert "d" not in ROWS
    with pytest.raises(InputError, match=r"architecture: 'd' is not in t\.csv, which holds 4 architectures of darts"):
        ROWS.rank("d")


def test_it_tells_what_stands_twice():
    assert str(ROWS) == "4 architectures of darts, accuracy 3.00 to 9.00, median 7.00, 1 of them again (t.csv)"
    assert ROWS.as_dict()["distinct"] == 3


def test_parts():
    part = ROWS.take([3, 0])
    assert part.architectures == ("c", "a")
    assert part.accuracy.tolist() == [9, 3]
    assert part.columns["seeds"].tolist() == [1, 1]
    assert ROWS.take(ROWS.accuracy > 4).architectures == ("b", "a", "c")
    drawn = ROWS.draw(3, np.random.default_rng(1))
    assert len(drawn) == 3
    assert drawn.architectures == ROWS.draw(3, np.random.default_rng(1)).architectures
    assert ROWS.draw(9, np.random.default_rng(1)) is ROWS


def test_nothing_in_it_can_be_changed():
    given = np.array([1.0, 2.0])
    table = Table("darts", ("a", "b"), given)
    given[0] = 5
    assert table.accuracy[0] == 1
    with pytest.raises(ValueError, match="read-only"):
        table.accuracy[0] = 5


def test_columns_fit_the_architectures():
    with pytest.raises(InputError, match=r"t\.csv: column seeds has shape \(3,\), but there are 2 architectures"):
        Table("darts", ("a", "b"), np.zeros(2), {"seeds": np.zeros(3)}, "t.csv")
    with pytest.raises(InputError, match="holds no architecture"):
        Table("darts", (), np.zeros(0))


def test_lines(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b'\xef\xbb\xbf"a,b",1\r\n\r\n"c\nd",2\r\n')
    assert list(read_lines(path)) == [(f"{path}: line 1", ["a,b", "1"]), (f"{path}: line 4", ["c\nd", "2"])]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b'a,1\n"b,2\n', "line 2: not comma-separated values"),
        (b"a,1\n\nb,\xff\n", "line 3: not UTF-8 text"),
        (b"a" * 200_000 + b",1\n", "line 1: not comma-separated values"),
    ],
)
def test_no_such_lines(tmp_path, content, what):
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=what):
        list(read_lines(path))


@pytest.mark.parametrize("path", ["missing.csv", ".", "a\0b", 7])
def test_no_such_file(path):
    with pytest.raises(InputError, match=r"cannot be read|must name a file"):
        read_table("darts", path)


@pytest.mark.parametrize("name", ["dart", "", None, 3, ["darts"]])
def test_no_such_space(name):
    with pytest.raises(InputError, match="is not known; use one of darts, nb201"):
        find_space(name)


@pytest.mark.parametrize("name", ["darts", "nb201"])
def test_spaces_are_spaces(name):
    assert name in space_names()
    space = find_space(name)
    assert isinstance(space, Space)
    assert space.name == name
    assert space == find_space(name)


def test_seeded_leaves_the_random_state():
    torch = pytest.importorskip("torch")
    before = torch.get_rng_state()
    with seeded(3):
        first = torch.rand(2)
    with pytest.raises(ZeroDivisionError), seeded(3):
        torch.rand(2)[1 // 0]
    with seeded(3):
        assert torch.equal(first, torch.rand(2))
    assert torch.equal(before, torch.get_rng_state())
    with torch.device("meta"), seeded(3):
        elsewhere = torch.rand(2)
    assert torch.equal(first, elsewhere)
    for bad in (-1, 1.0, True, 2**63, None):
        with pytest.raises(InputError, match="seed must be a whole number"), seeded(bad):
            pass


def test_no_torch_is_needed_until_a_network_is_built():
    code = """
import sys
sys.modules["torch"] = None
import numpy as np
from linregions.errors import MissingExtraError
from linregions.scores.spaces import find_space
for name in ("darts", "nb201"):
    space = find_space(name)
    rng = np.random.default_rng(0)
    architecture = space.mutate(space.sample(rng), rng)
    assert space.parse(space.text(architecture)) == architecture
    try:
        space.build(architecture)
    except MissingExtraError as error:
        assert "pip install 'linregions[torch]'" in str(error)
    else:
        raise AssertionError("built")
"""
    subprocess.run([sys.executable, "-c", code], check=True)

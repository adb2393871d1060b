"""The pages on the paper's regimes and on bounds say what the library computes."""

from __future__ import annotations

import importlib.util
import math
import re
from functools import cache
from pathlib import Path

import pytest

from linregions import bounds, constructions
from linregions.bounds.catalogue import CATALOGUE

DOCS = Path(__file__).parent.parent / "docs"
PAGES = {"fixed-inputs": "fixed_inputs", "growing-depth": "growing_depth", "two-n0": "two_n0"}

# From the literature: shallow net of 2 n0 k units / special class with k layers of 2 n0 units.
TWO_N0 = {
    1: "3/3 5/6 7/12 9/24 11/48",
    2: "11/11 37/44 79/176 137/704 211/2,816",
    3: "42/42 299/336 988/2,688 2,325/21,504 4,526/172,032",
    5: "638/638 21,700/20,416 174,437/653,312 760,099/20,905,984 2,369,936/668,991,488",
    10: "616,666/616,666 1,221,246,132/631,465,984 93,178,047,049/646,621,167,616 "
    "1,910,882,868,067/662,140,075,638,784 19,415,908,147,836/678,031,437,454,114,816",
}


@cache
def script(name):
    spec = importlib.util.spec_from_file_location(name, DOCS / "regimes" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def text(page):
    return (DOCS / f"{page}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("page", "name"), PAGES.items())
def test_the_page_shows_the_tables_that_are_computed(page, name):
    shown = text(f"regimes/{page}")
    tables = script(name).tables()
    assert tables
    for table in tables:
        assert table in shown
    rows = sum(len(table.splitlines()) for table in tables)
    assert rows == sum(line.startswith("|") for line in shown.splitlines()), "a table of the page is not computed"


def test_the_table_of_the_literature_is_reproduced_to_the_digit():
    first = script("two_n0").tables()[0].splitlines()
    for line, (n0, row) in zip(first[2:], TWO_N0.items(), strict=True):
        assert line == f"| {n0} | {' | '.join(row.split())} |"


@pytest.mark.parametrize(("n0", "k"), [(1, 1), (1, 5), (2, 1), (2, 2), (2, 3), (3, 2), (3, 1)])
def test_the_table_of_the_literature_is_what_networks_have(n0, k):
    two = script("two_n0")
    made = constructions.pascanu_2014_special(n0, [2 * n0] * k)
    assert made.count().value == two.special(n0, k)
    assert made.confirmed()
    rival = constructions.shallow(n0, 2 * n0 * k)
    assert rival.count().value == two.shallow(n0, k)


def test_the_remarks_on_where_deep_does_not_win():
    two = script("two_n0")
    losing = {(n0, k) for n0 in two.INPUTS for k in two.DEPTHS if two.special(n0, k) < two.shallow(n0, k)}
    assert losing == {(5, 2), (10, 2)}
    assert two.zigzags(5, 2) == 24_704 > two.shallow(5, 2)
    assert two.zigzags(10, 2) == 1_130_332_160 < two.shallow(10, 2) < bounds.serra_2018((10, [20, 20])).value
    for number in ("20,416 against 21,700", "631,465,984 against 1,221,246,132", "1,130,332,160"):
        assert number in text("regimes/two-n0").replace("\n", " ")


def test_the_widths_and_depths_from_which_depth_wins():
    fixed, growing = script("fixed_inputs"), script("growing_depth")
    for n0, k in ((2, 2), (3, 2), (4, 3)):
        n = int(fixed.wins_from(fixed.lower, n0, k))
        assert fixed.lower(n0, n, k) > math.comb(k * n, 0) * sum(math.comb(k * n, j) for j in range(n0 + 1))
        assert fixed.lower(n0, n - 1, k) <= sum(math.comb(k * (n - 1), j) for j in range(n0 + 1))
    for n0, n in ((2, 2), (5, 2), (5, 8)):
        k = int(growing.wins_from(n0, n))
        assert growing.lower(n0, n, k) > growing.shallow(n0, k * n)
        assert growing.lower(n0, n, k - 1) <= growing.shallow(n0, (k - 1) * n)
    for k in range(1, 8):
        assert bounds.serra_2018((2, [1] * k)).value == k + 1


@pytest.mark.parametrize(("page", "name"), PAGES.items())
def test_the_figure_is_drawn(page, name, tmp_path):
    pytest.importorskip("matplotlib")
    drawn = tmp_path / f"{page}.png"
    script(name).draw(drawn)
    assert drawn.stat().st_size > 10_000
    assert f"({page}.png)" in text(f"regimes/{page}")


@pytest.mark.parametrize("path", sorted(DOCS.rglob("*.md")), ids=lambda p: p.relative_to(DOCS).as_posix())
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (path.parent / target).exists(), target


@pytest.mark.parametrize("path", sorted(p for folder in ("regimes", "pictures") for p in (DOCS / folder).glob("*.png")))
def test_pictures_are_small(path):
    assert path.stat().st_size < 200_000


@pytest.mark.parametrize("function", CATALOGUE, ids=lambda f: f.__name__)
def test_every_bound_stands_on_the_page(function):
    assert f"`{function.__name__}`" in text("bounds"), "describe it in docs/bounds.md"


@pytest.mark.parametrize("name", sorted(n for n in constructions.__all__ if n.islower()))
def test_every_construction_stands_on_the_page(name):
    assert re.search(rf"\b{name}\b", text("constructions")), "describe it in docs/constructions.md"


def test_every_conjectured_bound_is_named_as_one():
    page = text("bounds")
    conjectured = page[page.index("## Conjectured") :]
    for found in (bounds.all("2;8,8"), bounds.all("2;3", activation="maxout", rank=3), bounds.all("1;4,4")):
        for bound in found:
            assert (f"`{bound.name}`" in conjectured) >= (bound.status == "conjectured"), bound.name

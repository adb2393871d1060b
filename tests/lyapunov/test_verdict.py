"""The record: how it reads, and what it refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction

import pytest

from linregions import Box, Polytope
from linregions.errors import InputError
from linregions.lyapunov import Counterexample, Face, Left, Outcome, Verdict, candidates, verify
from linregions.lyapunov.verdict import equation_text, number_text, plain_number, point_text

BAD = Counterexample(3, "decrease", (Fraction(1, 3), Fraction(-2)), (Fraction(1, 7), Fraction(1, 6)), note="mode 2")


def test_numbers_are_short_or_rounded():
    assert number_text(Fraction(1, 3)) == "1/3"
    assert number_text(Fraction(10**20 + 1, 3 * 10**20)) == "0.333333"
    assert number_text((Fraction(1, 2), Fraction(1, 2))) == "1/2"
    assert number_text((Fraction(1, 4), Fraction(1, 2))) == "in [0.25, 0.5]"
    assert point_text((Fraction(1), Fraction(-1, 2))) == "(1, -1/2)"
    assert plain_number((Fraction(1, 4), Fraction(1))) == ["1/4", "1"]


def test_every_part_becomes_plain():
    face = Face(1, "positive", ((Fraction(0),), (Fraction(1, 2),)))
    verdict = Verdict(
        Outcome.REFUTED,
        "decrease",
        BAD.witness,
        BAD.value,
        counterexamples=(BAD,),
        faces=(face,),
        left=(Left(0, "positive"),),
        reason="V' is positive",
    )
    record = json.loads(json.dumps(verdict.as_dict()))
    assert record["witness"] == ["1/3", "-2"]
    assert record["value"] == ["1/7", "1/6"]
    assert record["counterexamples"][0]["note"] == "mode 2"
    assert record["left"] == [{"cell": 0, "condition": "positive", "note": ""}]
    assert face.as_dict()["vertices"] == [["0"], ["1/2"]]
    assert "REFUTED: V' is positive" in str(verdict)
    assert "mode 2" in str(BAD)
    assert "(1/2)" in str(face)


def test_outcomes_say_what_is_proved():
    assert [o for o in Outcome if o.proved] == [
        Outcome.PROVED_STRICT,
        Outcome.PROVED_OUTSIDE,
        Outcome.PROVED_COMPOSITE,
    ]
    assert not Verdict(Outcome.MARGINAL).proved


def test_an_open_verdict_has_no_certificate_and_no_truth():
    verdict = Verdict(Outcome.UNKNOWN, reason="the time ran out")
    with pytest.raises(InputError, match="proves nothing"):
        verdict.certificate()
    with pytest.raises(TypeError, match="more than two outcomes"):
        bool(verdict)


ONE = candidates.one_norm(2)
SQUARE = Box.cube(-0.5, 0.5, 2)


def test_numbers_beyond_float64_are_printed_from_the_fraction():
    assert number_text(Fraction(-7, 3) * 10**600) == "-2.33333e+600"
    assert number_text(Fraction(1, 10**400)) == "1e-400"
    assert number_text(Fraction(10) ** 6000) == "1e+6000"
    found = verify(ONE, "-x1+x1^3; -x2", Box.cube(-1e200, 1e200, 2), levels=False)
    assert "V' = 1e+600 at" in str(found)
    assert "radius 1e-400" in str(verify(ONE, "-x1; -x2", SQUARE, exclude=Fraction(1, 10**400)))


def test_intervals_are_said_as_far_as_they_go():
    close = (Fraction(281011234567, 10**13), Fraction(281011234569, 10**13))
    assert equation_text("V'", close) == "V' = 0.0281011"
    assert equation_text("V'", (Fraction(1, 4), Fraction(1, 2))) == "V' in [0.25, 0.5]"


@pytest.mark.parametrize(("time", "says"), [("continuous", "V' = "), ("discrete", "V(f(x)) - V(x) = ")])
def test_counterexamples_say_what_the_reason_says(time, says):
    found = verify(ONE, "2*x1; x2/3", SQUARE, time=time)
    assert found.reason.startswith(says)
    assert all(str(c).startswith(says) for c in found.counterexamples)


@pytest.mark.parametrize(
    ("exclude", "domain"),
    [
        (1, SQUARE),
        (Box.cube(-0.5, 0.5, 2), SQUARE),
        ("0.75", Polytope([[1, 1], [-1, 1], [1, -1], [-1, -1]], [0.75] * 4)),
    ],
)
def test_a_set_that_covers_the_domain_cannot_be_excluded(exclude, domain):
    with pytest.raises(InputError, match=r"exclude: .* covers all of"):
        verify(ONE, "-x1; -x2", domain, exclude=exclude)


def test_a_radius_may_be_a_fraction_in_a_string():
    assert verify(ONE, "-x1; -x2", SQUARE, exclude="1/100").problem.exclude == Fraction(1, 100)
    assert verify(ONE, "-x1; -x2", SQUARE, exclude=" 1e-2").problem.exclude == Fraction(1, 100)
    assert verify(ONE, "-x1; -x2", SQUARE, exclude=Fraction(7, 10)).status.value == "PROVED_OUTSIDE"
    for bad in ("ball", "1/0", "1e999999999", "0", "-1/2", "", "inf"):
        with pytest.raises(InputError, match="exclude must be"):
            verify(ONE, "-x1; -x2", SQUARE, exclude=bad)


def test_the_limit_that_is_named_is_the_one_given(monkeypatch):
    import linregions.lyapunov.verifying as verifying
    from linregions import enumerate_regions
    from linregions.lyapunov.geometry.cells import UnfinishedError

    def slow(run):
        count = enumerate_regions(ONE, SQUARE).count
        raise UnfinishedError(replace(count, reason="time limit of 0.001 s reached"))

    monkeypatch.setattr(verifying, "_method", lambda problem: slow)
    found = verify(ONE, "-x1; -x2", SQUARE, time_limit=7)
    assert found.stopped == "time"
    assert "time limit of 7 s reached" in found.reason


def test_an_open_verdict_says_that_depth_may_not_help():
    found = verify(ONE, "-x1*(3*x1 - 1)^2; -x2", SQUARE, max_depth=3)
    assert found.status is not Outcome.PROVED_STRICT
    found = verify("x1^2 + x2^2", "-x1*(3*x1 - 1)^2 - x1*x2^2; -x2", SQUARE, max_depth=2)
    assert found.status is Outcome.UNKNOWN
    assert "no depth will do" in found.reason


def test_a_polynomial_is_said_to_have_no_level_sets():
    assert "not for a polynomial V" in str(verify("x1^2 + x2^2", "-x1; -x2", SQUARE))
    assert "not for a polynomial V" not in str(verify(ONE, "-x1; -x2", SQUARE))

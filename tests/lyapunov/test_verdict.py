"""The record: how it reads, and what it refuses."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest

from linregions.errors import InputError
from linregions.lyapunov import Counterexample, Face, Left, Outcome, Verdict
from linregions.lyapunov.verdict import number_text, plain_number, point_text

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

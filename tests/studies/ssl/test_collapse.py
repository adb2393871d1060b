"""Detectors on series made by hand, and that none of them looks ahead."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from linregions.studies.ssl.collapse import DETECTORS, RULES, Detector, detect, quality_drop

from linregions.errors import InputError

STEPS = [0, 1, 10, 100, 1000]


@pytest.mark.parametrize(
    ("rule", "threshold", "values", "step"),
    [
        ("below", 0.1, [0.5, 0.1, 0.09, 0.5, 0.5], 10),
        ("above", 0.9, [0.5, 0.9, 0.2, 0.3, 0.95], 1000),
        ("below start", 0.5, [8, 4, 3.9, 9, 9], 10),
        ("above start", 2, [1, 2, 2.1, 0, 0], 10),
        ("falling below start", 0.5, [8, 5, 3, 2, 2], 10),
        ("falling below start", 0.5, [8, 9, 10, 8, 7], None),
        ("below start", 0.5, [0, 0, 0, 0, 0], None),
        ("below", 0.1, [None, None, 0.0, None, None], 10),
        ("falling below start", 0.5, [8, None, 3, None, 2], 10),
    ],
)
def test_rules(rule, threshold, values, step):
    assert Detector("d", "x", rule, threshold).first(STEPS, values) == step


def test_what_stays_low_is_not_falling():
    """After a step that fell, the same low value again does not fire; a run that starts counting there is quiet."""
    found = Detector("d", "x", "falling below start", 0.5, warmup=0.5).first([0, 1, 600, 1000], [8, 2, 2, 2])
    assert found is None


def test_warmup_is_a_share_of_the_run():
    values = [0.0] * 5
    for warmup, step in ((0, 0), (0.001, 1), (0.01, 10), (0.05, 100), (0.5, 1000)):
        assert Detector("d", "x", "below", 0.1, warmup).first(STEPS, values) == step


@settings(max_examples=50)
@given(
    rule=st.sampled_from(RULES),
    values=st.lists(st.none() | st.floats(0, 10), min_size=2, max_size=8),
    cut=st.integers(1, 8),
)
def test_no_detector_looks_ahead(rule, values, cut):
    detector = Detector("d", "x", rule, 0.5)
    steps = list(range(len(values)))
    whole, part = detector.first(steps, values), detector.first(steps[:cut], values[:cut])
    if part is not None:
        assert whole == part
    elif whole is not None:
        assert whole >= cut


@settings(max_examples=30)
@given(rule=st.sampled_from(RULES), values=st.lists(st.floats(0.1, 10), min_size=2, max_size=8))
def test_severity_grows_towards_collapse(rule, values):
    """A detector without the word falling fires exactly where the severity exceeds its threshold's."""
    detector = Detector("d", "x", rule, 0.5)
    severity = detector.severity(values)
    limit = 0.5 if rule.startswith("above") else -0.5
    alarms = np.flatnonzero(severity > limit)
    first = detector.first(list(range(len(values))), values)
    if "falling" not in rule:
        assert first == (alarms[0] if len(alarms) else None)
    elif first is not None:
        assert first in alarms


def test_detect_takes_what_is_there():
    history = {"std": [0.5, 0.4, 0.3, 0.05, 0.04], "n_regions": [900, 800, 700, 400, 300], "dead": [0.1] * 5}
    assert detect(STEPS, history) == {"std": 100, "dead units": None, "region count": 100}
    assert len({d.name for d in DETECTORS}) == len(DETECTORS)
    assert {d.cost for d in DETECTORS} == {"cheap", "geometric"}


def test_quality_drop():
    assert quality_drop(STEPS, [0.8, 0.9, 0.86, 0.84, 0.95]) == 100
    assert quality_drop(STEPS, [0.8, None, 0.9, None, 0.89]) is None
    assert quality_drop(STEPS, [0.8, 0.9, 0.86, 0.84, 0.95], margin=0.03) == 10


def test_wrong_arguments():
    with pytest.raises(InputError, match="rule: must be one of below"):
        Detector("d", "x", "under", 0.5)
    with pytest.raises(InputError, match="warmup must lie"):
        Detector("d", "x", "below", 0.5, 1.0)
    with pytest.raises(InputError, match="one for each of the 5 steps, got 2"):
        DETECTORS[0].first(STEPS, [1, 2])
    with pytest.raises(InputError, match="steps must increase"):
        DETECTORS[0].first([1, 1], [1, 2])

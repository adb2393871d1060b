"""The face round the origin: exact witnesses, and its dimension by two routes."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from origin_cases import origin_boxes, origin_cases
from strategies import MODEST, networks
from test_cells import one_norm

from linregions import Box, InputError, Network
from linregions.exact import dot
from linregions.lyapunov.geometry.cells import cells_of
from linregions.lyapunov.geometry.tangent import origin_face


@st.composite
def through_origin(draw):
    """Networks many of whose hyperplanes pass through the origin."""
    dim = draw(st.sampled_from([1, 2, 2, 3]))
    seed = draw(st.integers(0, 2**32))
    rng = np.random.default_rng(seed)
    widths = [dim, *draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)), 1]
    layers = [
        (rng.integers(-2, 3, size=(b, a)).astype(float), rng.integers(-1, 2, size=b) * rng.integers(0, 2) * 1.0)
        for a, b in pairwise(widths)
    ]
    return Network.from_arrays(layers, activation=draw(st.sampled_from(["relu", "abs", "hardtanh"])))


def check_witness(net, domain, face):
    at_zero = net.exact_values([0] * net.input_dim)[0]
    assert face.rate <= 0 < face.reach
    assert face.witness == tuple(face.reach * v for v in face.direction)
    assert net.exact_values(face.witness)[0] == face.value == at_zero + face.reach * face.rate
    for part in (Fraction(1, 3), Fraction(1, 10**6)):
        assert net.exact_values([part * v for v in face.witness])[0] == at_zero + part * face.reach * face.rate
    assert all(dot(row[:-1], face.witness) + row[-1] > 0 for row in domain.halfspaces)


@given(st.one_of(through_origin(), networks(2, None, 6, MODEST), networks(3, None, 5, MODEST)), st.data())
@settings(max_examples=45)
def test_the_witness_is_one(net, data):
    domain = data.draw(origin_boxes(net.input_dim))
    face = origin_face(net, domain)
    # The second route: 0 is a vertex of the cells, which know nothing of rates, exactly where the face has dimension 0.
    assert (face.dim == 0) == (cells_of(net, domain).origin >= 0)
    if face.dim:
        check_witness(net, domain, face)
    else:
        assert face.direction is face.witness is None
    assert face.as_dict()["dim"] == face.dim


@given(origin_cases(dims=(2,), units=5))
@settings(max_examples=20)
def test_any_domain(case):
    face = origin_face(case.network, case.domain)
    if face.dim:
        check_witness(case.network, case.domain, face)


@pytest.mark.parametrize("n", [1, 2, 5, 10])
def test_one_norm(n):
    assert origin_face(one_norm(n), Box.cube(-1, 1, n)).dim == 0


def test_a_face_of_each_dimension():
    for k in range(4):
        rows = np.eye(4)[:k]
        net = Network.from_arrays([(np.concatenate([rows, -rows]), np.zeros(2 * k)), (np.ones((1, 2 * k)), [0.0])])
        face = origin_face(net, Box.cube(-1, 1, 4))
        assert face.dim == 4 - k
        assert face.rate == 0  # V is 0 along the whole face


def test_a_plain_slope_gives_a_point_where_v_is_negative():
    net = Network.from_arrays([([[3.0, -4.0]], [7.0]), ([[0.5]], [-3.5])])
    face = origin_face(net, Box.cube(-1, 1, 2))
    assert face.dim == 2
    assert face.value < 0
    assert net.exact_values(face.witness)[0] == face.value


def test_the_origin_has_to_be_inside():
    net = Network.from_arrays([([[1.0, 1.0]], [1.0]), ([[1.0]], [0.0])])
    with pytest.raises(InputError, match="does not have the origin strictly inside"):
        origin_face(net, Box.cube(0, 1, 2))
    with pytest.raises(InputError, match="output must be a whole number from 0 to 0, got 1"):
        origin_face(net, Box.cube(-1, 1, 2), output=1)

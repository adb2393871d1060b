"""Expected numbers of regions of random ReLU networks: exact counts averaged, beside the formula of Hanin and Rolnick.

A unit z changes its piece at x where its pre-activation without its own bias, z(x), is the negative of that bias.  So
the expected size of the set where k units do so at once is an integral over x (Kac and Rice's formula):

    E[vol_{n0-k}(B_k in K)] = sum over k-sets of units of int_K E[ ||J_{z1..zk}(x)|| rho_b(z1(x)) ... rho_b(zk(x)) ] dx

The integral and the expectation are estimated by Monte Carlo in float64; the counts beside them are exact.
"""

from .records import Estimate, Expectation
from .simulation import boundary_length, crossings, expected_boundary, expected_regions

__all__ = ["Estimate", "Expectation", "boundary_length", "crossings", "expected_boundary", "expected_regions"]

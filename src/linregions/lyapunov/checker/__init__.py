"""Checks a Lyapunov certificate by itself: integers and fractions, no float decides, nothing shared with the prover.

The standard library alone, `linregions.readers.read` in one function to get the numbers of a network, and the library's
InputError for files that cannot be read.  To see why an accepted file proves that V > 0 and V' < 0 for a network V and
polynomial f, read the first two of these files, 588 lines with their comments; `kernel.py` begins with the proof.  The
others, one topic each, make it 1673:

    kernel.py      314  the claim, its mesh and its proof: all that is needed beyond
    arithmetic.py  274  rational numbers, determinants, networks and polynomials

    loops.py       196  polynomial V, smooth f, controllers, f a network, modes, discrete time
    taylor.py      106  smooth f as a Taylor polynomial with intervals for coefficients
    intervals.py   145  exp, sin, cos, tanh over an interval
    seams.py        61  solutions that slide where modes meet
    levels.py       92  regions of attraction, ultimate bounds
    composite.py    65  levels of x'Px, joined with those of a network
    fan.py          51  cones that fill the whole space
    witness.py      69  refutations, equality of a marginal claim
    wording.py     101  what the claim is about, in words
    entry.py       199  reads the file, reports

The kernel takes the main claim alone (`entry.case_of`): the other files do not run then, but for reading, wording and
levels.
"""

from .entry import FORMAT, Report, check

__all__ = ["FORMAT", "Report", "check"]

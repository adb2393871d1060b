"""Exit statuses, the same for every command."""

DONE = 0
REFUTED = 1  # verification only: the claim is false
BAD_INPUT = 2
BUDGET = 3
BUG = 70  # an error that linregions did not foresee; never 1, which would read as "refuted"
OUTPUT = 74  # the output could not be written; what BSD's sysexits calls EX_IOERR
INTERRUPTED = 130

"""`python -m linregions` is the command `linregions`."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())

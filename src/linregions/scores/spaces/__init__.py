"""Search spaces: sets of architectures to draw from, to build as torch modules, and to look up in tables of accuracies.

`find_space("darts")` gives a space by its name, `read_table("darts", "darts1000.csv")` the accuracies of its
architectures.  Neither imports torch; building a network does.
"""

from .space import Space, find_space, seeded, space_names
from .table import Table, read_lines, read_table

__all__ = ["Space", "Table", "find_space", "read_lines", "read_table", "seeded", "space_names"]

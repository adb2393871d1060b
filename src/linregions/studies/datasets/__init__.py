"""Images for studies: IDX files as MNIST and Fashion-MNIST have them, `.npz` archives, scikit-learn's digits, arrays.

`load` is the verb and `Images` what it returns; `read_idx` reads one IDX file.  Nothing is downloaded.
"""

from .idx import read_idx
from .images import Images
from .load import NAMES, load

__all__ = ["NAMES", "Images", "load", "read_idx"]

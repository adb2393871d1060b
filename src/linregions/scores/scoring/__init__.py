"""The SWAP-Score itself: its inputs, its count, its size term and its record."""

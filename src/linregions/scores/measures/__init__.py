"""Sizes of networks and scores by gradients, to set beside the SWAP-Score, and the calls that suites expect."""

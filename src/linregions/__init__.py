"""linregions: the linear regions of piecewise-linear networks, exactly."""

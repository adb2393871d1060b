"""Level sets: regions of attraction, ultimate bounds, volumes, quadratic forms near the origin."""

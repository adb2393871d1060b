"""Lyapunov functions that are piecewise-linear networks: a proof or a counterexample, never a tolerance."""

"""Engines: one algorithm per file, behind one runner."""

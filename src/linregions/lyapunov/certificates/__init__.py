"""Proofs as files."""

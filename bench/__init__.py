"""Reproducible benchmarks of a real server: `python -m bench`. Numbers, never a failed test."""

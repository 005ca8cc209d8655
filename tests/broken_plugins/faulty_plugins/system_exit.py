"""Leaves at import."""

raise SystemExit(3)

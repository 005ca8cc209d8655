"""Careless plugins: what each does wrong, and words that its record must have."""

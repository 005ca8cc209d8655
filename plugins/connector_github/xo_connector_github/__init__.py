"""GitHub as a connector."""

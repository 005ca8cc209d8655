"""The connector of Manus."""

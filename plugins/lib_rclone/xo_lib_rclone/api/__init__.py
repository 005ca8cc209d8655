"""HTTP in front of the library: parses a request, calls one method, shapes the answer."""

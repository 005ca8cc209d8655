"""Event streams on the wire: one encoder for each format, and the response that sends frames."""

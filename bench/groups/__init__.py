"""One module for each row group: `measure(plan)` yields its rows."""

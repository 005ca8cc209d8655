"""Usage reports: sums of the calls that the index counted, with prices of models."""

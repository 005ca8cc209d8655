"""Usage: `report` sums what the index counted, `prices` knows what models cost, `lookup` reads
the price list in a process of its own."""

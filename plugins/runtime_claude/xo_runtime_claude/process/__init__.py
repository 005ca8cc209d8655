"""The live CLI processes: their arguments, their stdin, and the pool of idle ones."""

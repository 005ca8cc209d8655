"""The composition root: the only package that knows stevedore, pluggy and uvicorn."""

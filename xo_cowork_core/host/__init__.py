"""The composition root: the only package that imports stevedore, pluggy and uvicorn."""

"""The route family `providers`: providers of models, their keys and accounts, local models."""

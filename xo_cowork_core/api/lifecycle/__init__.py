"""The route family `lifecycle`: restart, update, and which credentials the server has."""

"""One HTTP client for all requests to outside services."""

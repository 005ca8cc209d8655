"""The name of the connector, of its way to sign in, and of the header with the key."""

NAME = "manus"
API_KEY = "api_key"
KEY_HEADER = "x-manus-api-key"

"""The route family `usage`: tokens, costs and response times."""

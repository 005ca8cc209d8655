"""Connections to outside services: their tokens, their states, and OAuth requests.

`connections` is the entry point. `token_store` keeps the tokens on disk; `discovery`,
`registrations` and `oauth_requests` speak OAuth.
"""

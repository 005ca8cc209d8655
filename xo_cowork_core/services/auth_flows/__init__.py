"""The login engine: carries out the sign-in methods of connectors.

`auth_flows` is the entry point. `step` is the pure transition function of one flow over the values
of `flow`, `events` and `actions`; the other modules do what its actions ask for.
"""

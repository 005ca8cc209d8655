"""The events of a turn: what a runtime yields and a client receives."""

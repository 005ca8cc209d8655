"""Plugins: discovery, validation, registration, routes and lifespans. The only user of stevedore
and pluggy."""

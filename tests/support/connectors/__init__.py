"""The services of connectors for tests, and a process of them to be killed."""

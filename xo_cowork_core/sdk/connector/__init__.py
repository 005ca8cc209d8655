"""The interface of a connector, a service that a person signs in to."""

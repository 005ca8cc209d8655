"""The sign-in of this server at the identity service, which the swarm's requests carry."""

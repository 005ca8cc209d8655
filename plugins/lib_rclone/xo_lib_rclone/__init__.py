"""What the connectors of cloud drives share: a supervised rclone, and routes over it.

A connector of such a service is a subclass of `connector.DriveConnector` with a
`backend.RcloneBackend`, and a subclass of `plugin.DrivePlugin` that builds it.
A remote of the wire contract is a connection of the connector.

Modules: `backend` (what differs between services), `connector` (the base class), `drive` (puts the
parts of one connector together), `program` and `daemon` (the process), `rc` (its commands),
`remotes` (sections of its configuration), `files`, `uploads`, `transfers` (file operations),
`authorize` and `refresh` (the sign-in with rclone's own client), `exports`, `routes` and `api`.
"""

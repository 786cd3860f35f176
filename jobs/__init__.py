"""The work of the service: use cases, the row broker, the actors, the provider and the media work.

The database row is the message: `worker` claims due rows, one of the `steps` does its one thing, `statemachine` decides
what that means, and one guarded transaction records it. May import `db`, `storage` and `statemachine`.
"""

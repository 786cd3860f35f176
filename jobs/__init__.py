"""What the service does: use cases, the row broker, the five actors, the provider and the media work.

The database row is the message: `broker` claims due rows, an actor does its one thing, `statemachine` decides what it
means, and one guarded transaction records it. May import `db`, `storage` and `statemachine`.
"""

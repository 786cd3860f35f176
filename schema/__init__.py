"""The GraphQL API: types, resolvers, limits, authentication, subscriptions and the ASGI application.

A resolver parses its input, calls one use case or one read, and maps the record. `transport` is the ASGI application
and its protocols; `admission` decides what may run; `live` delivers events to subscribers; `types`, `queries` and
`mutations` are the schema, checked in as `schema.graphql`.

How an event reaches a subscriber: a notification wakes the `hub`, one statement reads the new events of all awakened
jobs, `ordering` puts them in order, each subscriber's buffer (`buffers`) keeps them, `progress` turns them into
messages, and `shared_execution` executes each message once for all subscribers with the same selection. A cursor
(`cursors`) says how far a subscriber has read; any process continues from it.

Promises: nothing is read without a key or a token, and nothing that belongs to someone else; every event is sent once,
in order and without a gap; unexpected errors are masked and logged once. May import `jobs`, `db`, `storage` and
`statemachine`.
"""

"""The GraphQL API: types, resolvers, limits, authentication, subscriptions and the ASGI application.

A resolver parses its input, calls one use case or one read, and maps the record. `app` puts everything together;
`http` and `websocket` speak the two protocols; `gate` decides what may run; `types`, `queries`, `mutations` and
`subscription` are the schema, printed in `schema.graphql`.

How an event reaches a subscriber: a notification wakes the `hub`, one statement reads the news of all awakened jobs,
`ordering` puts them in order, each subscriber's `slots.Slot` holds them, `progress` tells them, and `sharing` executes
each of them once for all who ask the same. A cursor (`cursors`) says what was told; any process goes on from it.

Promises: nothing is read without a key or a token, and never what is another's; every event is told once, in order and
without a gap; what nobody foresaw is masked and logged once. May import `jobs`, `db`, `storage` and `statemachine`.
"""

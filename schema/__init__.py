"""The GraphQL API: types, resolvers, limits, authentication, subscriptions and the ASGI application.

A resolver parses its input, calls one use case or one read, and maps the record. `transport` speaks HTTP and WebSocket;
`admission` limits what may run; `types`, `queries`, `mutations` and `live.subscription` are the schema, written out in
`schema.graphql` by `python -m schema.sdl`.

How an event reaches a subscriber: a notification wakes the hub, one statement reads the new events of all awakened
jobs, `ordering` sorts them, each subscriber's buffer queues them, `progress` turns them into messages, and
`shared_execution` runs each of them once for all subscribers that ask for the same. A cursor records the position, and
any process resumes from it. `streams` is the same over plain HTTP.

Promises: nothing is read without a key or a token, and nothing of other accounts; every event is delivered once, in
order and without a gap; unexpected errors are masked and logged once. May import `jobs`, `db`, `storage` and
`statemachine`.
"""

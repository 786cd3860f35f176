"""The GraphQL API: types, resolvers, limits, authentication, subscriptions and the ASGI application.

A resolver parses its input, calls one use case or one read, and maps the record. May import `jobs`, `db`, `storage`
and `statemachine`.
"""

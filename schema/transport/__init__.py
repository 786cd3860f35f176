"""The ASGI application: GraphQL over HTTP and WebSocket, authentication, and the provider's webhooks."""

"""Subscriptions: the event hub, subscriber buffers, shared execution and progress."""

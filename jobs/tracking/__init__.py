"""Knowing how running predictions stand with few calls: how long they usually take, when to look, and the watcher."""

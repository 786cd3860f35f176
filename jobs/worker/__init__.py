"""The worker process: the row broker, the actors, and advancing a claimed job by one step."""

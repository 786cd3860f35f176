"""The worker process: the row broker, the five actors, and advancing a claimed job by one step."""

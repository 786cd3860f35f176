"""Use cases of support staff: redrive jobs, pause steps, review compensations."""

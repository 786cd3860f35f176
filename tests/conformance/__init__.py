"""Replicate's official JavaScript client and Replicate's own description of its API, held against the simulator."""

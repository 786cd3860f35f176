"""A stand-in for Replicate's HTTP API, spoken to over real HTTP.

It imports nothing of the other packages, so that it can be used alone by anyone who writes against Replicate.
"""

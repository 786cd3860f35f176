"""A stand-in for Replicate's HTTP API, spoken to over real HTTP. `python -m simulator --help` and README.md tell more.

It imports nothing of the other packages, so that it can be used alone by anyone who writes against Replicate.

`serve` runs the two listeners, `simulation` holds the state of one run, `lifecycle` moves predictions through their
lives, `media` and `studio` make their outputs, `webhooks` tells of them, `faults` lets things go wrong on demand,
`models` is the catalogue, `api` answers requests.
"""

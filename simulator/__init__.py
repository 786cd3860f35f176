"""A stand-in for Replicate's HTTP API, over real HTTP. For more, see README.md and `python -m simulator --help`.

It imports nothing from the other packages, so anyone who writes a client of Replicate can use it alone.

`serve` runs the two listeners, `simulation` keeps the state of one run, `lifecycle` moves predictions from state to
state, `media` and `studio` make their outputs, `webhooks` reports on them, `faults` makes requests and predictions fail
on demand, `models` is the catalogue, and `api` handles requests.
"""

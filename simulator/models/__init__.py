"""The catalogue of models, as data: one JSON file per owner, read by `catalogue`.

A file has `inputs` (a pool of JSON-schema properties), `outputs` (a pool of output descriptions) and `models`. Each
model names its inputs (input name to pool entry), its output (a pool entry or the description itself), its price rows,
its timing and its log lines. To simulate another model, write such a file and pass it with `--models`.
"""

from simulator.models.catalogue import Catalogue, Model, load

__all__ = ["Catalogue", "Model", "load"]

"""`diorama demo`, `diorama up` and `diorama generate`: all parts on one machine, and a client of the public API."""

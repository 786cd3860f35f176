"""`diorama demo`, `diorama up` and `diorama generate`: every part on one machine, and a client of the public API."""

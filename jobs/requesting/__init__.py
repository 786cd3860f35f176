"""Use cases of partners and end users: upload, request, batch, cancel, and move credits."""

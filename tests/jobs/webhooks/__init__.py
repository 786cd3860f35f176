"""Deliveries to partners, to real servers over HTTP."""

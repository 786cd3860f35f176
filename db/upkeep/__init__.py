"""Statements of retention and purging: rows and objects past their time, in bounded batches, and their SQL."""

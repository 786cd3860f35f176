"""Tests, laid out like the packages they test; `acceptance` runs whole processes, `truth` keeps the documents true."""

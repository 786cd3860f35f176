"""The HTTP side: the operations of the API, their handlers, and the application that serves them.

`exchange` has requests and responses as values, `endpoint` the steps of every request, `routes` the table of
operations; each of the other modules handles the operations of one resource.
"""

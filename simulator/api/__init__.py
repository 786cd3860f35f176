"""The HTTP side: which operation a request is, how it is answered, and the two applications that listen.

`exchange` holds requests and answers as values, `endpoint` the steps every request goes through, `routes` the table of
operations; each other module answers the operations of one resource.
"""

"""Pictures and videos: cleaning what users send, and bringing what models return to its exact size and rate.

Untrusted media is decoded in a child process with limits on memory, processor time and wall-clock time.
"""

"""The object store: anything that speaks S3, through boto3, and the keys under which objects live.

One implementation, with a real server behind it in every test. Keys are repeatable: running a step twice writes the
same object. May import `statemachine` only.
"""

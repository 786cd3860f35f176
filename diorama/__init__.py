"""The program: settings, wiring, the command line, the embedded servers and the demo.

Only the entry points here read the environment; everything else receives what it needs as arguments.
"""

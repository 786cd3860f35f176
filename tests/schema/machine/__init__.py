"""Every mutation, as every kind of caller, in any order: a state machine over the API, with a model of owners."""

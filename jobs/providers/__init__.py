"""The provider behind the paid calls: Replicate, spoken to through its own SDK behind a guard.

`provider.Provider` is all that the rest of the system knows of it.
"""

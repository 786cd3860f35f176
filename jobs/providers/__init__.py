"""The provider behind the paid calls: Replicate, called through its own SDK behind a guard.

The rest of the system uses `jobs.providers.provider.Provider` only.
"""

"""Test helpers shared by several folders: databases, factories, fakes, workers, waiting."""

"""`diorama doctor`: checks settings, database, storage, provider and clocks, and prints one finding per line."""

"""`diorama doctor`: checks of settings, database, storage, provider and clocks, one finding a line."""

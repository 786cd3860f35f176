"""The types that the API returns, one per file. Each is built whole from its record; relations go through loaders."""

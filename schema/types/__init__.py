"""What is read through the API, a type a file. Each is built whole from its record; relations go through loaders."""

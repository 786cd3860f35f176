"""Import pictures from public addresses, without reaching anything of our own network."""

"""The simulator, spoken to over real HTTP, as its users do."""

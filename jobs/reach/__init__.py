"""Connect to the public internet only: one rule for the pictures that are imported and the webhooks that are sent."""

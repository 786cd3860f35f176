"""The drawn body under a comic head: pose, clothes and how they are inked."""

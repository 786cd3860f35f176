"""What is asked for through the API, a use case a mutation: one `input`, one payload, `userErrors` for what a caller
can mend."""

"""Parts that every worker process shares: recorder, leases, hints and the clock of elapsed time."""

"""The simulator, tested with Replicate's official JavaScript client and with Replicate's own API description."""

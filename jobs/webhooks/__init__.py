"""Webhooks to partners: their endpoints, the messages, and the loop that delivers them from the account's activity."""

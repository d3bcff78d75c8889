"""Receipts: a durable workflow whose states are the documentation's own."""

"""Calls to merchants' billings: sending, reading the answers, sparing those that do not answer."""

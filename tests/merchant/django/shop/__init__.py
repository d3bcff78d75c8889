"""A Django shop for tests: what its hooks write can be counted afterwards."""

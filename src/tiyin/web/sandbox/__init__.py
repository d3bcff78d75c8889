"""The sandbox's page: a merchant's developer enters a cash desk's id and TEST_KEY and runs the checks.

Documentation: sandbox, setup
"""

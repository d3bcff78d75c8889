"""Who takes money from cards: the port, and the test cards behind it."""

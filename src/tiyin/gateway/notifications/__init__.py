"""What the gateway tells people: SMS now; each way of sending is a port."""

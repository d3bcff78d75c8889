"""A small Django shop that takes Payme payments."""

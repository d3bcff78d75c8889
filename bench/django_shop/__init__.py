"""The same shop as the hand-written one, with the kit's Django integration."""

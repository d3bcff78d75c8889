"""A Payme endpoint as a careful Django engineer writes it by hand, with no kit: the peer that is measured."""

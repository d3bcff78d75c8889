"""The demo shop: a small separate program that takes Payme payments, with a database and books of its own.

It is what a reader copies from: `books` and `billing` are the shop's own code, `app` joins them to the
merchant kit.
"""

"""Payme Business, whole, in Python: the gateway, the merchant kit, and an emulator of both."""

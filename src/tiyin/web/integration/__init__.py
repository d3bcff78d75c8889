"""What a merchant puts into his own page: a script for button and QR, a page for snippets.

Documentation: checkout/button-and-qr
"""

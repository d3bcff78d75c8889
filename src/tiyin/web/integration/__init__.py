"""What a merchant puts into his own page: the script that draws button and QR, and a page that writes the snippet.

Documentation: checkout/button-and-qr
"""

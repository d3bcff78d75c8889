"""The receipt that a payer keeps: a page to print, a PDF, a copy by e-mail, and the fiscal receipt's QR code.

Documentation: subscribe-api/receipts.get, merchant-api/SetFiscalData
"""

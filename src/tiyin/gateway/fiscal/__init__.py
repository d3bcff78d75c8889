"""Fiscal receipts: what the tax service answered about payments and refunds, and who is told."""

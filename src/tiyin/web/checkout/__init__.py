"""The checkout: the one part of the product that a payer sees.

A payer comes by a link, by a shop's form or by a receipt's address (`links`, `receipt_page`); he types a card
(`card`) and the code from an SMS (`code`); the payment runs on its own (`paying`) while the receipt's page
tells how far it is. Opening a page never creates anything but, for a shop's form, the order that the form
brought.

Documentation: checkout/overview
"""

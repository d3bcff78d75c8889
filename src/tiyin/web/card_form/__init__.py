"""The card form: for a shop's frame or an app's web view; it hands back a token and never a card.

Documentation: subscribe-api/overview (the form's requirements), mobile/user-interface, mobile/result
"""

"""The card form: a page for a shop's own frame or an app's web view, which hands back a token and never a card.

Documentation: subscribe-api/overview (the form's requirements), mobile/user-interface, mobile/result
"""

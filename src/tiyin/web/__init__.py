"""The gateway's faces: the Subscribe API's endpoint, the checkout, and what pages are made with."""

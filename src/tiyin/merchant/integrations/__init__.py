"""Where the Merchant API meets web frameworks: thin edges that hold no rule."""

"""The sandbox: proves over the wire that a merchant's server is right, in whatever language it is written."""

"""The wire that both sides speak: JSON-RPC, values, errors, method shapes, checkout links and forms.

Everything here is pure: bytes and values in, values and bytes out. No I/O, no clock, no framework, and no
import of any other part of Tiyin, so that a merchant's server, the gateway and the sandbox agree by
construction.
"""

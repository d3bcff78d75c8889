"""Businesses and cash desks: who is paid, how, and who may speak for them."""

from tiyin.gateway.desks.checks import DeskRefused
from tiyin.gateway.desks.origins import is_own_origin
from tiyin.gateway.desks.records import AccountField, Business, Desk, DeskKeys, DeskKind, Epos
from tiyin.gateway.desks.service import Desks

__all__ = [
    "AccountField",
    "Business",
    "Desk",
    "DeskKeys",
    "DeskKind",
    "DeskRefused",
    "Desks",
    "Epos",
    "is_own_origin",
]

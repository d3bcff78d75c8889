"""All of the gateway's tables, whoever declares them."""

import importlib
import pkgutil

import sqlalchemy as sa

import tiyin.gateway
from tiyin.gateway.metadata import metadata

__all__ = ["gateway_metadata"]


def gateway_metadata() -> sa.MetaData:
    """Give the tables; every module that may declare some is imported, so that none is forgotten."""
    for module in pkgutil.walk_packages(tiyin.gateway.__path__, "tiyin.gateway."):
        if not module.name.startswith("tiyin.gateway.migrations"):
            importlib.import_module(module.name)
    return metadata

"""The Subscribe API: one request's bytes in, one answer's bytes out; HTTP is `tiyin.web.subscribe`'s.

`api` judges requests and writes answers; `methods` does what they ask for.
"""

from tiyin.gateway.subscribe_api.api import Answer, SubscribeApi
from tiyin.gateway.subscribe_api.methods import SubscribeGateway

__all__ = ["Answer", "SubscribeApi", "SubscribeGateway"]

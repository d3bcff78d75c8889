"""All of Payme on a laptop: gateway, demo shop, inbox and a clock that can be turned, in one process."""

"""What adapters have in common."""

from __future__ import annotations

import os

from ._enforcer import Enforcer, EnforcerOptions


def resolve(agent: str, api_key: str | None, options: EnforcerOptions) -> Enforcer:
    """What the environment names for an agent, with another key if one is given."""
    environment = None if api_key is None else {**os.environ, "HEXGATE_API_KEY": api_key}
    return Enforcer.resolve(agent, environment=environment, **options)

"""What the user's own words name."""

from __future__ import annotations

import json
from typing import Any

from . import _native


def said(*turns: str) -> dict[str, Any]:
    """The facts ``said`` of a conversation: what the user's own turns name, by kind and in one normal form, as every host of hexgate reads them.

    Give it the turns of the user and nothing else: not what tools returned, not files, not the model's words.

    >>> said("Please send 49,90 € to Bob@Example.com.")["emails"]
    ['bob@example.com']
    """
    found: dict[str, Any] = json.loads(_native.said(turns))
    return found

"""Making tokens."""

from __future__ import annotations

from collections.abc import Sequence

from ._errors import TokenError
from ._native import TokenVerifier, attenuate, mint


def attenuate_for_user(
    token: str,
    verifier: TokenVerifier,
    user_id: str,
    role: str | None = None,
    ttl_seconds: int | None = None,
    *,
    roles: Sequence[str] | None = None,
) -> str:
    """Makes a token for one user of a project's token. Nothing can be appended to it."""
    if isinstance(roles, str):
        raise TokenError("`roles` is one text", "caller", "pass a list, or `role`")
    if isinstance(ttl_seconds, bool):
        raise TokenError("`ttl_seconds` is a truth value", "ttl", "give a number of seconds")
    if ttl_seconds is not None and ttl_seconds <= 0:
        raise TokenError(f"`ttl_seconds` is {ttl_seconds}", "ttl", "give a number of seconds above zero, or none")
    all_roles = ([] if role is None else [role]) + list(roles or ())
    return attenuate(token, verifier, user_id=user_id, roles=all_roles, ttl_seconds=ttl_seconds)


def mint_project_token(root_key: bytes, *, environment: str, project: str) -> str:
    """Makes the token of a project, for who issues tokens. Its holder can make tokens for any user."""
    if len(root_key) != 32:
        raise TokenError("the root key has another length than 32 bytes", "key", "give the raw form of the key")
    return mint(root_key, environment=environment, project=project)

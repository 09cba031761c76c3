"""Runs the Python packages `hexgate` and `biscuit-python` on tokens, and nothing re-implemented.

    python python_token.py mint ENVIRONMENT PROJECT
        Makes a root key with `biscuit-python`, and a project's token. Prints the public key (base64url), and the token.

    python python_token.py attenuate PUBLIC_KEY USER ROLE TTL_SECONDS
        Reads a project's token from standard input, narrows it for a user with `hexgate`, prints the result. ROLE and TTL_SECONDS may
        be empty.

    python python_token.py append PUBLIC_KEY DATALOG
        Reads a token from standard input, appends a block with `biscuit-python`, prints the result.

    python python_token.py facts PUBLIC_KEY
        Reads a token from standard input, verifies it with `hexgate`, prints what its `extract_facts` finds as JSON.

    python python_token.py authorize PUBLIC_KEY SECOND
        Reads a token from standard input, and evaluates its checks with `biscuit-python` at that time. Prints `holds`, or fails.

A failure is a traceback and a status other than 0.
"""

import json
import sys
from base64 import urlsafe_b64encode
from datetime import datetime, timezone

from python_bundle import import_without_initialisers


def key(text: str) -> bytes:
    from hexgate.security.signing import decode_key

    return decode_key(text)


def biscuit_of(envelope: str, public_key: bytes):
    from biscuit_auth import Algorithm, Biscuit, PublicKey
    from hexgate.cloud.biscuit import parse_envelope

    _, _, token = parse_envelope(envelope)
    return Biscuit.from_base64(token, PublicKey.from_bytes(public_key, Algorithm.Ed25519))


def mint(environment: str, project: str) -> None:
    from biscuit_auth import BiscuitBuilder, KeyPair

    root = KeyPair()
    token = BiscuitBuilder("kind(\"project\")").build(root.private_key)
    print(urlsafe_b64encode(bytes(root.public_key.to_bytes())).rstrip(b"=").decode())
    print(f"fty_{environment}_{project}_{token.to_base64()}")


def attenuate(public_key: str, user: str, role: str, ttl_seconds: str) -> None:
    from hexgate.cloud.attenuate import attenuate_for_user

    narrowed = attenuate_for_user(
        sys.stdin.read().strip(),
        key(public_key),
        user=user,
        role=role or None,
        ttl_seconds=int(ttl_seconds) if ttl_seconds else None,
    )
    print(narrowed)


def append(public_key: str, datalog: str) -> None:
    from biscuit_auth import BlockBuilder
    from hexgate.cloud.biscuit import parse_envelope

    envelope = sys.stdin.read().strip()
    environment, project, _ = parse_envelope(envelope)
    appended = biscuit_of(envelope, key(public_key)).append(BlockBuilder(datalog))
    print(f"fty_{environment}_{project}_{appended.to_base64()}")


def facts(public_key: str) -> None:
    from hexgate.cloud.biscuit import extract_facts, parse_envelope

    environment, project, token = parse_envelope(sys.stdin.read().strip())
    found = extract_facts(token, key(public_key))
    print(json.dumps({"envelope": [environment, project], "facts": found}, ensure_ascii=False))


def authorize(public_key: str, second: str) -> None:
    from biscuit_auth import AuthorizerBuilder

    now = datetime.fromtimestamp(int(second), timezone.utc)
    builder = AuthorizerBuilder("time({now}); allow if true", {"now": now})
    builder.build(biscuit_of(sys.stdin.read().strip(), key(public_key))).authorize()
    print("holds")


if __name__ == "__main__":
    import_without_initialisers()
    match sys.argv[1:]:
        case ["mint", environment, project]:
            mint(environment, project)
        case ["attenuate", public_key, user, role, ttl_seconds]:
            attenuate(public_key, user, role, ttl_seconds)
        case ["append", public_key, datalog]:
            append(public_key, datalog)
        case ["facts", public_key]:
            facts(public_key)
        case ["authorize", public_key, second]:
            authorize(public_key, second)
        case _:
            sys.exit(__doc__)

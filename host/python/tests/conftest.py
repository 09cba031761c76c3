"""What the tests share. They run against the installed wheel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import hexgate_host as hexgate

POLICY = """\
roles:
  default: {}
  support:
    tools:
      view_order: {mode: allow}
      refund_order:
        - {mode: allow, constraints: [args.amount <= 50]}
        - mode: approval_required
          constraints: [args.amount > 50, args.amount <= 1000]
          message: Ask your lead.
      close_account: {mode: approval_required}
      wipe:
        mode: approval_required
        approval: {roles: [finance], approvers: 2, reason: required, expires: "4h"}
      read_file: {mode: allow, file_scope: {allowed_paths: ["orders/**"]}}
      limited: {mode: allow, constraints: [run.calls_of_this_tool < 3]}
  admin:
    inherits: [support]
    tools:
      delete_order: {mode: allow}
"""


@pytest.fixture
def enforcer() -> hexgate.Enforcer:
    return hexgate.Enforcer.from_yaml("support-bot", POLICY)


@pytest.fixture
def alice() -> hexgate.User:
    return hexgate.User("alice", "support", "s-1")


@pytest.fixture
def make() -> Callable[..., hexgate.Enforcer]:
    """An enforcer with options."""
    return lambda **options: hexgate.Enforcer.from_yaml("support-bot", POLICY, **options)


@pytest.fixture
def policy_file(tmp_path: Path) -> Path:
    tmp_path.chmod(0o700)
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    path.chmod(0o600)
    return path


@pytest.fixture
def command(capfd: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """The command line, in this process: what it prints."""
    from hexgate_host import _native

    def run(*arguments: str) -> str:
        code = _native.command_line(list(arguments))
        printed = capfd.readouterr()
        assert code == 0, printed.err
        return printed.out

    return run

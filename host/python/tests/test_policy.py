"""Policies: compiled, tested, verified, from the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

import hexgate_host as hexgate

from conftest import POLICY


def test_a_policy_is_compiled_and_asked() -> None:
    policy = hexgate.Policy.from_yaml(POLICY)
    assert policy.component and policy.component.startswith(b"\0asm")
    assert set(policy.roles) >= {"support", "admin"}
    verdict = policy.decide("refund_order", {"amount": 5}, roles=["support"])
    assert (verdict.outcome, verdict.allowed, verdict.role) == ("allow", True, "support")
    verdict = policy.decide("refund_order", {"amount": 51}, roles=["support"])
    assert (verdict.outcome, verdict.allowed, verdict.message) == ("needs_approval", False, "Ask your lead.")
    verdict = policy.decide("wipe", {}, roles=["support"])
    assert verdict.terms == {"roles": ["finance"], "approvers": 2, "reason_required": True, "expires_seconds": 14400}
    verdict = policy.decide("read_file", {"file_path": "x"}, roles=["support"])
    assert verdict.outcome == "deny" and verdict.hint == {"allowed_paths": ["orders/**"]} and verdict.reason
    assert policy.may_ever_call("delete_order", roles=["admin"])
    assert not policy.may_ever_call("delete_order", roles=["support"])
    with pytest.raises(hexgate.ArgumentsError):
        policy.decide("view_order", {"at": object()}, roles=["support"])
    with pytest.raises(hexgate.DecideError) as refused:
        policy.decide("view_order", "[]", roles=["support"])
    assert refused.value.code == "no_verdict"


def test_a_policy_with_errors_says_where() -> None:
    with pytest.raises(hexgate.PolicyError) as refused:
        hexgate.Policy.from_yaml("roles:\n  support:\n    tools:\n      t: {mode: alow}\n", name="mine.yaml")
    assert refused.value.code == "policy_invalid"
    assert "mine.yaml" in refused.value.message and "alow" in refused.value.message
    with pytest.raises(hexgate.PolicyError):
        hexgate.Enforcer.from_yaml("bot", "roles: [")


def test_warnings_are_kept() -> None:
    policy = hexgate.Policy.from_yaml("roles: {a: {default_policy: {mode: allow}}}")
    assert policy.warnings
    assert hexgate.Policy.from_yaml("roles: {default: {}, a: {tools: {t: {mode: allow}}}}").warnings is None


def test_suites() -> None:
    policy = hexgate.Policy.from_yaml(POLICY)
    cases: list[hexgate.Case] = [
        {"role": "support", "tool": "view_order", "expect": "allow"},
        {"roles": ["support"], "tool": "refund_order", "args": {"amount": 51}, "expect": "needs_approval"},
        {"tool": "view_order", "args": {}, "expect": "deny"},
        {"role": "support", "tool": "view_order", "args": "[]", "expect": "deny"},
        {"role": "support", "tool": "limited", "facts": {"run": {"calls_of_this_tool": 3}}, "expect": "deny"},
    ]
    assert hexgate.check(policy, cases) == []
    wrong = hexgate.check(policy, [{"name": "small", "role": "support", "tool": "refund_order", "args": {"amount": 5000}, "expect": "allow"}])
    assert str(wrong[0]).startswith("small: expected allow, came deny: ")
    wrong = hexgate.check(policy, [{"tool": "t", "expect": "deny", "violations": ["x"]}])
    assert len(wrong) == 1
    for bad in ({"tool": "t", "expect": "denied"}, {"expect": "deny"}, {"tool": "t", "expect": "deny", "arg": {}}):
        with pytest.raises(ValueError, match="a case has"):
            hexgate.check(policy, [bad])  # type: ignore[list-item]


@pytest.fixture
def bundle(policy_file: Path, command) -> tuple[Path, Path]:
    keys = policy_file.parent / "release"
    command("policy", "keygen", "--out", str(keys))
    out = policy_file.parent / "bundle"
    command(
        "policy", "build", str(policy_file), "--out", str(out), "--sign-key", f"{keys}.private",
        "--agent", "support-bot", "--sequence", "1",
    )
    return out, Path(f"{keys}.public")


def test_bundles_are_verified(bundle: tuple[Path, Path], alice: hexgate.User, command, tmp_path: Path) -> None:
    folder, public = bundle
    text = public.read_text().strip()
    for key in (public, str(public), text):
        enforcer = hexgate.Enforcer.from_bundle("support-bot", folder, public_keys=[key])
        assert enforcer.decide("view_order", {}, caller=alice).allowed
        assert enforcer.policy["sequence"] == 1 and enforcer.policy["agent"] == "support-bot"
        policy = hexgate.Policy.from_bundle(folder, public_keys=[key], agent="support-bot")
        assert policy.decide("view_order", {}, roles=["support"]).allowed
    command("policy", "keygen", "--out", str(tmp_path / "other"))
    for refused in (
        lambda: hexgate.Enforcer.from_bundle("support-bot", folder, public_keys=[tmp_path / "other.public"]),
        lambda: hexgate.Enforcer.from_bundle("other-bot", folder, public_keys=[public]),
        lambda: hexgate.Policy.from_bundle(folder, public_keys=[public], agent="other-bot"),
        lambda: hexgate.Enforcer.from_bundle("support-bot", tmp_path, public_keys=[public]),
    ):
        with pytest.raises(hexgate.PolicyError) as error:
            refused()
        assert error.value.code in ("bundle_refused", "policy_unreadable")
    for wrong in (
        lambda: hexgate.Enforcer.from_bundle("support-bot", folder),
        lambda: hexgate.Enforcer.from_bundle("support-bot", folder, public_keys=[b"short"]),
        lambda: hexgate.Enforcer.from_bundle("support-bot", folder, public_keys=[tmp_path / "other.private"]),
        lambda: hexgate.Enforcer.from_bundle("support-bot", folder, public_keys=[public], dangerous_unsigned=True),
    ):
        with pytest.raises(hexgate.PolicyError) as error:
            wrong()
        assert error.value.code in ("key", "contradiction")


def test_a_changed_bundle_is_refused(bundle: tuple[Path, Path]) -> None:
    folder, public = bundle
    component = next(path for path in folder.iterdir() if path.name.endswith(".wasm"))
    data = bytearray(component.read_bytes())
    data[-1] ^= 1
    component.write_bytes(bytes(data))
    with pytest.raises(hexgate.PolicyError) as refused:
        hexgate.Enforcer.from_bundle("support-bot", folder, public_keys=[public])
    assert refused.value.code == "bundle_refused"


def test_a_file_that_changes(policy_file: Path, alice: hexgate.User, caplog: pytest.LogCaptureFixture) -> None:
    enforcer = hexgate.Enforcer.from_file("support-bot", policy_file)
    assert enforcer.refresh() == "unchanged"
    assert not enforcer.decide("new_tool", {}, caller=alice).allowed
    policy_file.write_text("roles: {support: {tools: {new_tool: {mode: allow}}}}")
    assert enforcer.refresh() == "replaced"
    assert enforcer.decide("new_tool", {}, caller=alice).allowed
    policy_file.write_text("roles: {support: {tools: {new_tool: {mode: alow}}}}")
    assert enforcer.refresh() == "kept"
    # The last accepted one decides.
    assert enforcer.decide("new_tool", {}, caller=alice).allowed
    assert any(record.name.startswith("hexgate") and record.levelname in ("WARNING", "ERROR") for record in caplog.records)


def test_a_file_that_others_can_write_is_refused(policy_file: Path) -> None:
    policy_file.chmod(0o666)
    with pytest.raises(hexgate.PolicyError) as refused:
        hexgate.Enforcer.from_file("support-bot", policy_file)
    assert refused.value.code == "policy_exposed"


def test_a_file_is_watched(policy_file: Path, alice: hexgate.User) -> None:
    import time

    enforcer = hexgate.Enforcer.from_file("support-bot", policy_file, watch_seconds=0.05)
    policy_file.write_text("roles: {support: {tools: {new_tool: {mode: allow}}}}")
    end = time.monotonic() + 20
    while not enforcer.decide("new_tool", {}, caller=alice).allowed:
        assert time.monotonic() < end
        time.sleep(0.02)
    with pytest.raises(hexgate.PolicyError, match="watch_seconds"):
        hexgate.Enforcer.from_file("support-bot", policy_file, watch_seconds=0)


def test_the_environment_names_the_policy(policy_file: Path, alice: hexgate.User, monkeypatch: pytest.MonkeyPatch) -> None:
    enforcer = hexgate.Enforcer.resolve("support-bot", environment={"HEXGATE_LOCAL_POLICY": str(policy_file)})
    assert enforcer.decide("view_order", {}, caller=alice).allowed
    for name in list(__import__("os").environ):
        if name.startswith("HEXGATE_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HEXGATE_LOCAL_POLICY", str(policy_file))
    assert hexgate.Enforcer.resolve("support-bot").decide("view_order", {}, caller=alice).allowed
    monkeypatch.delenv("HEXGATE_LOCAL_POLICY")
    with pytest.raises(hexgate.ResolveError) as missing:
        hexgate.Enforcer.resolve("support-bot")
    assert missing.value.code == "no_policy" and "HEXGATE_LOCAL_POLICY" in missing.value.remedy
    assert hexgate.Enforcer.resolve("support-bot", otherwise=policy_file).decide("view_order", {}, caller=alice).allowed


@pytest.mark.parametrize(
    ("environment", "code"),
    [
        ({"HEXGATE_LOCAL_POLICY": "/nowhere/policy.yaml"}, "policy_unreadable"),
        ({"HEXGATE_LOCAL_POLICY": "POLICY", "HEXGATE_BUNDLE_REQUIRE_SIGNATURE": "true"}, "untrusted"),
        ({"HEXGATE_LOCAL_POLICY": "POLICY", "HEXGATE_BUNDLE_REQUIRE_SIGNATURE": "maybe"}, "environment"),
        ({"HEXGATE_API_KEY": "no key"}, "environment"),
        ({"HEXGATE_POLICY": "oci://registry.example/policies:1"}, "key"),
    ],
)
def test_an_environment_that_must_not_decide(environment: dict[str, str], code: str, policy_file: Path) -> None:
    named = {name: value.replace("POLICY", str(policy_file)) for name, value in environment.items()}
    with pytest.raises(hexgate.ResolveError) as refused:
        hexgate.Enforcer.resolve("support-bot", environment=named)
    assert refused.value.code == code


def test_engines_have_limits(alice: hexgate.User) -> None:
    engine = hexgate.Engine(arguments_bytes=100)
    enforcer = hexgate.Enforcer.from_yaml("support-bot", POLICY, engine=engine)
    assert enforcer.decide("view_order", {"id": 1}, caller=alice).allowed
    decision = enforcer.decide("view_order", {"id": "x" * 200}, caller=alice)
    assert (decision.outcome, decision.cause) == ("deny", "exceeded")
    with pytest.raises(hexgate.EngineError):
        hexgate.Engine(no_such_limit=1)


def test_options_that_are_none(policy_file: Path) -> None:
    with pytest.raises(TypeError, match="aproval"):
        hexgate.Enforcer.from_yaml("bot", POLICY, aproval=True)  # type: ignore[call-arg]
    with pytest.raises(hexgate.HexgateError, match="switch"):
        hexgate.Enforcer.resolve(
            "bot", environment={"HEXGATE_LOCAL_POLICY": str(policy_file)}, kill_switch=hexgate.KillSwitch()
        )

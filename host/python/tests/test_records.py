"""The record, tokens, and what operators are told."""

from __future__ import annotations

import base64
import logging
import time
from pathlib import Path

import pytest

import hexgate_host as hexgate
from hexgate_host import audit

from conftest import POLICY


@pytest.fixture
def log(tmp_path: Path, alice: hexgate.User) -> Path:
    tmp_path.chmod(0o700)
    folder = tmp_path / "audit"
    enforcer = hexgate.Enforcer.from_yaml("support-bot", POLICY, audit_log=folder, approvals=True)
    enforcer.call_sync("view_order", lambda id: "an order", {"id": 7}, caller=alice)
    enforcer.authorize_sync("refund_order", {"amount": 100}, caller=alice).cancel()
    with pytest.raises(hexgate.CallDenied):
        enforcer.authorize_sync("delete_order", {}, caller=alice)
    enforcer.decide("view_order", {"at": object()}, caller=alice)
    enforcer.decide("view_order", {})
    assert enforcer.counts == {"not_recorded": 0, "ends_not_recorded": 0}
    return folder


def test_the_record_is_verified_and_replayed(log: Path, tmp_path: Path) -> None:
    assert audit.verify(log)["intact"] is True
    replayed = audit.replay(log)
    assert replayed["decisions"] == 5 and replayed["differences"] == []
    assert replayed["replayed"] == 3
    stricter = tmp_path / "stricter.yaml"
    stricter.write_text(POLICY.replace("view_order: {mode: allow}", "view_order: {mode: deny}"))
    assert audit.replay(log, policy=stricter)["changes"]["stricter"] == 1


def test_a_record_that_was_changed_is_found(log: Path) -> None:
    file = sorted(log.glob("*.jsonl"))[0]
    file.write_text(file.read_text().replace('"alice"', '"mallory"', 1))
    with pytest.raises(hexgate.AuditError) as found:
        audit.verify(log)
    assert found.value.code == "audit_not_intact"
    with pytest.raises(hexgate.AuditError) as missing:
        audit.verify(log.parent / "nowhere")
    assert missing.value.code == "audit_log"


def test_a_log_has_one_writer(tmp_path: Path, make) -> None:
    tmp_path.chmod(0o700)
    first = make(audit_log=tmp_path / "audit")
    with pytest.raises(hexgate.AuditError) as busy:
        make(audit_log=tmp_path / "audit")
    assert busy.value.code == "audit_log"
    del first
    make(audit_log=tmp_path / "audit")


ROOT = bytes(range(32))


@pytest.fixture
def issuer(tmp_path: Path) -> tuple[bytes, hexgate.TokenVerifier]:
    """The key of an issuer, and who trusts it."""
    # RFC 8410: the raw key in DER. The public half is derived by whoever has a library for it; here it is known.
    public = base64.b16decode("03A107BFF3CE10BE1D70DD18E74BC09967E4D6309BA50D5F1DDC8664125531B8")
    return ROOT, hexgate.TokenVerifier([public], project="shop", environment="test")


def test_tokens_say_who_calls(issuer, enforcer: hexgate.Enforcer) -> None:
    root, verifier = issuer
    project = hexgate.mint_project_token(root, environment="test", project="shop")
    token = hexgate.attenuate_for_user(project, verifier, "alice", "support", 60)
    verified = verifier.verify(token)
    assert (verified.user_id, verified.roles, verified.project, verified.environment) == ("alice", ["support"], "shop", "test")
    caller = hexgate.Caller.from_token(verifier, token, session_id="s-1", attributes={"plan": "gold"})
    assert (caller.user_id, caller.session_id, caller.attributes) == ("alice", "s-1", {"plan": "gold"})
    with caller:
        assert enforcer.decide("view_order", {}).allowed
        assert not enforcer.decide("delete_order", {}).allowed
        enforcer.kill_switch.revoke_token(verified.revocation_ids[-1], "stolen")
        assert enforcer.decide("view_order", {}).cause == "stopped"


def test_tokens_that_do_not_hold(issuer, enforcer: hexgate.Enforcer) -> None:
    root, verifier = issuer
    project = hexgate.mint_project_token(root, environment="test", project="shop")
    short = hexgate.attenuate_for_user(project, verifier, "alice", "support", 1)
    caller = hexgate.Caller.from_token(verifier, short)
    foreign = hexgate.mint_project_token(bytes(32), environment="test", project="shop")
    other = hexgate.mint_project_token(root, environment="test", project="other")
    user = hexgate.attenuate_for_user(project, verifier, "alice")
    for refused, code in [
        (lambda: verifier.verify(project), "token_without_user"),
        (lambda: verifier.verify(foreign), "token_signature"),
        (lambda: verifier.verify("nonsense"), "token"),
        (lambda: hexgate.attenuate_for_user(other, verifier, "alice"), "token_for_another"),
        (lambda: hexgate.attenuate_for_user(user, verifier, "bob"), "token_attenuated"),
        (lambda: hexgate.attenuate_for_user(project, verifier, "alice", ttl_seconds=0), "ttl"),
        (lambda: hexgate.attenuate_for_user(project, verifier, "alice", ttl_seconds=True), "ttl"),
        (lambda: hexgate.mint_project_token(b"short", environment="test", project="shop"), "key"),
    ]:
        with pytest.raises(hexgate.TokenError) as error:
            refused()
        assert error.value.code == code
    time.sleep(2.1)
    with pytest.raises(hexgate.TokenError) as expired:
        verifier.verify(short)
    assert expired.value.code == "token_expired"
    # Checked at the call, not when the scope was opened.
    assert enforcer.decide("view_order", {}, caller=caller).cause == "token"


def test_decisions_are_logged(enforcer: hexgate.Enforcer, alice: hexgate.User, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "hexgate_host")
    enforcer.decide("view_order", {"secret": "hunter2"}, caller=alice)
    enforcer.decide("evil\nINFO forged", {}, caller=alice)
    enforcer.decide("view_order", {})
    first, second, lost, third = (record for record in caplog.records if record.name == "hexgate_host")
    assert (first.levelname, second.levelname, third.levelname) == ("INFO", "WARNING", "WARNING")
    assert first.hexgate_outcome == "allow" and first.hexgate_user == "alice"  # type: ignore[attr-defined]
    assert "hunter2" not in caplog.text
    assert "\n" not in second.getMessage() and "forged" in second.getMessage()
    assert "no caller" in lost.getMessage() and "no scope is open" in lost.getMessage()


def test_observers_change_nothing(make, alice: hexgate.User, caplog: pytest.LogCaptureFixture) -> None:
    def broken(decision: hexgate.Decision) -> None:
        raise RuntimeError("broken")

    seen: list[str] = []
    enforcer = make(observers=[broken, lambda decision: seen.append(decision.outcome)])
    assert enforcer.decide("view_order", {}, caller=alice).allowed
    assert enforcer.decide("delete_order", {}, caller=alice).outcome == "deny"
    assert seen == ["allow", "deny"]
    assert "an observer failed" in caplog.text


def test_spans_and_metrics(make, alice: hexgate.User) -> None:
    pytest.importorskip("opentelemetry.sdk")
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from hexgate_host.opentelemetry import Telemetry

    spans, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracers, meters = TracerProvider(), MeterProvider(metric_readers=[reader])
    tracers.add_span_processor(SimpleSpanProcessor(spans))
    plain = Telemetry(tracer_provider=tracers, meter_provider=meters)
    telling = Telemetry(tracer_provider=tracers, meter_provider=meters, identities=True)
    with tracers.get_tracer("test").start_as_current_span("outer") as outer:
        make(observers=[plain]).decide("view_order", {}, caller=alice)
    make(observers=[telling]).decide("made up", {}, caller=alice)
    first, _, second = spans.get_finished_spans()
    assert first.name == "hexgate.decide" and first.parent is not None
    assert first.parent.span_id == outer.get_span_context().span_id
    assert first.attributes["hexgate.decision.outcome"] == "allow"
    assert not {"user.id", "session.id"} & set(first.attributes)
    assert second.attributes["user.id"] == "alice" and second.attributes["session.id"] == "s-1"
    data = reader.get_metrics_data().to_json()
    assert "hexgate.decisions" in data and "hexgate.decision.duration" in data and "made up" not in data
    tracers.shutdown()
    meters.shutdown()

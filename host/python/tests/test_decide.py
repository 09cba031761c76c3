"""Decisions, and how models and operators read them."""

from __future__ import annotations

import sys
import threading
import time

import pytest

import hexgate_host as hexgate


def test_three_lines_decide() -> None:
    enforcer = hexgate.Enforcer.from_yaml("bot", "roles: {support: {tools: {view_order: {mode: allow}}}}")
    with hexgate.User("alice", "support"):
        assert enforcer.decide("view_order", {"id": 7}).outcome == "allow"


def test_an_allowed_call(enforcer: hexgate.Enforcer, alice: hexgate.User) -> None:
    decision = enforcer.decide("refund_order", {"amount": 50}, caller=alice)
    assert (decision.outcome, decision.allowed, decision.cause) == ("allow", True, "policy")
    assert (decision.role, decision.user_id, decision.session_id) == ("support", "alice", "s-1")
    assert decision.arguments_json == '{"amount":50}'
    assert decision.reason == "" and decision.error_type is None
    assert decision.as_error_payload() is None and decision.as_error_message() is None
    assert decision.policy["origin"] == "policy.yaml"


def test_a_denied_call(enforcer: hexgate.Enforcer, alice: hexgate.User) -> None:
    decision = enforcer.decide("refund_order", {"amount": 5000}, caller=alice)
    assert decision.outcome == "deny" and decision.error_type == "policy_denied"
    assert decision.violations
    assert decision.as_error_message() == (
        "[policy_denied] Tool 'refund_order' is denied by the agent policy. The tool was not executed. "
        "Ask your lead."
    )
    payload = decision.as_error_payload()
    assert payload is not None
    assert (payload["type"], payload["tool_name"], payload["agent_name"]) == (
        "policy_denied",
        "refund_order",
        "support-bot",
    )
    assert payload["retryable"] is False
    # A model learns nothing of the policy; the operator everything.
    assert "1000" not in str(payload) and "role" not in payload and "violations" not in payload
    operator = decision.as_operator_payload()
    assert operator is not None and "1000" in str(operator["violations"])


def test_constraints_are_disclosed_on_demand(alice: hexgate.User, make) -> None:
    decision = make(disclose_constraints=True).decide("refund_order", {"amount": 5000}, caller=alice)
    payload = decision.as_error_payload()
    assert payload is not None and "1000" in str(payload["violations"])


def test_a_call_that_needs_approval(enforcer: hexgate.Enforcer, alice: hexgate.User) -> None:
    decision = enforcer.decide("refund_order", {"amount": 51}, caller=alice)
    assert decision.outcome == "needs_approval" and decision.error_type == "approval_required"
    assert decision.message == "Ask your lead."
    assert decision.as_error_message() == (
        "[approval_required] Tool 'refund_order' requires human approval before execution. "
        "The tool was not executed. Ask your lead."
    )
    terms = enforcer.decide("wipe", {}, caller=alice).approval_terms
    assert terms == {"roles": ["finance"], "approvers": 2, "reason_required": True, "expires_seconds": 14400}


def test_a_path_outside_of_the_scope_gets_a_hint(enforcer: hexgate.Enforcer, alice: hexgate.User) -> None:
    decision = enforcer.decide("read_file", {"file_path": "etc/passwd"}, caller=alice)
    assert decision.outcome == "deny"
    assert decision.hint == {"allowed_paths": ["orders/**"]}


def test_the_role_decides(enforcer: hexgate.Enforcer) -> None:
    for roles, outcome in [(["support"], "deny"), (["admin"], "allow"), (["support", "admin"], "allow"), ([], "deny")]:
        caller = hexgate.User("alice", roles=roles)
        assert enforcer.decide("delete_order", {}, caller=caller).outcome == outcome, roles


def test_a_decision_is_no_truth_value(enforcer: hexgate.Enforcer, alice: hexgate.User) -> None:
    decision = enforcer.decide("nothing", {}, caller=alice)
    assert decision.outcome == "deny"
    with pytest.raises(TypeError, match="allowed"):
        bool(decision)
    with pytest.raises(TypeError, match="allowed"):
        bool(hexgate.Policy.from_yaml("roles: {default: {}}").decide("t", {}))


def test_an_expired_caller_is_denied(enforcer: hexgate.Enforcer) -> None:
    caller = hexgate.User("alice", "support", ttl_seconds=0.01)
    threading.Event().wait(0.05)
    decision = enforcer.decide("view_order", {}, caller=caller)
    assert (decision.outcome, decision.cause) == ("deny", "caller_expired")


def test_facts_reach_the_policy() -> None:
    policy = "roles: {support: {tools: {t: {mode: allow, constraints: ['usage.tool_calls_24h < 3', 'ctx.plan == \"gold\"']}}}}"
    enforcer = hexgate.Enforcer.from_yaml("bot", policy)
    gold = hexgate.User("alice", "support", attributes={"plan": "gold"})
    assert enforcer.uses_fact("usage.tool_calls_24h") and not enforcer.uses_fact("said")
    assert enforcer.decide("t", {}, caller=gold, facts={"usage": {"tool_calls_24h": 2}}).outcome == "allow"
    assert enforcer.decide("t", {}, caller=gold, facts={"usage": {"tool_calls_24h": 3}}).outcome == "deny"
    assert enforcer.decide("t", {}, caller=gold).outcome == "deny"
    assert enforcer.decide("t", {}, caller=hexgate.User("bob", "support"), facts={"usage": {"tool_calls_24h": 2}}).outcome == "deny"
    with pytest.raises(hexgate.ArgumentsError, match="no facts `other`"):
        enforcer.decide("t", {}, caller=gold, facts={"other": {}})  # type: ignore[typeddict-unknown-key]


def test_tools_are_shown_that_could_be_called(enforcer: hexgate.Enforcer, alice: hexgate.User) -> None:
    assert enforcer.shows("refund_order", caller=alice)
    assert not enforcer.shows("delete_order", caller=alice)
    assert not enforcer.shows("refund_order")


def test_a_host_refuses_on_record(enforcer: hexgate.Enforcer, alice: hexgate.User) -> None:
    seen: list[hexgate.Decision] = []
    enforcer = hexgate.Enforcer.from_yaml("bot", "roles: {support: {default_policy: {mode: allow}}}", observers=[seen.append])
    refused = enforcer.refuse("search", {"q": "x"}, "it runs at the provider", caller=alice)
    assert isinstance(refused, hexgate.CallDenied)
    assert refused.decision is not None and refused.decision.cause == "runtime"
    assert "provider" not in refused.as_error_message()
    message = enforcer.in_vain("nothing", {}, "unknown_tool", caller=alice)
    assert message.startswith("[unknown_tool]")
    assert [decision.cause for decision in seen] == ["runtime", "policy"]
    with pytest.raises(hexgate.ArgumentsError, match="unknown_tool"):
        enforcer.in_vain("nothing", {}, "else", caller=alice)


def test_the_kill_switch_stops_from_the_next_call_on(make, alice: hexgate.User) -> None:
    switch = hexgate.KillSwitch()
    enforcer = make(kill_switch=switch)
    assert enforcer.decide("view_order", {}, caller=alice).allowed
    for stop, release in [
        (lambda: switch.stop_user("ALICE ", "fraud"), lambda: switch.release_user("alice")),
        (lambda: switch.stop_agent("support-bot", "broken"), lambda: switch.release_agent("support-bot")),
        (lambda: switch.stop_everything("drill"), switch.release_everything),
    ]:
        stop()
        decision = enforcer.decide("view_order", {}, caller=alice)
        assert (decision.outcome, decision.cause) == ("deny", "stopped")
        assert switch.stops("support-bot", "alice") is not None
        release()
        assert switch.stops("support-bot", "alice") is None
        assert enforcer.decide("view_order", {}, caller=alice).allowed
    enforcer.kill_switch.stop_user("alice", "it is the same switch")
    assert switch.stops("support-bot", "alice") is not None


def test_threads_decide_side_by_side_without_the_interpreter(alice: hexgate.User) -> None:
    # Costly enough to see whether somebody else runs meanwhile.
    enforcer = hexgate.Enforcer.from_yaml(
        "bot", "roles: {support: {tools: {t: {mode: allow, constraints: ['every(args.xs, . < 10)']}}}}"
    )
    arguments = {"xs": [1] * 20_000}
    text = hexgate._native.encode(arguments)
    outcomes: list[str] = []
    ticks = 0
    done = threading.Event()

    def work() -> None:
        for _ in range(50):
            outcomes.append(enforcer.decide("t", text, caller=alice).outcome)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        ticks += 1
        done.wait(0.0005)
    assert outcomes == ["allow"] * 200
    assert ticks > 10


def test_the_interpreter_is_released_while_deciding(alice: hexgate.User) -> None:
    enforcer = hexgate.Enforcer.from_yaml(
        "bot", "roles: {support: {tools: {t: {mode: allow, constraints: ['every(args.xs, . < 10)']}}}}"
    )
    text = hexgate._native.encode({"xs": [1] * 10_000})
    enforcer.decide("t", text, caller=alice)
    interval = sys.getswitchinterval()
    # A thread that holds the interpreter is asked to give it up only after that long.
    sys.setswitchinterval(60.0)
    try:
        seen = threading.Event()

        def work() -> None:
            while not seen.is_set():
                enforcer.decide("t", text, caller=alice)

        thread = threading.Thread(target=work, daemon=True)
        began = time.monotonic()
        thread.start()
        # This line is reached when the other thread, which decides without an end, lets go of the interpreter.
        took = time.monotonic() - began
        seen.set()
        thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert took < 30

"""Asking people, and everything that can go wrong with that."""

from __future__ import annotations

import asyncio
import contextvars
import json
import threading
import time
from pathlib import Path

import pytest

import hexgate_host as hexgate

from conftest import POLICY

CALL = ("refund_order", {"amount": 100})


def ran_sync(enforcer: hexgate.Enforcer, alice: hexgate.User, **options) -> bool:
    """Whether the call ran, with what was decided."""
    ran = []
    try:
        enforcer.call_sync(CALL[0], lambda amount: ran.append(amount), CALL[1], caller=alice, **options)
    except hexgate.CallDenied:
        assert not ran
        return False
    assert ran == [100]
    return True


async def ran(enforcer: hexgate.Enforcer, alice: hexgate.User, **options) -> bool:
    ran = []
    try:
        await enforcer.call(CALL[0], lambda amount: ran.append(amount), CALL[1], caller=alice, **options)
    except hexgate.CallDenied:
        assert not ran
        return False
    assert ran == [100]
    return True


async def coroutine(decision: hexgate.Decision) -> bool:
    await asyncio.sleep(0.001)
    return decision.tool_name == CALL[0]


class Callable_:
    async def __call__(self, decision: hexgate.Decision) -> bool:
        return True


AGREES = {
    "yes": True,
    "a function": lambda decision: True,
    "an answer": lambda decision: hexgate.Answer(True, by="carol", reason="known customer"),
    "a function that sees the call": lambda decision: json.loads(decision.arguments_json)["amount"] == 100,
}
AGREES_LATER = {
    "a coroutine": coroutine,
    "an object with a coroutine": Callable_(),
    "a function that gives a coroutine": lambda decision: coroutine(decision),
}


def raises(decision: hexgate.Decision) -> bool:
    raise ValueError("broken")


def interrupts(decision: hexgate.Decision) -> bool:
    raise SystemExit(0)


async def raises_later(decision: hexgate.Decision) -> bool:
    raise ValueError("broken")


async def cancels(decision: hexgate.Decision) -> bool:
    raise asyncio.CancelledError


async def hangs(decision: hexgate.Decision) -> bool:
    await asyncio.sleep(3600)
    return True


async def hangs_on(decision: hexgate.Decision) -> bool:
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        await asyncio.sleep(0.2)
    return True


REFUSES = {
    "no": False,
    "a function that does not": lambda decision: False,
    "an answer": lambda decision: hexgate.Answer(False, by="carol", reason="unknown"),
    "nothing": lambda decision: None,
    "a text": lambda decision: "yes",
    "a one": lambda decision: 1,
    "a dictionary": lambda decision: {"approved": True},
    "an answer that is none": lambda decision: hexgate.Answer("yes", by="carol"),  # type: ignore[arg-type]
    "an exception": raises,
    "an exit": interrupts,
    "a missing argument": lambda: True,
    "one argument more": lambda decision, context: True,
}
REFUSES_LATER = {
    "an exception": raises_later,
    "a cancellation": cancels,
}


@pytest.mark.parametrize("name", AGREES)
def test_who_agrees(name: str, make, alice: hexgate.User) -> None:
    enforcer = make(approvals=AGREES[name])
    assert ran_sync(enforcer, alice)
    assert asyncio.run(ran(enforcer, alice))


@pytest.mark.parametrize("name", AGREES_LATER)
def test_coroutines_agree_where_there_is_an_event_loop(name: str, make, alice: hexgate.User) -> None:
    enforcer = make(approvals=AGREES_LATER[name])
    assert asyncio.run(ran(enforcer, alice))
    # Elsewhere they are a denial, and no warning of a coroutine that nobody awaited.
    assert not ran_sync(enforcer, alice)


@pytest.mark.parametrize("name", REFUSES)
def test_who_does_not_agree(name: str, make, alice: hexgate.User) -> None:
    enforcer = make(approvals=REFUSES[name])
    assert not ran_sync(enforcer, alice)
    assert not asyncio.run(ran(enforcer, alice))


@pytest.mark.parametrize("name", REFUSES_LATER)
def test_coroutines_that_do_not_agree(name: str, make, alice: hexgate.User) -> None:
    assert not asyncio.run(ran(make(approvals=REFUSES_LATER[name]), alice))


def test_nobody_is_asked_by_default(enforcer: hexgate.Enforcer, alice: hexgate.User) -> None:
    with pytest.raises(hexgate.ApprovalRequired) as required:
        enforcer.authorize_sync(*CALL, caller=alice)
    assert required.value.code == "approval_required"
    assert required.value.decision is not None and required.value.decision.approval_key
    assert required.value.as_error_payload()["type"] == "approval_required"
    assert required.value.as_error_message().startswith("[approval_required]")
    with pytest.raises(hexgate.ApprovalRequired):
        asyncio.run(enforcer.authorize(*CALL, caller=alice))


def test_who_is_no_handler(make) -> None:
    for handler in ("yes", 1, 0, object()):
        with pytest.raises(TypeError, match="approvals are"):
            make(approvals=handler)


@pytest.mark.parametrize("handler", [lambda decision: time.sleep(30) or True, hangs, hangs_on])
def test_who_hangs_is_not_waited_for(handler, make, alice: hexgate.User) -> None:
    enforcer = make(approvals=handler, approval_timeout=0.05)

    async def main() -> None:
        began = time.monotonic()
        assert not await ran(enforcer, alice)
        assert time.monotonic() - began < 5

    asyncio.run(main())
    if handler not in (hangs, hangs_on):
        began = time.monotonic()
        assert not ran_sync(enforcer, alice)
        assert time.monotonic() - began < 5


def test_nobody_is_asked_about_what_is_allowed_or_denied(make, alice: hexgate.User) -> None:
    asked: list[str] = []

    def handler(decision: hexgate.Decision) -> bool:
        asked.append(decision.tool_name)
        return True

    enforcer = make(approvals=handler)
    enforcer.authorize_sync("view_order", {}, caller=alice).cancel()
    with pytest.raises(hexgate.CallDenied):
        enforcer.authorize_sync("delete_order", {}, caller=alice)
    assert enforcer.decide(*CALL, caller=alice).outcome == "needs_approval"
    assert asked == []
    enforcer.authorize_sync(*CALL, caller=alice).cancel()
    assert asked == ["refund_order"]


def test_the_answer_is_on_the_decision(make, alice: hexgate.User) -> None:
    seen: list[hexgate.Decision] = []
    enforcer = make(
        approvals=lambda decision: hexgate.Answer(True, by="carol", reason="known"), observers=[seen.append]
    )
    permit = enforcer.authorize_sync(*CALL, caller=alice)
    assert [decision.outcome for decision in seen] == ["needs_approval", "allow"]
    assert permit.decision.cause == "approval"
    assert (permit.decision.approved_by, permit.decision.approval_reason) == ("carol", "known")
    assert permit.decision.follows == seen[0].id
    permit.cancel()


def test_what_changes_while_a_person_thinks(make, alice: hexgate.User) -> None:
    switch = hexgate.KillSwitch()

    def handler(decision: hexgate.Decision) -> bool:
        switch.stop_user("alice", "fraud")
        return True

    with pytest.raises(hexgate.CallDenied) as denied:
        make(approvals=handler, kill_switch=switch).authorize_sync(*CALL, caller=alice)
    assert denied.value.decision is not None and denied.value.decision.cause == "stopped"
    short = hexgate.User("alice", "support", ttl_seconds=0.05)
    with pytest.raises(hexgate.CallDenied) as denied:
        make(approvals=lambda decision: time.sleep(0.2) or True).authorize_sync(*CALL, caller=short)
    assert denied.value.decision is not None and denied.value.decision.cause == "caller_expired"


def test_a_policy_that_was_replaced_meanwhile(policy_file: Path, alice: hexgate.User) -> None:
    enforcer: hexgate.Enforcer

    def handler(decision: hexgate.Decision) -> bool:
        policy_file.write_text(policy_file.read_text().replace("1000", "999"))
        assert enforcer.refresh() == "replaced"
        return True

    enforcer = hexgate.Enforcer.from_file("support-bot", policy_file, approvals=handler)
    with pytest.raises(hexgate.CallDenied) as denied:
        enforcer.authorize_sync(*CALL, caller=alice)
    assert "changed while approval was waited for" in str(denied.value.decision.reason)


def test_one_person_is_not_two(make, alice: hexgate.User) -> None:
    for handler in (True, lambda decision: True):
        with pytest.raises(hexgate.CallDenied) as denied:
            make(approvals=handler).authorize_sync("wipe", {}, caller=alice)
        assert "2 approvers" in denied.value.decision.reason


def test_cancelled_while_a_person_thinks(make, alice: hexgate.User) -> None:
    asked = threading.Event()
    release = threading.Event()
    ran: list[object] = []

    def slow(decision: hexgate.Decision) -> bool:
        asked.set()
        return release.wait(30)

    async def slow_coroutine(decision: hexgate.Decision) -> bool:
        asked.set()
        await asyncio.sleep(3600)
        return True

    async def main(handler) -> None:
        seen: list[hexgate.Decision] = []
        enforcer = make(approvals=handler, observers=[seen.append])
        task = asyncio.create_task(enforcer.call(CALL[0], lambda amount: ran.append(amount), CALL[1], caller=alice))
        while not asked.is_set():
            await asyncio.sleep(0.001)
        asked.clear()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        release.set()
        await asyncio.sleep(0.05)
        assert [decision.outcome for decision in seen] == ["needs_approval"]
        assert not ran

    asyncio.run(main(slow))
    asyncio.run(main(slow_coroutine))


def test_the_handler_sees_the_context_of_the_call(make, alice: hexgate.User) -> None:
    request = contextvars.ContextVar("request", default="none")
    seen: list[str] = []

    def handler(decision: hexgate.Decision) -> bool:
        seen.append(f"{request.get()} {hexgate.current_caller().user_id}")
        return True

    async def later(decision: hexgate.Decision) -> bool:
        return handler(decision)

    request.set("r-1")
    with alice:
        make(approvals=handler).authorize_sync(*CALL).cancel()
        for each in (handler, later):
            asyncio.run(make(approvals=each).authorize(*CALL)).cancel()
    assert seen == ["r-1 alice"] * 3


def key_of(enforcer: hexgate.Enforcer, caller: hexgate.User, tool: str = CALL[0], arguments: object = CALL[1]) -> str:
    key = enforcer.decide(tool, arguments, caller=caller).approval_key
    assert key is not None
    return key


def test_an_approval_that_comes_later(enforcer: hexgate.Enforcer, alice: hexgate.User) -> None:
    key = key_of(enforcer, alice)
    assert ran_sync(enforcer, alice, approval=hexgate.Approval(key, by="carol"))
    assert asyncio.run(ran(enforcer, alice, approval=hexgate.Approval(key, by="carol")))
    # Another process makes the same key of the same call.
    again = hexgate.Enforcer.from_yaml("support-bot", POLICY)
    assert key_of(again, alice) == key


def test_a_later_approval_is_for_this_call_alone(enforcer: hexgate.Enforcer, alice: hexgate.User, make) -> None:
    others = {
        "arguments": key_of(enforcer, alice, arguments={"amount": 101}),
        "the same value written otherwise": key_of(enforcer, alice, arguments='{"amount": 100}'),
        "tool": key_of(enforcer, alice, "close_account", {}),
        "user": key_of(enforcer, hexgate.User("bob", "support", "s-1")),
        "session": key_of(enforcer, hexgate.User("alice", "support", "s-2")),
        "roles": key_of(enforcer, hexgate.User("alice", "admin", "s-1")),
        "attributes": key_of(enforcer, hexgate.User("alice", "support", "s-1", attributes={"a": 1})),
        "policy": key_of(hexgate.Enforcer.from_yaml("support-bot", POLICY_OTHER), alice),
        "agent": key_of(hexgate.Enforcer.from_yaml("other", POLICY_OTHER), alice),
        "nothing": "",
    }
    assert len(set(others.values())) == len(others)
    for name, key in others.items():
        assert not ran_sync(enforcer, alice, approval=hexgate.Approval(key, by="carol")), name


POLICY_OTHER = "roles: {support: {tools: {refund_order: {mode: approval_required}}}}"


def test_a_later_approval_counts_once(enforcer: hexgate.Enforcer, alice: hexgate.User) -> None:
    approval = hexgate.Approval(key_of(enforcer, alice), by="carol")
    assert ran_sync(enforcer, alice, approval=approval)
    assert not ran_sync(enforcer, alice, approval=approval)


def test_a_refusal_counts_where_the_policy_allows_by_now(enforcer: hexgate.Enforcer, alice: hexgate.User) -> None:
    refusal = hexgate.Approval("any", by="carol", approved=False)
    assert not ran_sync(enforcer, alice, approval=refusal)
    with pytest.raises(hexgate.CallDenied) as denied:
        enforcer.authorize_sync("view_order", {}, caller=alice, approval=refusal)
    assert denied.value.decision.reason == "carol did not agree"
    # An approval does not turn a denial around.
    with pytest.raises(hexgate.CallDenied):
        enforcer.authorize_sync("delete_order", {}, caller=alice, approval=hexgate.Approval("any", by="carol"))


@pytest.fixture
def desk(tmp_path: Path, command) -> tuple[hexgate.DurableApprovals, Path, Path]:
    tmp_path.chmod(0o700)
    command("policy", "keygen", "--out", str(tmp_path / "carol"))
    public = (tmp_path / "carol.public").read_text().strip()
    approvers = tmp_path / "approvers.json"
    approvers.write_text(
        json.dumps({"version": 1, "approvers": [{"id": "carol", "keys": [public], "roles": ["finance"]}]})
    )
    approvers.chmod(0o600)
    database = tmp_path / "approvals.db"
    return hexgate.DurableApprovals(database, approvers=approvers, roles=["finance"]), database, approvers


def test_the_durable_desk(desk, make, alice: hexgate.User, command, tmp_path: Path) -> None:
    durable, database, approvers = desk
    enforcer = make(approvals=durable)
    with pytest.raises(hexgate.ApprovalRequired) as required:
        enforcer.authorize_sync(*CALL, caller=alice)
    request = required.value.decision.pending_request
    assert request
    # Asked again, it is the same request, and still nobody has answered.
    with pytest.raises(hexgate.ApprovalRequired) as required:
        asyncio.run(enforcer.authorize(*CALL, caller=alice))
    assert required.value.decision.pending_request == request
    command(
        "approvals", "approve", request, "--db", str(database), "--approvers", str(approvers),
        "--key", str(tmp_path / "carol.private"),
    )
    assert not ran_sync(make(approvals=durable), hexgate.User("bob", "support"))
    # Another process: the desk is opened again.
    again = make(approvals=hexgate.DurableApprovals(database, approvers=approvers, roles=["finance"]))
    assert asyncio.run(ran(again, alice))
    # Once.
    assert not ran_sync(again, alice)
    with pytest.raises(hexgate.ApprovalError, match="durable desk"):
        again.authorize_sync(*CALL, caller=alice, approval=hexgate.Approval("key", by="carol"))


def test_a_desk_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(hexgate.ApprovalError) as refused:
        hexgate.DurableApprovals(tmp_path / "a.db", approvers=tmp_path / "none.json", roles=["finance"])
    assert refused.value.code == "approval_desk"

"""Running a call from its permission, to its end."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
from pathlib import Path

import pytest

import hexgate_host as hexgate


@pytest.fixture
def logged(make, tmp_path: Path):
    """An enforcer with a log, and how its calls ended."""
    tmp_path.chmod(0o700)
    log = tmp_path / "audit"
    enforcer = make(audit_log=log)

    def ends() -> list[tuple[str, bool, str | None]]:
        lines = [json.loads(line) for file in sorted(log.glob("*.jsonl")) for line in file.read_text().splitlines()]
        found = []
        for line in lines:
            text = json.dumps(line)
            if '"state"' in text:
                end = line.get("end", line)
                found.append((end["state"], end["ran"], end.get("error")))
        return found

    return enforcer, ends


def test_with_a_permit(logged, alice: hexgate.User) -> None:
    enforcer, ends = logged
    with enforcer.authorize_sync("view_order", {"id": 7}, caller=alice) as permit:
        # What the tool calls acts on the same behalf.
        assert hexgate.current_caller().user_id == "alice"
        permit.complete({"order": permit.arguments["id"]})
    with pytest.raises(hexgate.ScopeError):
        hexgate.current_caller()
    with pytest.raises(KeyError), enforcer.authorize_sync("view_order", {}, caller=alice):
        raise KeyError("lost")
    with pytest.raises(asyncio.CancelledError), enforcer.authorize_sync("view_order", {}, caller=alice):
        raise asyncio.CancelledError
    with enforcer.authorize_sync("view_order", {}, caller=alice):
        pass
    permit = enforcer.authorize_sync("view_order", {}, caller=alice)
    permit.fail("not_started")
    permit = enforcer.authorize_sync("view_order", {}, caller=alice)
    del permit
    gc.collect()
    assert ends() == [
        ("completed", True, None),
        ("failed", True, "KeyError"),
        ("cancelled", True, "cancelled"),
        ("completed", True, None),
        ("failed", False, "not_started"),
        ("cancelled", False, "cancelled"),
    ]


def test_a_permit_counts_once(enforcer: hexgate.Enforcer, alice: hexgate.User) -> None:
    permit = enforcer.authorize_sync("view_order", {}, caller=alice)
    with permit, pytest.raises(hexgate.PermitError) as used, permit:
        pass
    assert used.value.code == "permit_used"
    for use in (permit.start, permit.complete, permit.cancel, lambda: permit.fail("x")):
        with pytest.raises(hexgate.PermitError):
            use()
    with pytest.raises(hexgate.PermitError), permit:
        pass


def test_many_threads_want_the_same_permit(enforcer: hexgate.Enforcer, alice: hexgate.User) -> None:
    permit = enforcer.authorize_sync("view_order", {}, caller=alice)
    started: list[int] = []
    barrier = threading.Barrier(8)

    def work(number: int) -> None:
        barrier.wait()
        try:
            permit.start()
            started.append(number)
        except hexgate.PermitError:
            pass

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(started) == 1
    permit.complete()


def test_calls_run_with_what_was_decided(logged, alice: hexgate.User) -> None:
    enforcer, ends = logged

    async def coroutine(id: int) -> dict[str, int]:
        await asyncio.sleep(0)
        return {"id": id, "by": len(hexgate.current_caller().user_id)}

    async def fails(id: int) -> None:
        raise RuntimeError("broken")

    async def main() -> None:
        assert await enforcer.call("view_order", coroutine, {"id": 7}, caller=alice) == {"id": 7, "by": 5}
        assert await enforcer.call("view_order", lambda id: id, {"id": 8}, caller=alice) == 8
        with pytest.raises(RuntimeError, match="broken"):
            await enforcer.call("view_order", fails, {"id": 7}, caller=alice)
        with pytest.raises(TypeError):
            await enforcer.call("view_order", coroutine, {"other": 7}, caller=alice)
        with pytest.raises(hexgate.CallDenied):
            await enforcer.call("delete_order", coroutine, {"id": 7}, caller=alice)

    asyncio.run(main())
    assert enforcer.call_sync("view_order", lambda id: id, {"id": 9}, caller=alice) == 9
    with pytest.raises(TypeError, match="coroutine"):
        enforcer.call_sync("view_order", coroutine, {"id": 9}, caller=alice)
    assert [state for state, _, _ in ends()] == [
        "completed", "completed", "failed", "failed", "completed", "failed",
    ]


def test_a_tool_that_is_cancelled(logged, alice: hexgate.User) -> None:
    enforcer, ends = logged

    async def hangs(**_: object) -> None:
        await asyncio.sleep(3600)

    async def main() -> None:
        task = asyncio.create_task(enforcer.call("view_order", hangs, {}, caller=alice))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert ends() == [("cancelled", True, "cancelled")]


def test_the_scope_of_a_permit_covers_paths(enforcer: hexgate.Enforcer, alice: hexgate.User) -> None:
    permit = enforcer.authorize_sync("read_file", {"file_path": "orders/7.txt"}, caller=alice)
    assert permit.covers("orders/8.txt") and not permit.covers("etc/passwd") and not permit.covers("orders/../etc")
    permit.cancel()
    assert not permit.covers("orders/8.txt")
    anywhere = enforcer.authorize_sync("view_order", {}, caller=alice)
    assert anywhere.covers("etc/passwd")
    anywhere.cancel()


def test_a_run_counts_its_calls(enforcer: hexgate.Enforcer, alice: hexgate.User) -> None:
    run = enforcer.begin_run_sync("r-1", caller=alice)
    for _ in range(3):
        enforcer.authorize_sync("limited", {}, caller=alice, run=run).cancel()
    with pytest.raises(hexgate.CallDenied):
        enforcer.authorize_sync("limited", {}, caller=alice, run=run)
    other = enforcer.begin_run_sync("r-2", caller=alice)
    enforcer.authorize_sync("limited", {}, caller=alice, run=other).cancel()
    # Without a run nothing is known of it.
    with pytest.raises(hexgate.CallDenied):
        enforcer.authorize_sync("limited", {}, caller=alice)


def test_calls_side_by_side_do_not_pass_a_limit_together(make, alice: hexgate.User) -> None:
    policy = (
        "roles: {support: {tools: {limited: {mode: approval_required, constraints: [run.calls_of_this_tool < 3]}}}}"
    )

    async def slow(decision: hexgate.Decision) -> bool:
        await asyncio.sleep(0.005)
        return True

    enforcer = hexgate.Enforcer.from_yaml("bot", policy, approvals=slow)

    async def one(run: hexgate.Run) -> bool:
        try:
            (await enforcer.authorize("limited", {}, caller=alice, run=run)).cancel()
        except hexgate.CallDenied:
            return False
        return True

    async def main() -> None:
        run = await enforcer.begin_run("r-1", caller=alice)
        assert sum(await asyncio.gather(*(one(run) for _ in range(12)))) == 3

    asyncio.run(main())
    run = enforcer.begin_run_sync("r-2", caller=alice)
    thread_enforcer = hexgate.Enforcer.from_yaml("bot", policy, approvals=lambda decision: True)
    outcomes: list[bool] = []

    def work() -> None:
        try:
            thread_enforcer.authorize_sync("limited", {}, caller=alice, run=run).cancel()
            outcomes.append(True)
        except hexgate.CallDenied:
            outcomes.append(False)

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(outcomes) == 3 and len(outcomes) == 12


def test_who_waits_for_others_can_be_cancelled(alice: hexgate.User) -> None:
    policy = "roles: {support: {tools: {t: {mode: approval_required}}}}"
    release = asyncio.Event()

    async def slow(decision: hexgate.Decision) -> bool:
        await release.wait()
        return True

    enforcer = hexgate.Enforcer.from_yaml("bot", policy, approvals=slow)

    async def main() -> None:
        run = await enforcer.begin_run("r-1", caller=alice)
        first, second, third = (
            asyncio.create_task(enforcer.authorize("t", {}, caller=alice, run=run)) for _ in range(3)
        )
        await asyncio.sleep(0.01)
        second.cancel()
        await asyncio.sleep(0.01)
        release.set()
        (await first).cancel()
        (await third).cancel()
        with pytest.raises(asyncio.CancelledError):
            await second

    asyncio.run(main())


def test_who_may_run_the_agent() -> None:
    policy = "roles: {support: {tools: {agent.run: {mode: allow}, t: {mode: allow}}}, guest: {tools: {t: {mode: allow}}}}"
    enforcer = hexgate.Enforcer.from_yaml("bot", policy)
    assert enforcer.begin_run_sync("r", caller=hexgate.User("alice", "support")).id == "r"
    with pytest.raises(hexgate.CallDenied):
        enforcer.begin_run_sync("r", caller=hexgate.User("bob", "guest"))
    with pytest.raises(hexgate.CallDenied):
        asyncio.run(enforcer.begin_run("r"))


def test_calls_without_a_caller_are_denied(enforcer: hexgate.Enforcer) -> None:
    with pytest.raises(hexgate.CallDenied) as denied:
        enforcer.authorize_sync("view_order", {})
    assert denied.value.decision is not None and denied.value.decision.cause == "no_scope"
    with pytest.raises(hexgate.CallDenied):
        asyncio.run(enforcer.authorize("view_order", {}))

"""Who is the caller, and that a lost scope is a denial."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import pickle
import threading

import pytest

import hexgate_host as hexgate


def outcome(enforcer: hexgate.Enforcer) -> str:
    """Who may view an order, or why nobody may."""
    decision = enforcer.decide("view_order", {})
    if decision.allowed:
        return str(decision.user_id)
    assert decision.cause == "no_scope"
    return "nobody"


def user(name: str) -> hexgate.User:
    return hexgate.User(name, "support")


def in_thread(run, context: contextvars.Context | None = None):
    result = []
    thread = threading.Thread(target=lambda: result.append(context.run(run) if context else run()))
    thread.start()
    thread.join()
    return result[0]


def test_scopes_nest_and_end(enforcer: hexgate.Enforcer) -> None:
    assert outcome(enforcer) == "nobody"
    with user("alice") as alice:
        assert hexgate.current_caller() is alice
        assert outcome(enforcer) == "alice"
        with user("bob").sync_scope():
            assert outcome(enforcer) == "bob"
        assert outcome(enforcer) == "alice"
        with contextlib.suppress(KeyError), user("carol"):
            raise KeyError
        assert outcome(enforcer) == "alice"
    assert outcome(enforcer) == "nobody"
    with pytest.raises(hexgate.ScopeError) as missing:
        hexgate.current_caller()
    assert missing.value.code == "no_scope" and "async with" in missing.value.remedy


def test_async_scopes_are_of_their_task(enforcer: hexgate.Enforcer) -> None:
    async def one(name: str) -> list[str]:
        async with user(name):
            seen = []
            for _ in range(20):
                await asyncio.sleep(0)
                seen.append(outcome(enforcer))
            return seen

    async def main() -> None:
        names = [f"user-{n}" for n in range(20)]
        seen = await asyncio.gather(*map(one, names))
        assert seen == [[name] * 20 for name in names]
        assert outcome(enforcer) == "nobody"

    asyncio.run(main())


def test_a_task_has_the_scope_as_long_as_it_is_open(enforcer: hexgate.Enforcer) -> None:
    async def main() -> None:
        closed = asyncio.Event()

        async def late() -> tuple[str, str]:
            first = outcome(enforcer)
            await closed.wait()
            return first, outcome(enforcer)

        async with user("alice"):
            task = asyncio.create_task(late())
            await asyncio.sleep(0)
            assert await asyncio.to_thread(outcome, enforcer) == "alice"
        closed.set()
        assert await task == ("alice", "nobody")

    asyncio.run(main())


def test_a_thread_has_no_scope_without_the_context(enforcer: hexgate.Enforcer) -> None:
    with user("alice"):
        context = contextvars.copy_context()
        assert in_thread(lambda: outcome(enforcer), context) == "alice"
        assert in_thread(lambda: outcome(enforcer), contextvars.Context()) == "nobody"
    # The context is kept, the scope is not.
    assert in_thread(lambda: outcome(enforcer), context) == "nobody"
    assert context.run(outcome, enforcer) == "nobody"


def test_a_generator_does_not_leave_its_scope_behind(enforcer: hexgate.Enforcer) -> None:
    def numbers():
        with user("admin"):
            yield outcome(enforcer)
            yield outcome(enforcer)

    generator = numbers()
    assert next(generator) == "admin"
    # It is suspended, and its scope is not this code's.
    assert outcome(enforcer) == "nobody"
    assert next(generator) == "admin"
    assert outcome(enforcer) == "nobody"
    generator.close()
    assert outcome(enforcer) == "nobody"


def test_a_generator_in_a_scope(enforcer: hexgate.Enforcer) -> None:
    def numbers():
        with user("admin"):
            yield 1

    with user("alice"):
        generator = numbers()
        next(generator)
        assert outcome(enforcer) == "nobody"
        generator.close()
        assert outcome(enforcer) == "alice"


def test_delegating_generators(enforcer: hexgate.Enforcer) -> None:
    def inner():
        yield outcome(enforcer)

    def outer():
        with user("admin"):
            yield from inner()

    generator = outer()
    assert next(generator) == "admin"
    seen = outcome(enforcer)
    generator.close()
    assert seen == "nobody"


def test_an_async_generator_that_streams(enforcer: hexgate.Enforcer) -> None:
    async def stream():
        async with user("admin"):
            yield outcome(enforcer)
            # It awaits others here, which act on its behalf.
            task = asyncio.create_task(asyncio.to_thread(outcome, enforcer))
            await asyncio.sleep(0.01)
            yield await task
            yield outcome(enforcer)

    async def main() -> None:
        seen = []
        async for who in stream():
            seen.append((who, outcome(enforcer)))
        assert seen == [("admin", "nobody")] * 3
        assert outcome(enforcer) == "nobody"

    asyncio.run(main())


def test_an_async_generator_that_nobody_finishes(enforcer: hexgate.Enforcer) -> None:
    async def stream():
        async with user("admin"):
            yield 1
            yield 2

    async def main() -> None:
        generator = stream()
        async for _ in generator:
            break
        assert outcome(enforcer) == "nobody"
        # Also what is started from here.
        assert await asyncio.create_task(asyncio.to_thread(outcome, enforcer)) == "nobody"
        # Another task closes it, in another context.
        await asyncio.create_task(generator.aclose())
        assert outcome(enforcer) == "nobody"
        del generator
        gc.collect()
        await asyncio.sleep(0)
        assert outcome(enforcer) == "nobody"

    asyncio.run(main())


def test_a_cancelled_task_leaves_nothing_open(enforcer: hexgate.Enforcer) -> None:
    async def main() -> None:
        children: list[asyncio.Task[str]] = []
        go = asyncio.Event()

        async def child() -> str:
            await go.wait()
            return outcome(enforcer)

        async def forgets() -> None:
            # Never left by hand, and cancelled.
            await user("alice").__aenter__()
            children.append(asyncio.create_task(child()))
            assert outcome(enforcer) == "alice"
            await asyncio.sleep(3600)

        async def keeps() -> None:
            async with user("bob"):
                children.append(asyncio.create_task(child()))
                await asyncio.sleep(3600)

        for run in (forgets, keeps):
            task = asyncio.create_task(run())
            await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        go.set()
        assert await asyncio.gather(*children) == ["nobody", "nobody"]

    asyncio.run(main())


def test_a_thread_that_ended_leaves_nothing_open(enforcer: hexgate.Enforcer) -> None:
    contexts = []

    def work() -> None:
        user("alice").__enter__()
        contexts.append(contextvars.copy_context())

    in_thread(work)
    assert contexts[0].run(outcome, enforcer) == "nobody"


def test_a_scope_that_is_left_elsewhere_ends_everywhere(enforcer: hexgate.Enforcer) -> None:
    alice = user("alice")
    alice.__enter__()
    in_thread(lambda: alice.__exit__(None, None, None))
    assert outcome(enforcer) == "nobody"
    with pytest.raises(hexgate.ScopeError, match="not open"):
        alice.__exit__(None, None, None)


def test_exit_stacks_open_scopes_for_their_users(enforcer: hexgate.Enforcer) -> None:
    with contextlib.ExitStack() as stack:
        stack.enter_context(user("alice"))
        assert outcome(enforcer) == "alice"
    assert outcome(enforcer) == "nobody"

    def numbers():
        with contextlib.ExitStack() as stack:
            stack.enter_context(user("admin"))
            yield outcome(enforcer)

    generator = numbers()
    assert next(generator) == "admin"
    assert outcome(enforcer) == "nobody"
    generator.close()


def test_one_caller_in_many_tasks(enforcer: hexgate.Enforcer) -> None:
    alice = user("alice")

    async def one(seconds: float) -> tuple[str, str]:
        async with alice:
            await asyncio.sleep(seconds)
            inside = outcome(enforcer)
        return inside, outcome(enforcer)

    async def main() -> None:
        seen = await asyncio.gather(*(one(n / 500) for n in (3, 1, 2)))
        assert seen == [("alice", "nobody")] * 3

    asyncio.run(main())


def test_callers_that_are_none() -> None:
    for make in (
        lambda: hexgate.User(""),
        lambda: hexgate.User("a\nb"),
        lambda: hexgate.User("a" * 300),
        lambda: hexgate.User("ａlice"),
        lambda: hexgate.User("a", roles=["r"] * 33),
        lambda: hexgate.User("a", roles="support"),
        lambda: hexgate.User("a", ttl_seconds=0),
        lambda: hexgate.User("a", ttl_seconds=-1),
        lambda: hexgate.User("a", ttl_seconds=float("nan")),
        lambda: hexgate.User("a", ttl_seconds=True),
    ):
        with pytest.raises(hexgate.CallerError) as refused:
            make()
        assert refused.value.remedy
    for value in (1.5, None, {"a": 1}, [1], 2**70, b"x"):
        with pytest.raises((TypeError, OverflowError)):
            hexgate.User("a", attributes={"x": value})  # type: ignore[dict-item]


def test_a_caller_tells_what_it_is() -> None:
    caller = hexgate.User("alice", "support", "s-1", 60, roles=["lead"], attributes={"n": 1, "b": True, "t": "x", "l": ["y"]})
    assert (caller.user_id, caller.roles, caller.session_id) == ("alice", ["support", "lead"], "s-1")
    assert caller.attributes == {"n": 1, "b": True, "t": "x", "l": ["y"]}
    assert caller.identity.expires_at is not None
    assert repr(caller) == "User('alice', roles=['support', 'lead'])"
    with pytest.raises(TypeError):
        pickle.dumps(caller.identity)

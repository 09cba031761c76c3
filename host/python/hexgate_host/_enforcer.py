"""From a call to a permission."""

from __future__ import annotations

import asyncio
import inspect
import os
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypedDict, TypeVar, Unpack, cast

from . import _native
from ._approvals import Approval, Asks, Handler
from ._errors import ApprovalError, ApprovalRequired, ArgumentsError, CallDenied, HexgateError
from ._events import Observer, flush, logger, tell
from ._native import Authorization, Decision, DurableApprovals, Engine, KillSwitch, Run
from ._permit import Permit
from ._scope import Caller, current_caller, scope_fault

Path = str | os.PathLike[str]
Result = TypeVar("Result")


class EnforcerOptions(TypedDict, total=False):
    """What every enforcer can be given."""

    approvals: Handler | DurableApprovals | None
    """Who is asked about calls that need approval. Default: nobody, and they do not happen."""
    approval_timeout: float | None
    """After so many seconds without an answer a call is denied. Default: 300. None: it waits."""
    audit_log: Path | None
    """A folder in which every decision is recorded before it is acted upon."""
    dangerous_continue_unrecorded: bool
    """Whether a decision stands that cannot be recorded. Default: it becomes a denial."""
    kill_switch: KillSwitch | None
    """What stops agents, users and tokens at once. Default: a switch of its own."""
    disclose_constraints: bool
    """Whether models read which conditions of the policy were not true. Default: they learn nothing of the policy."""
    observers: Sequence[Observer]
    """Are told of every decision, and cannot change it."""
    engine: Engine | None
    """What policies run in. Default: one for the process."""


class Facts(TypedDict, total=False):
    """What the host tells of a call beside its caller."""

    run: Mapping[str, Any]
    said: Mapping[str, Any]
    usage: Mapping[str, Any]
    user_usage: Mapping[str, Any]


class Enforcer:
    """Decides every call of one agent, for many users at once, from any thread and task."""

    __slots__ = ("_native", "_asks", "_durable", "_observers", "__weakref__")

    def __init__(self, native: _native.Enforcer, options: EnforcerOptions) -> None:
        approvals = options.get("approvals")
        self._native = native
        self._durable = isinstance(approvals, DurableApprovals)
        self._asks = None
        if approvals is not None and not isinstance(approvals, DurableApprovals):
            self._asks = Asks(approvals, options.get("approval_timeout", 300.0))
        self._observers = tuple(options.get("observers", ()))
        for notice in native.notices:
            logger.warning("%s", notice)
        flush()

    @classmethod
    def resolve(
        cls,
        agent: str,
        *,
        environment: Mapping[str, str] | None = None,
        project: str | None = None,
        otherwise: Path | None = None,
        watch_seconds: float | None = None,
        **options: Unpack[EnforcerOptions],
    ) -> Enforcer:
        """By the policy that the environment names: ``HEXGATE_LOCAL_POLICY``, ``HEXGATE_POLICY`` or the platform. ``otherwise`` names one for when it names
        none."""
        if options.get("kill_switch") is not None:
            raise ApprovalError(
                "`resolve` brings the switch that the platform's bans feed",
                "contradiction",
                "use `enforcer.kill_switch`",
            )
        native = _native.Enforcer.resolve(
            agent,
            _options(options),
            environment=None if environment is None else dict(environment),
            project=project,
            otherwise=otherwise,
            watch_seconds=watch_seconds,
        )
        return cls(native, options)

    @classmethod
    def from_yaml(
        cls, agent: str, text: str, *, name: str = "policy.yaml", **options: Unpack[EnforcerOptions]
    ) -> Enforcer:
        """By a policy in YAML that is part of the program."""
        return cls(_native.Enforcer.from_yaml(agent, text, _options(options), name=name), options)

    @classmethod
    def from_file(
        cls,
        agent: str,
        path: Path,
        *,
        watch_seconds: float | None = None,
        **options: Unpack[EnforcerOptions],
    ) -> Enforcer:
        """By the source of a policy, a file or a folder of roles. It is unsigned: who can write it decides what is permitted."""
        native = _native.Enforcer.from_file(agent, path, _options(options), watch_seconds=watch_seconds)
        return cls(native, options)

    @classmethod
    def from_bundle(
        cls,
        agent: str,
        path: Path,
        *,
        public_keys: Sequence[str | bytes | os.PathLike[str]] = (),
        project: str | None = None,
        dangerous_unsigned: bool = False,
        watch_seconds: float | None = None,
        **options: Unpack[EnforcerOptions],
    ) -> Enforcer:
        """By a bundle that one of the keys signed for this agent."""
        native = _native.Enforcer.from_bundle(
            agent,
            path,
            _options(options),
            public_keys=list(public_keys),
            project=project,
            dangerous_unsigned=dangerous_unsigned,
            watch_seconds=watch_seconds,
        )
        return cls(native, options)

    @property
    def agent_name(self) -> str:
        return self._native.agent_name

    @property
    def policy(self) -> dict[str, Any]:
        """The policy that decides: where from, and its digests."""
        return self._native.policy

    @property
    def kill_switch(self) -> KillSwitch:
        return self._native.kill_switch

    @property
    def asks(self) -> bool:
        """Whether it asks people itself about calls that need approval."""
        return self._asks is not None or self._durable

    @property
    def counts(self) -> dict[str, int]:
        """Failures around decisions: records that could not be written."""
        return self._native.counts

    def uses_fact(self, name: str) -> bool:
        """Whether the policy looks at a fact, such as ``said`` or ``usage.tool_calls_24h``. A host need not find out others."""
        return self._native.uses_fact(name)

    def refresh(self) -> str:
        """Looks for another policy, as when a turn begins: ``unchanged``, ``replaced``, or ``kept`` where another one was refused."""
        what, _why = self._native.refresh()
        flush()
        return what

    def shows(self, tool: str, *, caller: Caller | None = None) -> bool:
        """Whether a model is shown the tool: there is a call of it that the caller could make. Without a caller: no."""
        identity, _ = _who(caller)
        return self._native.shows(identity, tool)

    def decide(
        self, tool: str, arguments: object, *, caller: Caller | None = None, facts: Facts | None = None
    ) -> Decision:
        """Decides, and permits nothing. Arguments are an object, or its JSON text. Never an exception for what a model can send: that is a denial."""
        identity, fault = _who(caller)
        try:
            text = _native.encode(arguments)
        except ArgumentsError as error:
            _, refused = self._native.refuse(identity, tool, "null", str(error.message))
            if refused is None:
                raise
            decision = refused
        else:
            decision = self._native.decide(identity, tool, text, _facts(facts))
        _warn(fault, tool)
        tell([decision], self._observers)
        return decision

    async def authorize(
        self,
        tool: str,
        arguments: object,
        *,
        caller: Caller | None = None,
        facts: Facts | None = None,
        run: Run | None = None,
        approval: Approval | None = None,
    ) -> Permit:
        """Decides, asks for approval where the policy wants it, decides again, and gives the permission to run. Else :class:`CallDenied`."""
        started = self._start(tool, arguments, caller, facts, run, approval)
        permit = await self._finish_async(started, approval)
        # INVARIANT: a call that is permitted has a permission.
        if permit is None:
            raise HexgateError("the host gave no permission", "internal", "report this as a defect")
        return permit

    def authorize_sync(
        self,
        tool: str,
        arguments: object,
        *,
        caller: Caller | None = None,
        facts: Facts | None = None,
        run: Run | None = None,
        approval: Approval | None = None,
    ) -> Permit:
        """As :meth:`authorize`, waiting on this thread. A handler that needs an event loop is a denial."""
        started = self._start(tool, arguments, caller, facts, run, approval)
        permit = self._finish(started, approval)
        if permit is None:
            raise HexgateError("the host gave no permission", "internal", "report this as a defect")
        return permit

    async def call(
        self,
        tool: str,
        function: Callable[..., Awaitable[Result] | Result],
        arguments: object,
        *,
        caller: Caller | None = None,
        facts: Facts | None = None,
        run: Run | None = None,
        approval: Approval | None = None,
    ) -> Result:
        """Runs a function with the arguments that were decided, if it may, and records how it ended."""
        permit = await self.authorize(
            tool, arguments, caller=caller, facts=facts, run=run, approval=approval
        )
        decided = _decided(permit)
        with permit:
            result = function(**decided)
            if inspect.isawaitable(result):
                result = await result
            permit.complete(result)
        return cast(Result, result)

    def call_sync(
        self,
        tool: str,
        function: Callable[..., Result],
        arguments: object,
        *,
        caller: Caller | None = None,
        facts: Facts | None = None,
        run: Run | None = None,
        approval: Approval | None = None,
    ) -> Result:
        """As :meth:`call`, for a function that is no coroutine."""
        permit = self.authorize_sync(
            tool, arguments, caller=caller, facts=facts, run=run, approval=approval
        )
        decided = _decided(permit)
        with permit:
            result = function(**decided)
            if inspect.iscoroutine(result):
                result.close()
                raise TypeError(f"the tool `{tool}` is a coroutine function: use `await call(...)`")
            permit.complete(result)
        return result

    def refuse(
        self, tool: str, arguments: object, reason: str, *, caller: Caller | None = None
    ) -> CallDenied:
        """Denies a call without asking the policy, on record, because the host refuses it: a guard, or what cannot be gated. Gives the exception to raise."""
        identity, fault = _who(caller)
        try:
            text = _native.encode(arguments)
        except ArgumentsError:
            text = "null"
        message, decision = self._native.refuse(identity, tool, text, reason)
        _warn(fault, tool)
        tell([decision] if decision is not None else [], self._observers)
        return _denied(message, decision)

    def in_vain(
        self, tool: str, arguments: object, why: str, *, caller: Caller | None = None
    ) -> str:
        """Has a call decided that cannot run whatever the policy says, so that the attempt is on record: ``unknown_tool``, ``invalid_arguments`` or
        ``not_offered``. Gives what the model reads."""
        identity, fault = _who(caller)
        try:
            text = _native.encode(arguments)
        except ArgumentsError:
            text = "null"
        message, decisions = self._native.in_vain(identity, tool, text, why)
        _warn(fault, tool)
        tell(decisions, self._observers)
        return message

    async def begin_run(self, run_id: str, *, caller: Caller | None = None) -> Run:
        """Begins a run of the agent: looks for another policy, and asks whether the caller may run the agent at all. Calls that are given the run are
        counted in it, one after the other, and the policy sees the counts as ``run``."""
        identity, fault = _who(caller)
        _warn(fault, "agent.run")
        await self._finish_async(self._native.begin_run(identity), None)
        return Run(run_id)

    def begin_run_sync(self, run_id: str, *, caller: Caller | None = None) -> Run:
        """As :meth:`begin_run`, waiting on this thread."""
        identity, fault = _who(caller)
        _warn(fault, "agent.run")
        self._finish(self._native.begin_run(identity), None)
        return Run(run_id)

    def _start(
        self,
        tool: str,
        arguments: object,
        caller: Caller | None,
        facts: Facts | None,
        run: Run | None,
        approval: Approval | None,
    ) -> Authorization:
        if approval is not None and self._durable:
            raise ApprovalError(
                "approvals are kept at the durable desk, and this one comes from elsewhere",
                "contradiction",
                "leave out `approval`",
            )
        identity, fault = _who(caller)
        _warn(fault, tool)
        try:
            text = _native.encode(arguments)
        except ArgumentsError as error:
            raise self.refuse(tool, None, error.message, caller=caller) from error
        if approval is not None and approval.approved is not True:
            # It counts also where the policy would allow the call by now.
            raise self.refuse(tool, text, f"{approval.by} did not agree", caller=caller)
        asks = self._asks is not None or self._durable or approval is not None
        return self._native.authorize(
            identity, tool, text, asks=asks, facts=_facts(facts), run=run
        )

    def _finish(self, started: Authorization, approval: Approval | None) -> Permit | None:
        try:
            while True:
                goes_on = threading.Event()
                kind, what = started.step(goes_on.set)
                tell(started.seen(), self._observers)
                if kind == "waits":
                    goes_on.wait()
                elif kind == "asks":
                    decision = cast(Decision, what)
                    if approval is not None:
                        approval.settle(started, decision)
                    else:
                        self._handler().settle(started, decision)
                else:
                    return _ended(kind, what)
        finally:
            started.close()

    async def _finish_async(self, started: Authorization, approval: Approval | None) -> Permit | None:
        loop = asyncio.get_running_loop()
        try:
            while True:
                goes_on = asyncio.Event()

                def wake(event: asyncio.Event = goes_on) -> None:
                    try:
                        loop.call_soon_threadsafe(event.set)
                    except RuntimeError:
                        # The event loop was closed meanwhile: nobody waits.
                        pass

                if self._durable:
                    # The database may be locked by another process.
                    kind, what = await asyncio.to_thread(started.step, wake)
                else:
                    kind, what = started.step(wake)
                tell(started.seen(), self._observers)
                if kind == "waits":
                    await goes_on.wait()
                elif kind == "asks":
                    decision = cast(Decision, what)
                    if approval is not None:
                        approval.settle(started, decision)
                    else:
                        await self._handler().settle_async(started, decision)
                else:
                    return _ended(kind, what)
        finally:
            started.close()

    def _handler(self) -> Asks:
        # INVARIANT: nobody is asked where nobody was named.
        if self._asks is None:
            raise ApprovalError("there is nobody to ask", "internal", "report this as a defect")
        return self._asks

    def __repr__(self) -> str:
        return f"Enforcer({self.agent_name!r}, {self.policy.get('origin')!r})"


def _options(options: EnforcerOptions) -> dict[str, Any]:
    unknown = set(options) - set(EnforcerOptions.__annotations__)
    if unknown:
        raise TypeError(f"there are no options {', '.join(sorted(unknown))}")
    approvals = options.get("approvals")
    log = options.get("audit_log")
    return {
        "engine": options.get("engine"),
        "durable": approvals if isinstance(approvals, DurableApprovals) else None,
        "audit_log": log,
        "dangerous_continue_unrecorded": options.get("dangerous_continue_unrecorded", False),
        "kill_switch": options.get("kill_switch"),
        "disclose_constraints": options.get("disclose_constraints", False),
    }


def _who(caller: Caller | None) -> tuple[_native.Identity | None, str | None]:
    if caller is not None:
        return caller.identity, None
    fault = scope_fault()
    return (current_caller().identity, None) if fault is None else (None, fault)


def _warn(fault: str | None, tool: str) -> None:
    if fault is not None:
        logger.warning("a call of tool %r has no caller: %s", tool, fault)


def _facts(facts: Facts | None) -> dict[str, Any] | None:
    return None if facts is None else dict(facts)


def _decided(permit: Permit) -> dict[str, Any]:
    try:
        return permit.arguments
    except ArgumentsError:
        # It was permitted and does not run.
        permit.fail("arguments_changed")
        raise


def _ended(kind: str, what: object) -> Permit | None:
    if kind == "permitted":
        return None if what is None else Permit(cast(_native.Permit, what))
    message, decision = cast("tuple[str, Decision | None]", what)
    raise _denied(message, decision)


def _denied(message: str, decision: Decision | None) -> CallDenied:
    if decision is not None and decision.outcome == "needs_approval":
        return ApprovalRequired(
            message, "approval_required", "ask a person, and make the call again with the answer", decision
        )
    return CallDenied(message, "policy_denied", "", decision)

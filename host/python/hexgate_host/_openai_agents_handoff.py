"""Handoffs of the OpenAI Agents SDK, decided before they happen."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, cast

from agents import Agent, Handoff, handoff
from agents.handoffs import HandoffInputData

from ._errors import CallDenied, HexgateError

if TYPE_CHECKING:
    from ._openai_agents_gate import Gate

# The message of a handoff that was denied, for the rest of the step that tried it.
DENIED: ContextVar[str | None] = ContextVar("hexgate_openai_agents_handoff", default=None)


class GatedHandoff(Handoff[Any, Any]):
    """A handoff that is decided. One that is denied hands the conversation to who has it, and the model reads why."""

    _hexgate: tuple[Gate, Any]

    def __init__(self, gate: Gate, it: Agent[Any] | Handoff[Any, Any], owner: Agent[Any]) -> None:
        plain = it if isinstance(it, Handoff) else handoff(it)
        target = plain._agent_ref() if plain._agent_ref is not None else None
        vars(self).update(vars(plain))
        self._hexgate = (gate, plain)
        self.on_invoke_handoff = functools.partial(_hand_off, gate, plain, weakref.ref(owner))
        if isinstance(target, Agent):
            # Kept here: the SDK holds it by a weak reference alone.
            self._hexgate_target = gate.agent(target)
            self._agent_ref = weakref.ref(self._hexgate_target)

    def get_transfer_message(self, agent: Any) -> str:
        denied = DENIED.get()
        return self._hexgate[1].get_transfer_message(agent) if denied is None else denied

    @property
    def input_filter(self) -> Any:
        # None, and not a filter that does nothing: where the provider keeps the conversation the SDK takes no filter.
        return vars(self).get("input_filter") if DENIED.get() is None else None

    @input_filter.setter
    def input_filter(self, given: Any) -> None:
        vars(self)["input_filter"] = given

    @property
    def nest_handoff_history(self) -> bool | None:
        given = cast("bool | None", vars(self).get("nest_handoff_history"))
        return given if DENIED.get() is None else False

    @nest_handoff_history.setter
    def nest_handoff_history(self, given: bool | None) -> None:
        vars(self)["nest_handoff_history"] = given


async def _hand_off(
    gate: Gate, plain: Handoff[Any, Any], owner: Callable[[], Agent[Any] | None], context: Any, arguments: str
) -> Agent[Any]:
    DENIED.set(None)
    here = owner()
    if here is None:
        raise HexgateError("the agent of this handoff is gone", "internal", "report this as a defect")
    text = arguments or "{}"
    try:
        permit = await gate.permit(f"agent.handoff:{plain.agent_name}", text, here, None)
        going = gate.going()
        with permit:
            if going is not None:
                await going.begin(gate.of(plain.agent_name))
            target = await plain.on_invoke_handoff(context, permit.arguments_json if arguments else arguments)
            if target.name != plain.agent_name:
                permit.fail("another_agent")
                raise gate.of(here.name).refuse(
                    f"agent.handoff:{target.name}",
                    text,
                    f"the handoff to `{plain.agent_name}` went to another agent",
                    caller=None if going is None else going.caller,
                )
            gated = gate.agent(target)
            gate.check(gated)
            permit.complete(target.name)
        return gated
    except CallDenied as denied:
        DENIED.set(denied.as_error_message())
        # A prepared copy stands for the agent that everybody sees.
        return cast("Agent[Any]", getattr(here, "_agents_public_agent", here))


def unless_denied(input_filter: Callable[[HandoffInputData], Any]) -> Callable[[HandoffInputData], Any]:
    """The filter of a run, which leaves the conversation as it is where nothing was handed off."""
    return lambda data: input_filter(data) if DENIED.get() is None else data

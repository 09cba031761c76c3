"""What the OpenAI Agents SDK tells of calls that come to nothing, so that they are on record."""

from __future__ import annotations

import dataclasses
import inspect
from typing import TYPE_CHECKING, Any

from agents import RunConfig
from agents.run_config import ToolErrorFormatterArgs

from ._openai_agents_handoff import unless_denied

if TYPE_CHECKING:
    from ._openai_agents_gate import Gate


def run_config(gate: Gate, given: RunConfig | dict[str, Any] | None) -> RunConfig | dict[str, Any]:
    """A configuration with which an unknown tool does not end the run. What the program's own formatter says is what the model reads."""
    before: Any = dict(given or {}) if not isinstance(given, RunConfig) else vars(given)
    formatter, input_filter = before.get("tool_error_formatter"), before.get("handoff_input_filter")

    async def told(args: ToolErrorFormatterArgs[Any]) -> str | None:
        message = _came_to_nothing(gate, args)
        if formatter is not None:
            theirs = formatter(args)
            theirs = await theirs if inspect.isawaitable(theirs) else theirs
            message = theirs if theirs is not None else message
        return message

    def failed(args: ToolErrorFormatterArgs[Any]) -> Any:
        # Of an exception only the program's own formatter has something to say.
        if args.kind == "tool_exception":
            return None if formatter is None else formatter(args)
        return told(args)

    changes: dict[str, Any] = {
        "tool_not_found_behavior": "return_error_to_model",
        "tool_error_formatter": failed,
    }
    if input_filter is not None:
        changes["handoff_input_filter"] = unless_denied(input_filter)
    if isinstance(given, RunConfig):
        return dataclasses.replace(given, **changes)
    return {**before, **changes}


def _came_to_nothing(gate: Gate, args: ToolErrorFormatterArgs[Any]) -> str | None:
    going = gate.going()
    call, agent_name = (None, "") if going is None else going.proposed.get(args.call_id, (None, ""))
    enforcer, caller = gate.of(agent_name), None if going is None else going.caller
    text = getattr(call, "arguments", None) or "{}"
    if args.kind == "tool_not_found":
        return enforcer.in_vain(args.tool_name, text, "unknown_tool", caller=caller)
    if args.kind == "approval_rejected" and args.tool_type == "function":
        found = gate.questions.take_call(args.call_id)
        if found is not None:
            reason = "the approval was refused by RunState.reject"
            return enforcer.refuse(found.tool, found.arguments, reason, caller=caller).as_error_message()
    return None

"""Reads the events of a run with the models of the Python package `hexgate`, and shows them as its terminal does.

    python python_events.py < EVENTS

EVENTS is one JSON object a line. Each event of a type that the package knows is read by its `StreamEvent`, and what the models hold must
be what the line says. Then its `ChatState`, which keeps what a person sees, takes all of them: an event of another type as an object that
is none of its classes. Prints what a person sees as JSON: text, reasoning, tools, error, turns, and at which line the turn was over.

A failure is a traceback and a status other than 0.
"""

import json
import sys

from python_bundle import import_without_initialisers

import_without_initialisers()

from hexgate.streaming import events  # noqa: E402
from pydantic import TypeAdapter  # noqa: E402

# What the package's own initialiser does, without the converter of LangChain's events.
for name, value in vars(events).items():
    setattr(sys.modules["hexgate.streaming"], name, value)

from hexgate.cli.state import ChatState  # noqa: E402


def same(said, read, place: str) -> None:
    """All that the model holds is what the line says. What the line says beyond it is ours."""
    if isinstance(read, dict):
        assert isinstance(said, dict), place
        for name, value in read.items():
            assert name in said, f"{place}.{name} is the model's default"
            same(said[name], value, f"{place}.{name}")
    elif isinstance(read, list):
        assert isinstance(said, list) and len(said) == len(read), place
        for number, (one, other) in enumerate(zip(said, read, strict=True)):
            same(one, other, f"{place}[{number}]")
    else:
        assert said == read, f"{place}: {said!r} is read as {read!r}"


def main() -> None:
    known = {str(name) for name in events.EventType}
    adapter = TypeAdapter(events.StreamEvent)
    state = ChatState()
    over = None
    types = set()
    for number, line in enumerate(sys.stdin, start=1):
        said = json.loads(line)
        types.add(said["event_type"])
        if said["event_type"] in known:
            event = adapter.validate_json(line)
            read = event.model_dump(mode="json")
            # A time is written in more than one way.
            assert event.timestamp.tzinfo is not None
            assert type(event).model_validate_json(json.dumps(read)).timestamp == event.timestamp
            del read["timestamp"]
            same(said, read, said["event_type"])
            if said["event_type"] == "run_start":
                state.start_turn(said["query"])
        else:
            event = object()
        was_busy = state.is_busy
        state.apply_event(event)
        if was_busy and not state.is_busy:
            assert over is None, f"line {number}: the turn is over a second time"
            over = number
    run = state.current_run
    json.dump(
        {
            "text": run.response_text,
            "reasoning": run.reasoning_text,
            "tools": [
                {"name": tool.tool_name, "status": str(tool.status), "arguments": tool.arguments, "summary": tool.summary}
                for tool in run.tools
            ],
            "error": run.error,
            "turns": [[turn.role, turn.content] for turn in state.transcript],
            "over": over,
            "unknown": sorted(types - known),
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()

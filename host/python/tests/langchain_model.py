"""A model for the tests of LangChain: a script, whose answers are read as integrations read those of a provider."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolMessage
from langchain_core.output_parsers.openai_tools import make_invalid_tool_call, parse_tool_call
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult


@dataclass
class Said:
    """An answer of the model: calls as a name and the very text of the arguments."""

    calls: Sequence[tuple[str, str]] = ()
    text: str = ""
    broken: bool = False


class Broken(Exception):
    """The stream of an answer broke off."""


@dataclass
class Heard:
    """What the model was told."""

    tools: list[list[str]] = field(default_factory=list)
    read: dict[str, str] = field(default_factory=dict)
    statuses: dict[str, str] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)

    def results(self) -> list[str]:
        """What was read of each call, in the order of the proposals."""
        return [self.read.get(call, "") for call in self.order]


class Scripted(BaseChatModel):
    """Says what `next` gives. None: it says `Done.`"""

    next: Callable[[int], Said | None]
    heard: Any
    name_of_calls: str = "c"

    @classmethod
    def saying(cls, *answers: Said | list[tuple[str, Any]]) -> Scripted:
        """A model that answers by how many answers there are already, as one does that keeps nothing: for any number of runs."""
        said = [it if isinstance(it, Said) else Said([(name, json.dumps(args)) for name, args in it]) for it in answers]
        return cls(next=lambda nth: said[nth] if nth < len(said) else None, heard=Heard())

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Any:
        return self.bind(tools=list(tools), **{key: value for key, value in kwargs.items() if value is not None})

    def _hear(self, messages: list[BaseMessage], tools: Sequence[Any]) -> tuple[int, Said | None]:
        for message in messages:
            if isinstance(message, ToolMessage):
                self.heard.read[message.tool_call_id] = message.text
                self.heard.statuses[message.tool_call_id] = message.status
        self.heard.tools.append([getattr(tool, "name", None) or str(tool) for tool in tools])
        nth = sum(isinstance(message, AIMessage) for message in messages)
        said = self.next(nth)
        self.heard.order += [f"{self.name_of_calls}{nth}-{at}" for at in range(len(said.calls) if said else 0)]
        return nth, said

    def _generate(self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any) -> ChatResult:
        nth, said = self._hear(messages, kwargs.get("tools", ()))
        if said is None:
            return ChatResult(generations=[ChatGeneration(message=AIMessage("Done."))])
        if said.broken:
            raise Broken
        calls, invalid = [], []
        for at, (name, arguments) in enumerate(said.calls):
            raw = {"id": f"{self.name_of_calls}{nth}-{at}", "function": {"name": name, "arguments": arguments}}
            try:
                calls.append(parse_tool_call(raw, return_id=True))
            except Exception as error:
                invalid.append(make_invalid_tool_call(raw, str(error)))
        message = AIMessage(said.text, tool_calls=calls, invalid_tool_calls=invalid)
        return ChatResult(generations=[ChatGeneration(message=message)])


class Streaming(Scripted):
    """The same, piece by piece."""

    async def _astream(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> AsyncIterator[ChatGenerationChunk]:
        nth, said = self._hear(messages, kwargs.get("tools", ()))
        if said is None:
            yield ChatGenerationChunk(message=AIMessageChunk(content="Done."))
            return
        yield ChatGenerationChunk(message=AIMessageChunk(content=said.text))
        for at, (name, arguments) in enumerate(said.calls):
            call = f"{self.name_of_calls}{nth}-{at}"
            for begin in range(0, max(1, len(arguments)), 7):
                piece = {"index": at, "args": arguments[begin : begin + 7]}
                first = {"name": name, "id": call} if begin == 0 else {"name": None, "id": None}
                yield ChatGenerationChunk(message=AIMessageChunk(content="", tool_call_chunks=[{**first, **piece}]))
        if said.broken:
            raise Broken

"""Tools of the OpenAI Agents SDK that are no functions and run here: shells, editors, tools whose input is a text."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from agents import Agent, ApplyPatchTool, CustomTool, LocalShellTool, ShellTool, Tool
from agents.editor import ApplyPatchEditor, ApplyPatchOperation, ApplyPatchResult

if TYPE_CHECKING:
    from ._openai_agents_gate import Gate


def gated(gate: Gate, tool: Tool, agent: Agent[Any]) -> Tool | None:
    """The tool, decided where it runs. None: it is none of these."""
    if isinstance(tool, CustomTool):
        return _custom(gate, tool, agent)
    if isinstance(tool, LocalShellTool):
        return _local_shell(gate, tool, agent)
    if isinstance(tool, ShellTool) and tool.executor is not None:
        return _shell(gate, tool, agent)
    if isinstance(tool, ApplyPatchTool):
        made = copy.copy(tool)
        made.editor = _Editor(gate, agent, tool.name, tool.editor)
        return made
    return None


def _custom(gate: Gate, tool: CustomTool, agent: Agent[Any]) -> CustomTool:
    inner = tool.on_invoke_tool

    async def invoke(context: Any, text: str) -> Any:
        return await gate.native(tool.name, {"input": text}, agent, lambda: inner(context, text), str)

    made = copy.copy(tool)
    made.on_invoke_tool = invoke
    return made


def _local_shell(gate: Gate, tool: LocalShellTool, agent: Agent[Any]) -> LocalShellTool:
    inner = tool.executor

    async def execute(request: Any) -> str:
        # A copy: nobody changes what was decided.
        own = dataclasses.replace(request, data=request.data.model_copy(deep=True))
        arguments = own.data.action.model_dump(mode="json", exclude_none=True, exclude={"type"})
        return cast(str, await gate.native(tool.name, arguments, agent, lambda: inner(own), str))

    made = copy.copy(tool)
    made.executor = execute
    return made


def _shell(gate: Gate, tool: ShellTool, agent: Agent[Any]) -> ShellTool:
    inner = cast("Callable[[Any], Any]", tool.executor)

    async def execute(request: Any) -> Any:
        # The raw call is the model's, and it is not what was decided.
        action = copy.deepcopy(request.data.action)
        own = dataclasses.replace(request, data=dataclasses.replace(request.data, action=action, raw=None))
        arguments = {key: it for key, it in dataclasses.asdict(action).items() if it is not None}
        return await gate.native(tool.name, arguments, agent, lambda: inner(own), str)

    made = copy.copy(tool)
    made.executor = execute
    return made


class _Editor(ApplyPatchEditor):
    """Changes of files, each decided before it is made."""

    def __init__(self, gate: Gate, agent: Agent[Any], tool: str, inner: ApplyPatchEditor) -> None:
        self._gate, self._agent, self._tool, self._inner = gate, agent, tool, inner

    async def create_file(self, operation: ApplyPatchOperation) -> Any:
        return await self._decided(operation, self._inner.create_file)

    async def update_file(self, operation: ApplyPatchOperation) -> Any:
        return await self._decided(operation, self._inner.update_file)

    async def delete_file(self, operation: ApplyPatchOperation) -> Any:
        return await self._decided(operation, self._inner.delete_file)

    async def _decided(self, operation: ApplyPatchOperation, apply: Callable[[ApplyPatchOperation], Any]) -> Any:
        own = copy.copy(operation)
        named = {"operation": own.type, "path": own.path, "diff": own.diff, "move_to": own.move_to}
        return await self._gate.native(
            self._tool,
            {key: it for key, it in named.items() if it is not None},
            self._agent,
            lambda: apply(own),
            lambda message: ApplyPatchResult(status="failed", output=message),
        )

"""Agents of LangChain and LangGraph behind a policy. Needs the extra ``hexgate-host[langchain]``.

>>> from langchain.agents import create_agent                                        # doctest: +SKIP
>>> from hexgate_host.langchain import HexgateMiddleware                             # doctest: +SKIP
>>> agent = create_agent(model, tools, middleware=[HexgateMiddleware(enforcer)])     # doctest: +SKIP
"""

from __future__ import annotations

try:
    import langchain.agents.middleware.types  # noqa: F401
    import langgraph.prebuilt.tool_node  # noqa: F401
except ImportError as error:
    raise ImportError(
        "LangChain is not installed, or too old: pip install 'hexgate-host[langchain]'", name=error.name
    ) from error

from ._langchain_agent import HexgateLangchainAgent, wrap_langchain_agent
from ._langchain_asking import as_answer, resume
from ._langchain_gate import ToolGate
from ._langchain_middleware import HexgateMiddleware

__all__ = [
    "HexgateLangchainAgent",
    "HexgateMiddleware",
    "ToolGate",
    "as_answer",
    "resume",
    "wrap_langchain_agent",
]

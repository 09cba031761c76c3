"""What the operator learns: ``logging``, and observers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from ._native import Decision, notices

Observer = Callable[[Decision], object]

logger = logging.getLogger("hexgate_host")


def tell(decisions: Iterable[Decision], observers: Iterable[Observer]) -> None:
    """Has decisions logged, and the observers told. None of them can change one."""
    for decision in decisions:
        _log(decision)
        for observer in observers:
            try:
                observer(decision)
            except Exception:
                logger.exception("an observer failed; the decision %s stands", decision.id)
    flush()


def flush() -> None:
    """Hands what the host has to say to ``logging``."""
    for level, origin, text in notices():
        logging.getLogger(origin.replace("::", ".")).log(level, "%s", text)


def _log(decision: Decision) -> None:
    level = logging.INFO if decision.allowed else logging.WARNING
    if not logger.isEnabledFor(level):
        return
    # The names are written as Python writes texts: nobody forges a line. Arguments can be secrets and stay out.
    logger.log(
        level,
        "%s: tool %r of agent %r for user %r, by %s%s",
        decision.outcome,
        decision.tool_name,
        decision.agent_name,
        decision.user_id,
        decision.cause,
        f": {decision.reason!r}" if decision.reason else "",
        extra={
            "hexgate_decision": decision.id,
            "hexgate_outcome": decision.outcome,
            "hexgate_cause": decision.cause,
            "hexgate_tool": decision.tool_name,
            "hexgate_agent": decision.agent_name,
            "hexgate_user": decision.user_id,
        },
    )

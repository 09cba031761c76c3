"""Spans and metrics of decisions, by the names that the host has in Rust. Needs the extra ``hexgate-host[opentelemetry]``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ._errors import HexgateError
from ._native import Decision, version

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import Status, TracerProvider

# These are no verdict of the policy: something has to be mended.
_FAILURES = frozenset({"host", "guest", "validity", "not_recorded"})


class Telemetry:
    """An observer: ``Enforcer.resolve("support-bot", observers=[Telemetry()])``. A span is the child of the one that is open where the call is decided."""

    def __init__(
        self,
        *,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        identities: bool = False,
    ) -> None:
        try:
            from opentelemetry import metrics, trace
            from opentelemetry.trace import Status, StatusCode
        except ImportError as error:
            raise HexgateError(
                "the API of OpenTelemetry is not installed",
                "extra_missing",
                "pip install 'hexgate-host[opentelemetry]'",
            ) from error
        self._failed: Callable[[str], Status] = lambda cause: Status(StatusCode.ERROR, cause)
        self._identities = identities
        self._tracer = trace.get_tracer("hexgate", version(), tracer_provider)
        meter = metrics.get_meter("hexgate", version(), meter_provider)
        self._decisions = meter.create_counter(
            "hexgate.decisions", "{decision}", "decisions about proposed calls of tools"
        )
        self._duration = meter.create_histogram(
            "hexgate.decision.duration", "s", "from a proposed call to the decision, without its record"
        )

    def __call__(self, decision: Decision) -> None:
        # A tool that no policy knows has a name that a model made up: it must not make a time series.
        tool = decision.tool_name if decision.role is not None else "other"
        common: dict[str, Any] = {
            "gen_ai.agent.name": decision.agent_name,
            "hexgate.decision.outcome": decision.outcome,
        }
        by_cause = {**common, "hexgate.decision.cause": decision.cause}
        self._decisions.add(1, {**by_cause, "gen_ai.tool.name": tool})
        self._duration.record(decision.took_seconds, common)
        attributes = {
            **by_cause,
            "gen_ai.tool.name": decision.tool_name[:256],
            "hexgate.decision.id": decision.id,
            "hexgate.policy.component": decision.policy["component"],
        }
        if decision.role is not None:
            attributes["hexgate.decision.role"] = decision.role
        if decision.follows is not None:
            attributes["hexgate.decision.follows"] = decision.follows
        if "sequence" in decision.policy:
            attributes["hexgate.policy.sequence"] = str(decision.policy["sequence"])
        if self._identities:
            self._identify(decision, attributes)
        is_failure = decision.cause in _FAILURES
        if is_failure:
            attributes["error.type"] = decision.cause
        start = int(decision.decided_at * 1e9)
        span = self._tracer.start_span("hexgate.decide", attributes=attributes, start_time=start)
        if is_failure:
            span.set_status(self._failed(decision.cause))
        span.end(start + int(decision.took_seconds * 1e9))

    @staticmethod
    def _identify(decision: Decision, attributes: dict[str, Any]) -> None:
        if decision.user_id is not None:
            attributes["user.id"] = decision.user_id
        if decision.session_id is not None:
            attributes["session.id"] = decision.session_id
            attributes["gen_ai.conversation.id"] = decision.session_id
        if decision.user_roles:
            attributes["langfuse.trace.metadata.user_role"] = ",".join(decision.user_roles)

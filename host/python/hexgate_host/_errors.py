"""Exceptions. Each has a stable ``code`` and a ``remedy``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._native import Decision


class HexgateError(Exception):
    """Something went wrong. Nothing was permitted."""

    message: str
    code: str
    remedy: str

    def __init__(self, message: str, code: str = "internal", remedy: str = "") -> None:
        super().__init__(message, code, remedy)
        self.message = message
        self.code = code
        self.remedy = remedy

    def __str__(self) -> str:
        remedy = f" (to do: {self.remedy})" if self.remedy else ""
        return f"[{self.code}] {self.message}{remedy}"


class EngineError(HexgateError):
    """Policies cannot run here."""


class PolicyError(HexgateError):
    """A policy is refused: invalid, unreadable, or not signed as it must be."""


class ResolveError(PolicyError):
    """The environment names no policy that may decide."""


class DecideError(HexgateError):
    """A policy gives no verdict. The call is denied."""


class CallerError(HexgateError):
    """A caller cannot be described like this."""


class TokenError(HexgateError):
    """A token is refused, or cannot be made."""


class ScopeError(HexgateError):
    """No caller is in scope here, or a scope is closed that is not open."""


class ArgumentsError(HexgateError):
    """Arguments are no JSON, or cannot be read as what was decided."""


class ApprovalError(HexgateError):
    """People cannot be asked like this."""


class PermitError(HexgateError):
    """A permission is used a second time."""


class AuditError(HexgateError):
    """The record cannot be written or read."""


class ForkError(HexgateError):
    """An object of the parent is used in a process that was forked."""


class CallDenied(HexgateError):
    """The call must not run. The message is what the model may read."""

    decision: Decision | None

    def __init__(
        self,
        message: str,
        code: str = "policy_denied",
        remedy: str = "",
        decision: Decision | None = None,
    ) -> None:
        super().__init__(message, code, remedy)
        self.decision = decision

    def __str__(self) -> str:
        return self.message

    def as_error_message(self) -> str:
        """The line for the model, with its marker."""
        return self.message

    def as_error_payload(self) -> dict[str, Any]:
        """The part that the model may see, as an object."""
        payload = self.decision.as_error_payload() if self.decision is not None else None
        # Without a decision nothing is known but that it is a denial.
        return payload or {"type": self.code, "message": self.message, "retryable": False}


class ApprovalRequired(CallDenied):
    """The call would run if a person agreed to it. ``decision.approval_key`` names what they are asked about."""

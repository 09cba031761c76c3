"""The host of hexgate: policies decide which tools an agent may call, on whose behalf, with which arguments.

>>> import hexgate_host as hexgate
>>> enforcer = hexgate.Enforcer.from_yaml("support-bot", "roles: {support: {tools: {view_order: {mode: allow}}}}")
>>> enforcer.decide("view_order", {"id": 7}, caller=hexgate.User("alice", "support")).outcome
'allow'
"""

from ._approvals import Answer, Approval, Handler
from ._enforcer import Enforcer, EnforcerOptions, Facts
from ._errors import (
    ApprovalError,
    ApprovalRequired,
    ArgumentsError,
    AuditError,
    CallDenied,
    CallerError,
    DecideError,
    EngineError,
    ForkError,
    HexgateError,
    PermitError,
    PolicyError,
    ResolveError,
    ScopeError,
    TokenError,
)
from ._events import Observer
from ._native import (
    Decision,
    DurableApprovals,
    Engine,
    KillSwitch,
    Policy,
    Run,
    Token,
    TokenVerifier,
    Verdict,
    version as _version,
)
from ._permit import Permit
from ._said import said
from ._scope import Caller, User, current_caller
from ._suite import Case, Mismatch, check
from ._tokens import attenuate_for_user, mint_project_token

__version__ = _version()

__all__ = [
    "Answer",
    "Approval",
    "ApprovalError",
    "ApprovalRequired",
    "ArgumentsError",
    "AuditError",
    "CallDenied",
    "Caller",
    "CallerError",
    "Case",
    "DecideError",
    "Decision",
    "DurableApprovals",
    "Enforcer",
    "EnforcerOptions",
    "Engine",
    "EngineError",
    "Facts",
    "ForkError",
    "Handler",
    "HexgateError",
    "KillSwitch",
    "Mismatch",
    "Observer",
    "Permit",
    "PermitError",
    "Policy",
    "PolicyError",
    "ResolveError",
    "Run",
    "ScopeError",
    "Token",
    "TokenError",
    "TokenVerifier",
    "User",
    "Verdict",
    "attenuate_for_user",
    "check",
    "current_caller",
    "mint_project_token",
    "said",
]

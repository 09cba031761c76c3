"""The suite `approval-binding` of agent-security-harness against a gateway.

The suite knows no protocol of approvals, so it has each runtime say how its five operations are done there. Nothing here answers by itself:
calls go to the gateway, approvals are given by an approver with `hexgate approvals`, a rule is declared in the policy's file, and what ran is what the server behind
the gateway noted.
"""

import json
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

from protocol_tests.approval_binding_harness import ApprovalBindingHarness
from protocol_tests.mcp_harness import StreamableHTTPTransport, jsonrpc_request

URL, HEXGATE, FOLDER, REPORT = sys.argv[1:]
FOLDER = Path(FOLDER)
RULE = """'only(args, ["path", "content"])'"""

gateway = StreamableHTTPTransport(URL, protocol_version="2026-07-28")


def call(tool, args):
    answer = gateway.send(
        jsonrpc_request("tools/call", {"name": f"desk-{tool}", "arguments": args})
    )
    return {"_status": 200, **answer}


def executions():
    notes = FOLDER / "executions.jsonl"
    if not notes.exists():
        return []
    return [json.loads(line) for line in notes.read_text().splitlines()]


def approve(tool, args):
    """Has the call asked for, and answers the request as an approver."""
    result = call(tool, args).get("result", {})
    request = (result.get("_meta") or {}).get("hexgate/approvalRequest")
    if request is None:
        return False
    command = [HEXGATE, "approvals", "approve", request, "--db", "approvals.db"]
    command += ["--approvers", "approvers.json", "--key", "carol.private"]
    answered = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True)
    if answered.returncode != 0:
        print(answered.stderr, file=sys.stderr)
    return answered.returncode == 0


def declare(tool, args):
    """Writes the rule, and waits until the gateway has read it."""
    policy = FOLDER / "policy.yaml"
    rule = f"'not (args.path == {json.dumps(args['path'])})'"
    policy.write_text(policy.read_text().replace(RULE, f"{RULE}, {rule}"))
    for _ in range(100):
        if "[policy_denied]" in json.dumps(call(tool, args)):
            return True
        time.sleep(0.1)
    return False


def target(request):
    match request["op"]:
        case "profile":
            # docs/approvals.md: "The approval counts once."
            return {"_status": 200, "single_use": True}
        case "executions":
            return {"_status": 200, "executions": executions()}
        case "approve":
            return {"_status": 200, "approved": approve(request["tool"], request["args"])}
        case "call":
            return call(request["tool"], request["args"])
        case "declare":
            denied = request["deny"]
            return {"_status": 200, "declared": declare(denied["tool"], denied["args"])}


results = ApprovalBindingHarness(target, tool="write_file").run_all()
Path(REPORT).write_text(json.dumps({"results": [asdict(it) for it in results]}, default=str))

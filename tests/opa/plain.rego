# A policy as people write it: it knows one role, and answers with the three members that are asked for.
package hexgate.policy

default allow := false

default requires_approval := false

decision := {"allow": allow, "requires_approval": requires_approval, "violations": violations}

allow if {
	input.role == "clerk"
	input.tool == "refund"
	input.args.amount <= 500
}

allow if {
	input.role == "default"
	input.tool == "ping"
}

requires_approval if {
	input.role == "chief"
	input.tool == "refund"
}

violations contains "args.amount <= 500" if {
	input.role == "clerk"
	input.tool == "refund"
	not input.args.amount <= 500
}

violations contains "data.closed" if data.closed[input.tool]

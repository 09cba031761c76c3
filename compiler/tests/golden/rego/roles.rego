# Made by hexgate from a policy with the SHA-256 digest
# 78a298a32c2d202885397bcdcf4cee6c29217c37e9750f0f30616269d15fa012.
# Change the policy, not this text.
package hexgate.policy

import rego.v1

# The answer of the first role that allows, or else of the first that asks for approval.
decision := {
	"allow": granted.outcome == "allow",
	"requires_approval": granted.outcome == "approval",
	"violations": [],
	"role": entry.index,
	"scope": granted.scope,
	"denials": [],
	"hint": null,
} if {
	complete
	position := granting[0]
	entry := deciding[position]
	granted := results[position]
}

# Without one a denial, and why each role denies.
else := {
	"allow": false,
	"requires_approval": false,
	"violations": violations,
	"role": null,
	"scope": null,
	"denials": denials,
	"hint": hint,
} if {
	complete
	count(granting) == 0
}

# Nothing is decided unless every deciding role has a result.
complete if count(results) == count(deciding)

granting := array.concat(
	[position | some position, result in results; result.outcome == "allow"],
	[position | some position, result in results; result.outcome == "approval"],
)

violated := [text | some result in results; some text in result.violations]

violations := [text |
	some index, text in violated
	earlier := array.slice(violated, 0, index)
	not text in earlier
]

denials := [denial |
	some position, result in results
	denial := {
		"role": deciding[position].role,
		"because": result.because,
		"violations": result.violations,
	}
]

default hint := null

hint := results[0].hint if {
	every result in results {
		result.hint == results[0].hint
	}
}

results := [result |
	some entry in deciding
	result := evaluate(entry.role)
]

# The caller's roles: a list, or one name.
given := input.roles if is_array(input.roles)

given := [role | role := input.role; is_string(role)] if {
	count([roles | roles := input.roles]) == 0
}

# Those that the policy knows, each once, or else its default.
known := entries if {
	is_array(given)
	entries := [{"index": index, "role": role} |
		some index, role in given
		role in roles
		earlier := array.slice(given, 0, index)
		not role in earlier
	]
}

deciding := known if count(known) > 0

deciding := fallback if count(known) == 0

grant(outcome, scope) := {"outcome": outcome, "scope": scope, "because": null, "violations": [], "hint": null}

refusal(because, violations, hint) := {
	"outcome": "deny",
	"scope": null,
	"because": because,
	"violations": violations,
	"hint": hint,
}

unlisted := refusal("unlisted", [], null)

listed_as_denied := refusal("mode", [], null)

roles := {"closed", "one", "open", "open_alone", "two"}

fallback := []

evaluate("closed") := tools_0(input.tool)

evaluate("one") := tools_1("one", input.tool)

evaluate("open") := tools_2("open", input.tool)

evaluate("open_alone") := tools_3("open_alone", input.tool)

evaluate("two") := tools_1("two", input.tool)

tools_0(_) := unlisted

listed_1 := ["agent.run", "drop", "search"]

tools_1(role, "agent.run") := rule_0(role)

tools_1(_, "drop") := listed_as_denied

tools_1(role, "search") := rule_0(role)

tools_1(_, tool) := unlisted if not tool in listed_1

listed_2 := ["search"]

tools_2(role, "search") := rule_0(role)

tools_2(role, tool) := rule_1(role) if {
	not tool in listed_2
	open(tool)
}

tools_2(_, tool) := unlisted if {
	not tool in listed_2
	closed(tool)
}

tools_3(role, tool) := rule_0(role) if open(tool)

tools_3(_, tool) := unlisted if closed(tool)

rule_0(role) := grant("allow", null) if holds_0(role)

else := refused([violated_0(role)])

rule_1(role) := grant("approval", null) if {
	holds_0(role)
	holds_1
}

else := refused([violated_0(role), violated_1])

holds_0(role) if role != "nobody"

violated_0(role) := [] if holds_0(role)

else := ["role != \"nobody\""]

holds_1 if {
	is_object(input.args)
	object.remove(input.args, ["a"]) == {}
}

violated_1 := [] if holds_1

else := ["only(args, [\"a\"])"]

refused(lists) := refusal("constraints", [text | some list in lists; some text in list], null)

# Names that never fall to the rule for unlisted tools.
closed(tool) if startswith(tool, "agent.")

closed(tool) if startswith(tool, "hexgate.")

closed(tool) if startswith(tool, "skill:")

closed(tool) if startswith(tool, "skill.resource:")

closed(tool) if startswith(tool, "skill.script:")

open(tool) if {
	startswith(tool, "agent.") == false
	startswith(tool, "hexgate.") == false
	startswith(tool, "skill:") == false
	startswith(tool, "skill.resource:") == false
	startswith(tool, "skill.script:") == false
}

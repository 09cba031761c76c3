# Made by hexgate from a policy with the SHA-256 digest
# 03739b4fdee59fb89e65f6ac739e89faad774bfca6377442a93d7c07362749a4.
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

roles := {"EVIL\"\\ allow if true #", "default"}

fallback := [{"index": null, "role": "default"}]

evaluate("EVIL\"\\ allow if true #") := tools_0(input.tool)

evaluate("default") := tools_1(input.tool)

listed_0 := ["$EVIL{input}", "EVIL` }{ \"", "read_file"]

tools_0("$EVIL{input}") := rule_0

tools_0("EVIL` }{ \"") := rule_1

tools_0("read_file") := rule_2

tools_0(tool) := unlisted if not tool in listed_0

tools_1(_) := unlisted

rule_0 := grant("allow", null) if {
	holds_0
	holds_1
	holds_2
}

else := refused([violated_0, violated_1, violated_2])

rule_1 := grant("allow", null) if holds_3

else := refused([violated_3])

rule_2 := grant("allow", 0) if within_0

else := beyond(patterns_0)

holds_0 if input.args.allow == "EVIL"

violated_0 := [] if holds_0

else := ["args.allow == consts.allow"]

holds_1 if {
	is_string(input.args.s)
	regex.match("^EVIL`\"$", input.args.s)
}

violated_1 := [] if holds_1

else := ["matches(args.s, \"^EVIL`\\\"$\")"]

holds_2 if {
	is_array(input.args.list)
	some element in input.args.list
	part_1(element)
}

part_1(element) if element.x == "EVIL\u2028"

part_1(element) if {
	is_string(element)
	element in ["EVIL\u202e"]
}

violated_2 := [] if holds_2

else := ["any(args.list, .x == \"EVIL\\u2028\" or . in [\"EVIL\\u202e\"])"]

holds_3 if input.args["EVIL\" ]"] == "\n\nEVIL := true\n"

violated_3 := [] if holds_3

else := ["args[\"EVIL\\\" ]\"] == \"\\n\\nEVIL := true\\n\""]

patterns_0 := {
	"allowed": ["EVIL\".*`", "[E]VIL/**"],
	"denied": [],
}

within_0 if covers_0(input.args.file_path)

covers_0(value) if {
	paths := paths_of(value)
	every path in paths {
		covered_0(path)
	}
}

covered_0(given) if {
	path := normalised(given)
	allowed_0(path)
}

allowed_0(path) if regex.match("^(?:[^/]+/)*EVIL\\\"\\.[^/]*\\`$", path)

allowed_0(path) if regex.match("^EVIL/(?:[^/]+/)*[^/]+$", path)

refused(lists) := refusal("constraints", [text | some list in lists; some text in list], null)

beyond(patterns) := refusal("scope", [], patterns)

# The paths that an argument holds: one, or a list of at least one.
paths_of(value) := [value] if is_string(value)

paths_of(value) := value if {
	is_array(value)
	count(value) > 0
}

# A path without `.` and empty segments; undefined if it must not be used.
normalised(path) := concat("", [root(path), relative]) if {
	is_string(path)
	count(path) <= 4096

	# Four characters of base64 for three bytes: with two more, this is the length of 4,096 bytes.
	count(base64.encode(concat("", [path, "xx"]))) <= 5464
	regex.match(`[\x{0}-\x{1F}\x{7F}-\x{9F}\\]`, path) == false
	regex.match(`^[ \x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}]*$`, path) == false
	segments := [segment | some segment in split(path, "/"); not segment in ["", "."]]
	count(segments) <= 256
	outside("..", segments)
	relative := concat("/", segments)
	regex.match(`^(~|[^/]*:)`, relative) == false
}

root(path) := "/" if startswith(path, "/")

root(path) := "" if startswith(path, "/") == false

outside(value, list) if not value in list

# Made by hexgate from a policy with the SHA-256 digest
# 99073579d7f455a4e53f3da78b4d4bdcfeab1dad49e925bef066a173ee81fefa.
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
	"terms": object.get(granted, "terms", null),
	"message": object.get(granted, "message", null),
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
	"terms": null,
	"message": message,
} if {
	complete
	count(granting) == 0
}

# What the model is told: the first message of those that deny.
default message := null

message := messages[0]

messages := [text |
	some result in results
	text := object.get(result, "message", null)
	is_string(text)
]

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

# What no role can grant is asked first, as if it were a role.
deciding := [{"index": null, "role": null}] if count(ceiling) > 0

deciding := known if {
	count(ceiling) == 0
	count(known) > 0
}

deciding := fallback if {
	count(ceiling) == 0
	count(known) == 0
}

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

roles := {"default", "reader", "support"}

fallback := [{"index": null, "role": "default"}]

ceiling := bars_0

evaluate(null) := forbidden(ceiling)

evaluate("default") := tools_0(input.tool)

evaluate("reader") := forbidden(bar_2("reader")) if count(bar_2("reader")) > 0

else := tools_1(input.tool) if count(bar_2("reader")) == 0

evaluate("support") := forbidden(bar_2("support")) if count(bar_2("support")) > 0

else := tools_1(input.tool) if count(bar_2("support")) == 0

tools_0(_) := unlisted

listed_1 := ["mute", "never", "read_file", "refund"]

tools_1("mute") := rule_1

tools_1("never") := rule_2

tools_1("read_file") := rule_5

tools_1("refund") := rule_8

matched_1(tool) := 0 if {
	open(tool)
	startswith(tool, "get_secret_")
}

else := 1 if startswith(tool, "skill:")

else := 2 if {
	open(tool)
	startswith(tool, "get_")
}

else := 3 if {
	open(tool)
	regex.match("^(?s:.*)_(?s:.*)_x$", tool)
}

else := 4

tools_1(tool) := listed_as_denied if {
	not tool in listed_1
	matched_1(tool) == 0
}

tools_1(tool) := rule_9 if {
	not tool in listed_1
	matched_1(tool) == 1
}

tools_1(tool) := rule_10 if {
	not tool in listed_1
	matched_1(tool) == 2
}

tools_1(tool) := rule_11 if {
	not tool in listed_1
	matched_1(tool) == 3
}

tools_1(tool) := rule_0 if {
	not tool in listed_1
	matched_1(tool) == 4
	open(tool)
}

tools_1(tool) := unlisted if {
	not tool in listed_1
	matched_1(tool) == 4
	closed(tool)
}

bar_0 := [] if closed(input.tool)

else := [] if fails_0

else := [object.union(refusal("forbidden", ["ctx.frozen == true"], null), {"message": "Nothing is done now."})]

default about_0 := false

about_0 if input.tool in ["read_file"]

about_0 if {
	open(input.tool)
	startswith(input.tool, "get_")
}

bar_1 := [] if about_0 == false

else := [] if within_0

else := [refusal("forbidden", [], null)]

bars_0 := joined([bar_0, bar_1])

default about_1 := false

about_1 if input.tool in ["refund"]

about_1 if {
	open(input.tool)
	startswith(input.tool, "pay_")
}

bar_2(role) := [] if about_1 == false

else := [] if fails_1

else := [] if fails_2(role)

else := [object.union(refusal("forbidden", ["args.amount > 1000", "role == \"support\""], null), {"message": "Never more than 1,000."})]

scope_0 := null if about_0 == false

else := 0 if about_0

rule_0 := grant("allow", scope_0) if holds_0

else := object.union(refused([violated_0]), {"message": "Not known, and too much."})

rule_1 := object.union(listed_as_denied, {"message": "Say nothing."})

bar_3 := [] if fails_3

else := [refusal("forbidden", ["args.a == 1"], null)]

bar_4 := [object.union(refusal("mode", [], null), {"message": "Never."})]

bars_1 := joined([bar_3, bar_4])

rule_2 := forbidden(bars_1) if count(bars_1) > 0

else := object.union(listed_as_denied, {"message": "Never."}) if count(bars_1) == 0

rule_3 := grant("allow", 1) if within_1

else := beyond(patterns_1)

rule_4 := grant("approval", 2) if within_2

else := beyond(patterns_2)

bar_5 := [] if within_3

else := [refusal("mode", [], null)]

rule_5 := forbidden(bar_5) if count(bar_5) > 0

else := together([rule_3, rule_4]) if count(bar_5) == 0

rule_6 := grant("allow", null) if {
	holds_1
	holds_2
	holds_3
}

else := refused([violated_1, violated_2, violated_3])

rule_7 := object.union(grant("approval", null), {"message": "Somebody is asked.", "terms": 0}) if {
	holds_1
	holds_4
	holds_5
}

else := object.union(refused([violated_1, violated_4, violated_5]), {"message": "Somebody is asked."})

bar_6 := [] if fails_4

else := [object.union(refusal("forbidden", ["args.amount > 400 and ctx.new_customer == true"], null), {"message": "Ask the customer to call us."})]

rule_8 := forbidden(bar_6) if count(bar_6) > 0

else := together([rule_6, rule_7]) if count(bar_6) == 0

rule_9 := grant("allow", null)

rule_10 := grant("allow", 0)

rule_11 := object.union(grant("approval", scope_0), {"terms": 1})

fails_0 if {
	is_boolean(input.ctx.frozen)
	input.ctx.frozen != true
}

fails_1 if {
	is_number(input.args.amount)
	input.args.amount <= 1000
}

fails_2(role) if role != "support"

holds_0 if size(input.args) < 3

violated_0 := [] if holds_0

else := ["count(args) < 3"]

fails_3 if {
	is_number(input.args.a)
	input.args.a != 1
}

holds_1 if {
	is_object(input.args)
	object.remove(input.args, ["amount"]) == {}
}

violated_1 := [] if holds_1

else := ["only(args, [\"amount\"])"]

holds_2 if {
	is_number(input.args.amount)
	input.args.amount > 0
}

violated_2 := [] if holds_2

else := ["args.amount > 0"]

holds_3 if {
	is_number(input.args.amount)
	input.args.amount <= 50
}

violated_3 := [] if holds_3

else := ["args.amount <= 50"]

holds_4 if {
	is_number(input.args.amount)
	input.args.amount > 50
}

violated_4 := [] if holds_4

else := ["args.amount > 50"]

holds_5 if {
	is_number(input.args.amount)
	input.args.amount <= 500
}

violated_5 := [] if holds_5

else := ["args.amount <= 500"]

fails_4 if {
	is_number(input.args.amount)
	input.args.amount <= 400
}

fails_4 if {
	is_boolean(input.ctx.new_customer)
	input.ctx.new_customer != true
}

patterns_0 := {
	"allowed": [],
	"denied": ["*.pem"],
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
	distinct(path)
	regex.match("^(?:.*/)?[^/]*\\.[Pp][Ee][Mm](?:/.*)?$", path) == false
	startswith(path, "/") == false
}

patterns_1 := {
	"allowed": ["src/**"],
	"denied": [],
}

within_1 if covers_1(input.args.file_path)

covers_1(value) if {
	paths := paths_of(value)
	every path in paths {
		covered_1(path)
	}
}

covered_1(given) if {
	path := normalised(given)
	regex.match("^src/(?:[^/]+/)*[^/]+$", path)
}

patterns_2 := {
	"allowed": ["docs/**"],
	"denied": [],
}

within_2 if covers_2(input.args.file_path)

covers_2(value) if {
	paths := paths_of(value)
	every path in paths {
		covered_2(path)
	}
}

covered_2(given) if {
	path := normalised(given)
	regex.match("^docs/(?:[^/]+/)*[^/]+$", path)
}

patterns_3 := {
	"allowed": [],
	"denied": ["*.key"],
}

within_3 if covers_3(input.args.file_path)

covers_3(value) if {
	paths := paths_of(value)
	every path in paths {
		covered_3(path)
	}
}

covered_3(given) if {
	path := normalised(given)
	distinct(path)
	regex.match("^(?:.*/)?[^/]*\\.[KkK][Ee][Yy](?:/.*)?$", path) == false
	startswith(path, "/") == false
}

refused(lists) := refusal("constraints", [text | some list in lists; some text in list], null)

beyond(patterns) := refusal("scope", [], patterns)

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

# Whether no file system takes a path for another one by its form: a name that ends in a dot or in white space, a stream, a short
# name, characters that are left out of names.
distinct(path) if {
	regex.match(`[. \x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}](/|$)|:|~[0-9]`, path) == false
	regex.match(`[\x{AD}\x{34F}\x{61C}\x{115F}-\x{1160}\x{17B4}-\x{17B5}\x{180B}-\x{180F}\x{200B}-\x{200F}\x{202A}-\x{202E}\x{2060}-\x{206F}\x{3164}\x{F000}-\x{F0FF}\x{FE00}-\x{FE0F}\x{FEFF}\x{FFA0}\x{FFF0}-\x{FFFB}\x{1BCA0}-\x{1BCA3}\x{1D173}-\x{1D17A}\x{E0000}-\x{E0FFF}]`, path) == false
}

size(value) := count(value) if is_array(value)

size(value) := count(value) if is_object(value)

size(value) := count(value) if is_string(value)

outside(value, list) if not value in list

joined(lists) := [item | some list in lists; some item in list]

# The first that forbids says why; the first that has a message gives it.
forbidden(bars) := object.union(bars[0], {"message": messages[0]}) if {
	messages := [message | some bar in bars; message := bar.message]
	count(messages) > 0
}

else := bars[0]

# What several rules say: the first that allows, else the first that asks for approval, else why none of them holds.
together(results) := granting[0] if {
	granting := array.concat(
		[result | some result in results; result.outcome == "allow"],
		[result | some result in results; result.outcome == "approval"],
	)
	count(granting) > 0
}

else := object.union(refused_by_all(results), {"message": messages[0]}) if {
	messages := [message | some result in results; message := result.message]
	count(messages) > 0
}

else := refused_by_all(results)

refused_by_all(results) := refusal("constraints", texts, common_hint(results)) if {
	all := [text | some result in results; some text in result.violations]
	texts := [text |
		some index, text in all
		not text in array.slice(all, 0, index)
	]
	count(texts) > 0
}

else := refusal("scope", [], common_hint(results))

# The scope that all rules have that failed by their scope.
common_hint(results) := hints[0] if {
	hints := [result.hint | some result in results; result.because == "scope"]
	every hint in hints {
		hint == hints[0]
	}
}

else := null

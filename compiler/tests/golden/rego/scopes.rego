# Made by hexgate from a policy with the SHA-256 digest
# 79bf2299394e3baca856fc5f4c6655f35f5dffaf3cda1bf5bf8b89a23d9eac1f.
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

roles := {"default"}

fallback := [{"index": null, "role": "default"}]

evaluate("default") := tools_0(input.tool)

listed_0 := ["edit_file", "glob", "read_file", "upload"]

tools_0("edit_file") := rule_0

tools_0("glob") := rule_1

tools_0("read_file") := rule_2

tools_0("upload") := rule_3

tools_0(tool) := unlisted if not tool in listed_0

rule_0 := grant("allow", 0) if within_0

else := beyond(patterns_0)

rule_1 := grant("approval", 1) if within_1

else := beyond(patterns_1)

rule_2 := grant("allow", 2) if {
	holds_0
	within_2
}

else := beyond(patterns_2) if holds_0

else := refused([violated_0])

rule_3 := grant("allow", 3) if within_3

else := beyond(patterns_3)

holds_0 if present(input.user.id)

violated_0 := [] if holds_0

else := ["present(user.id)"]

patterns_0 := {
	"allowed": ["**"],
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
	regex.match("^(?:[^/]+/)*(?:(?:[^/]+/)*[^/]+)?$", path)
}

patterns_1 := {
	"allowed": [],
	"denied": ["*"],
}

within_1 if covers_1(input.args.path)

within_1 if {
	count([value | value := input.args.path]) == 0
	covered_1(".")
}

covers_1(value) if {
	paths := paths_of(value)
	every path in paths {
		covered_1(path)
	}
}

covered_1(given) if {
	path := normalised(given)
	distinct(path)
	regex.match("^.*$", path) == false
	startswith(path, "/") == false
}

patterns_2 := {
	"allowed": ["src/**", "*.md", "/srv/[a-z]?/*"],
	"denied": [".env*", "secrets/", "/etc/**", "**/a+b(c).[*?]"],
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
	distinct(path)
	regex.match("^(?:.*/)?\\.[Ee][Nn](?:[Vv]|[Ṽ-ṿ])[^/]*(?:/.*)?$", path) == false
	regex.match("^[Ssſ][Ee][Cc][Rr][Ee][Tt][Ssſ](?:/.*)?$", path) == false
	regex.match("^/?[Ee][Tt][Cc](?:/.*)?$", path) == false
	regex.match("^(?:.*/)?[Aa]\\+[Bb]\\([Cc]\\)\\.(?:[\\*\\?]|[^/]*[\\x{80}-\\x{10FFFF}][^/]*)(?:/.*)?$", path) == false
	allowed_2(path)
}

allowed_2(path) if regex.match("^src/(?:[^/]+/)*[^/]+$", path)

allowed_2(path) if regex.match("^(?:[^/]+/)*[^/]*\\.md$", path)

allowed_2(path) if regex.match("^/srv/[a-z][^/]/[^/]+$", path)

patterns_3 := {
	"allowed": [],
	"denied": [],
}

within_3 if covers_3(input.args["the-source"])

covers_3(value) if {
	paths := paths_of(value)
	every path in paths {
		covered_3(path)
	}
}

covered_3(given) if normalised(given)

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

# Whether no file system takes a path for another one by its form: a name that ends in a dot or in white space, a stream, a short
# name, characters that are left out of names.
distinct(path) if {
	regex.match(`[. \x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}](/|$)|:|~[0-9]`, path) == false
	regex.match(`[\x{AD}\x{34F}\x{61C}\x{115F}-\x{1160}\x{17B4}-\x{17B5}\x{180B}-\x{180F}\x{200B}-\x{200F}\x{202A}-\x{202E}\x{2060}-\x{206F}\x{3164}\x{F000}-\x{F0FF}\x{FE00}-\x{FE0F}\x{FEFF}\x{FFA0}\x{FFF0}-\x{FFFB}\x{1BCA0}-\x{1BCA3}\x{1D173}-\x{1D17A}\x{E0000}-\x{E0FFF}]`, path) == false
}

present(_) := true

outside(value, list) if not value in list

# Made by hexgate from a policy with the SHA-256 digest
# 0ea04cbe42f5ddba1fd378897c88809bae63204eca3f437de76a5f4d3ac03b8c.
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

listed_0 := ["copy", "find", "grep", "list", "open", "save"]

tools_0("copy") := rule_0

tools_0("find") := rule_1

tools_0("grep") := rule_2

tools_0("list") := rule_3

tools_0("open") := rule_4

tools_0("save") := rule_6

tools_0(tool) := unlisted if not tool in listed_0

rule_0 := grant("allow", 0) if within_0

else := beyond(patterns_0)

rule_1 := grant("allow", 1) if within_1

else := beyond(patterns_1)

rule_2 := grant("allow", 2) if within_2

else := beyond(patterns_2)

rule_3 := grant("allow", 3) if within_3

else := beyond(patterns_3)

rule_4 := grant("allow", 4) if within_4

else := beyond(patterns_4)

rule_5 := grant("allow", 5) if within_5

else := beyond(patterns_5)

bar_0 := [] if within_6

else := [object.union(refusal("mode", [], null), {"message": "No programs."})]

rule_6 := forbidden(bar_0) if count(bar_0) > 0

else := together([rule_5]) if count(bar_0) == 0

patterns_0 := {
	"allowed": ["work/**", "/tmp/*"],
	"denied": [".env.*", "secrets/**"],
	"except": [".env.example", "secrets/public/*"],
}

within_0 if {
	covers_0(input.args.source)
	covers_0(input.args.destination)
}

covers_0(value) if {
	paths := paths_of(value)
	every path in paths {
		covered_0(path)
	}
}

covered_0(given) if {
	path := normalised(given)
	distinct(path)
	free_0_0(path)
	free_0_1(path)
	allowed_0(path)
}

free_0_0(path) if regex.match("^(?:.*/)?\\.[Ee][Nn][Vv]\\.[^/]*(?:/.*)?$", path) == false

free_0_0(path) if {
	regex.match("^(?:[^/]+/)*\\.env\\.example$", path)
	folders_above := folders(path)
	every folder in folders_above {
		regex.match("^(?:.*/)?\\.[Ee][Nn][Vv]\\.[^/]*(?:/.*)?$", folder) == false
	}
}

free_0_0(path) if regex.match("^secrets/public/[^/]+$", path)

free_0_1(path) if regex.match("^[Ssſ][Ee][Cc][Rr][Ee][Tt][Ssſ](?:/.*)?$", path) == false

free_0_1(path) if regex.match("^secrets/public/[^/]+$", path)

allowed_0(path) if regex.match("^work/(?:[^/]+/)*[^/]+$", path)

allowed_0(path) if regex.match("^/tmp/[^/]+$", path)

patterns_1 := {
	"allowed": [],
	"denied": ["**"],
	"except": ["**"],
}

within_1 if covers_1(input.args["in"])

within_1 if {
	count([value | value := input.args["in"]]) == 0
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
	free_1_0(path)
	startswith(path, "/") == false
}

free_1_0(path) if regex.match("^.*$", path) == false

free_1_0(path) if {
	regex.match("^(?:[^/]+/)*(?:(?:[^/]+/)*[^/]+)?$", path)
	folders_above := folders(path)
	every folder in folders_above {
		regex.match("^.*$", folder) == false
	}
}

patterns_2 := {
	"allowed": ["src/**", "README.md", "/srv/**"],
	"denied": ["*.key"],
}

within_2 if covers_2(input.args.path)

within_2 if {
	count([value | value := input.args.path]) == 0
	covered_2(".")
}

covers_2(value) if {
	paths := paths_of(value)
	every path in paths {
		covered_2(path)
	}
}

covered_2(given) if {
	path := normalised(given)
	distinct(path)
	regex.match("^(?:.*/)?[^/]*\\.[KkK][Ee][Yy](?:/.*)?$", path) == false
	allowed_2(path)
}

allowed_2(path) if path == ""

allowed_2(path) if regex.match("^src/(?:[^/]+/)*[^/]+$", path)

allowed_2(path) if regex.match("^src$", path)

allowed_2(path) if regex.match("^(?:[^/]+/)*README\\.md$", path)

allowed_2(path) if regex.match("^/srv/(?:[^/]+/)*[^/]+$", path)

allowed_2(path) if regex.match("^/srv$", path)

patterns_3 := {
	"allowed": ["d:/**"],
	"denied": [],
}

within_3 if covers_3(input.args.path)

within_3 if {
	count([value | value := input.args.path]) == 0
	covered_3(".")
}

covers_3(value) if {
	paths := paths_of(value)
	every path in paths {
		covered_3(path)
	}
}

covered_3(given) if {
	path := normalised_on_windows(given)
	allowed_3(path)
}

allowed_3(path) if path == ""

allowed_3(path) if regex.match("^D\\:/(?:[^/]+/)*[^/]+$", path)

allowed_3(path) if regex.match("^D\\:/$", path)

patterns_4 := {
	"allowed": ["C:/Users/**", "work/*"],
	"denied": ["*.key"],
	"except": ["public.key"],
}

within_4 if covers_4(input.args.path)

covers_4(value) if {
	paths := paths_of(value)
	every path in paths {
		covered_4(path)
	}
}

covered_4(given) if {
	path := normalised_on_windows(given)
	distinct(below_drive(path))
	free_4_0(path)
	allowed_4(path)
}

free_4_0(path) if regex.match("^(?:.*/)?[^/]*\\.[KkK][Ee][Yy](?:/.*)?$", path) == false

free_4_0(path) if {
	regex.match("^(?:[^/]+/)*public\\.key$", path)
	regex.match(`^[A-Z]:/`, path) == false
	folders_above := folders(path)
	every folder in folders_above {
		regex.match("^(?:.*/)?[^/]*\\.[KkK][Ee][Yy](?:/.*)?$", folder) == false
	}
}

allowed_4(path) if regex.match("^C\\:/Users/(?:[^/]+/)*[^/]+$", path)

allowed_4(path) if {
	regex.match("^work/[^/]+$", path)
	regex.match(`^[A-Z]:/`, path) == false
}

patterns_5 := {
	"allowed": [],
	"denied": ["C:/Windows/**"],
}

within_5 if covers_5(input.args.path)

covers_5(value) if {
	paths := paths_of(value)
	every path in paths {
		covered_5(path)
	}
}

covered_5(given) if {
	path := normalised_on_windows(given)
	distinct(below_drive(path))
	regex.match("^(?:C\\:/)?[Ww][Iiİ-ı][Nn][Dd][Oo][Ww][Ssſ](?:/.*)?$", path) == false
}

patterns_6 := {
	"allowed": [],
	"denied": ["*.exe"],
}

within_6 if covers_6(input.args.path)

covers_6(value) if {
	paths := paths_of(value)
	every path in paths {
		covered_6(path)
	}
}

covered_6(given) if {
	path := normalised_on_windows(given)
	distinct(below_drive(path))
	regex.match("^(?:.*/)?[^/]*\\.[Ee][Xx][Ee](?:/.*)?$", path) == false
	regex.match(`^[A-Z]:/`, path) == false
}

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

# A path of Windows, with `/` between its segments and its drive in upper case; undefined if it must not be used.
normalised_on_windows(path) := concat("", [drive(path), relative]) if {
	is_string(path)
	count(path) <= 4096
	count(base64.encode(concat("", [path, "xx"]))) <= 5464
	regex.match(`[\x{0}-\x{1F}\x{7F}-\x{9F}]`, path) == false
	regex.match(`^[ \x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}]*$`, path) == false
	segments := [segment | some segment in split(below_drive(path), "/"); not segment in ["", "."]]
	count(segments) <= 256
	relative := concat("/", segments)
	regex.match(`[. \x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}](/|$)`, relative) == false
	regex.match(`^(~|[^/]*:)`, relative) == false
}

# The drive with its root, and what stands below it; a path that begins with a slash has a root on each drive.
drive(path) := concat("", [upper(substring(path, 0, 1)), ":/"]) if regex.match(`^[A-Za-z]:[/\\]`, path)

drive(path) := "" if regex.match(`^([A-Za-z]:)?[/\\]`, path) == false

below_drive(path) := replace(substring(path, 3, -1), `\`, "/") if regex.match(`^[A-Za-z]:[/\\]`, path)

else := replace(path, `\`, "/")

# Whether no file system takes a path for another one by its form: a name that ends in a dot or in white space, a stream, a short
# name, characters that are left out of names.
distinct(path) if {
	regex.match(`[. \x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}](/|$)|:|~[0-9]`, path) == false
	regex.match(`[\x{AD}\x{34F}\x{61C}\x{115F}-\x{1160}\x{17B4}-\x{17B5}\x{180B}-\x{180F}\x{200B}-\x{200F}\x{202A}-\x{202E}\x{2060}-\x{206F}\x{3164}\x{F000}-\x{F0FF}\x{FE00}-\x{FE0F}\x{FEFF}\x{FFA0}\x{FFF0}-\x{FFFB}\x{1BCA0}-\x{1BCA3}\x{1D173}-\x{1D17A}\x{E0000}-\x{E0FFF}]`, path) == false
}

# The folder above a path, unless that is a root, which has no name.
folders(path) := [] if regex.match(`^(/|[A-Z]:/)?[^/]*$`, path)

else := [concat("/", above)] if {
	segments := split(path, "/")
	above := array.slice(segments, 0, count(segments) - 1)
}

outside(value, list) if not value in list

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

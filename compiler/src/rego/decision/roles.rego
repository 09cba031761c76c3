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

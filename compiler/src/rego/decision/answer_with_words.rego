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

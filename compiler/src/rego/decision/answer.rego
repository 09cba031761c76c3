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

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

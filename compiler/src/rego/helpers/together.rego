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

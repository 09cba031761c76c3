refused(lists) := refusal("constraints", [text | some list in lists; some text in list], null)

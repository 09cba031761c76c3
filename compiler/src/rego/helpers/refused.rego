refused(lists) := denial("constraints", [text | some list in lists; some text in list], null)

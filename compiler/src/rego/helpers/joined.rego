joined(lists) := [item | some list in lists; some item in list]

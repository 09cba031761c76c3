beyond(patterns) := denial("scope", [], patterns)

beyond(patterns) := refusal("scope", [], patterns)

# Names that never fall to the rule for unlisted tools.
closed(tool) if startswith(tool, "agent.")

closed(tool) if startswith(tool, "hexgate.")

closed(tool) if startswith(tool, "skill:")

closed(tool) if startswith(tool, "skill.resource:")

closed(tool) if startswith(tool, "skill.script:")

open(tool) if {
	startswith(tool, "agent.") == false
	startswith(tool, "hexgate.") == false
	startswith(tool, "skill:") == false
	startswith(tool, "skill.resource:") == false
	startswith(tool, "skill.script:") == false
}

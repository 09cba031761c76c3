# The paths that an argument holds: one, or a list of at least one.
paths_of(value) := [value] if is_string(value)

paths_of(value) := value if {
	is_array(value)
	count(value) > 0
}

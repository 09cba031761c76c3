ordered(one, other) if {
	is_number(one)
	is_number(other)
}

ordered(one, other) if {
	is_string(one)
	is_string(other)
}

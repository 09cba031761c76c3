# Whether a value is in a set, or is not. A text is found by its hash; `in` compares all, which numbers need, as equal ones can have
# different hashes.
is_element(value, set) if {
	is_string(value)
	set[value] == value
}

is_element(value, set) if {
	is_string(value) == false
	value in set
}

is_no_element(value, set) if {
	is_string(value)
	count([found | found := set[value]]) == 0
}

is_no_element(value, set) if {
	is_string(value) == false
	outside(value, set)
}

# The texts at and below a value, and the names of members there.
texts(value) := values | names if {
	values := {text | walk(value, [_, text]); is_string(text)}
	names := {name | walk(value, [_, object]); is_object(object); some name, _ in object}
}

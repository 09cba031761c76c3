size(value) := count(value) if is_array(value)

size(value) := count(value) if is_object(value)

size(value) := count(value) if is_string(value)

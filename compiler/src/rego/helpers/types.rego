types(list) := {type_name(value) | some value in list} if is_array(list)

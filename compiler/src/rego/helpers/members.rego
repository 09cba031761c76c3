members(object) := [{"name": name, "value": value} | some name, value in object] if is_object(object)

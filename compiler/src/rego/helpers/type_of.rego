type_of(value) := object.get({"array": "list", "string": "text"}, type_name(value), type_name(value))

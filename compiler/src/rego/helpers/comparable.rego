# Whether a value can be compared with elements of these types: with one of its own type, with `null`, and where there is none.
comparable(_, types) if count(types) == 0

comparable(_, types) if "null" in types

comparable(value, types) if type_name(value) in types

inside(value, list) if value in list

outside(value, list) if not value in list

present(_) := true

deciding := known if count(known) > 0

deciding := fallback if count(known) == 0

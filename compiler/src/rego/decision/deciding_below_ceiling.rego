# What no role can grant is asked first, as if it were a role.
deciding := [{"index": null, "role": null}] if count(ceiling) > 0

deciding := known if {
	count(ceiling) == 0
	count(known) > 0
}

deciding := fallback if {
	count(ceiling) == 0
	count(known) == 0
}

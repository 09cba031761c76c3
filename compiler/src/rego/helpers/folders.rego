# The folder above a path, unless that is a root, which has no name.
folders(path) := [] if regex.match(`^(/|[A-Z]:/)?[^/]*$`, path)

else := [concat("/", above)] if {
	segments := split(path, "/")
	above := array.slice(segments, 0, count(segments) - 1)
}

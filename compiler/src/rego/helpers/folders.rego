# The folder above a path, if it is no root.
folders(path) := [] if regex.match(`^(/|[A-Z]:/)?$`, path)

else := ["/"] if regex.match("^/[^/]*$", path)

else := [substring(path, 0, 3)] if regex.match("^[A-Z]:/[^/]*$", path)

else := [concat("/", above)] if {
	segments := split(path, "/")
	above := array.slice(segments, 0, count(segments) - 1)
}

# A path without `.` and empty segments; undefined if it must not be used.
normalised(path) := concat("", [root(path), relative]) if {
	is_string(path)
	count(path) <= 4096

	# Four characters of base64 for three bytes: with two more, this is the length of 4,096 bytes.
	count(base64.encode(concat("", [path, "xx"]))) <= 5464
	regex.match(`[\x{0}-\x{1F}\x{7F}-\x{9F}\\]`, path) == false
	regex.match(`^[ \x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}]*$`, path) == false
	segments := [segment | some segment in split(path, "/"); not segment in ["", "."]]
	count(segments) <= 256
	outside("..", segments)
	relative := concat("/", segments)
	regex.match(`^(~|[^/]*:)`, relative) == false
}

root(path) := "/" if startswith(path, "/")

root(path) := "" if startswith(path, "/") == false

# A path of Windows, with `/` between its segments and its drive in upper case; undefined if it must not be used.
normalised_on_windows(path) := concat("", [drive(path), relative]) if {
	is_string(path)
	count(path) <= 4096
	count(base64.encode(concat("", [path, "xx"]))) <= 5464
	regex.match(`[\x{0}-\x{1F}\x{7F}-\x{9F}]`, path) == false
	regex.match(`^[ \x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}]*$`, path) == false
	segments := [segment | some segment in split(below_drive(path), "/"); not segment in ["", "."]]
	count(segments) <= 256
	relative := concat("/", segments)
	regex.match(`[. \x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}](/|$)`, relative) == false
	regex.match(`^(~|[^/]*:)`, relative) == false
}

# The drive with its root, and what stands below it; a path that begins with a slash has a root on each drive.
drive(path) := concat("", [upper(substring(path, 0, 1)), ":/"]) if regex.match(`^[A-Za-z]:[/\\]`, path)

drive(path) := "" if regex.match(`^([A-Za-z]:)?[/\\]`, path) == false

below_drive(path) := replace(substring(path, 3, -1), `\`, "/") if regex.match(`^[A-Za-z]:[/\\]`, path)

else := replace(path, `\`, "/")

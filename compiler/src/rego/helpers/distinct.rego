# Whether no file system takes a path for another one by its form: a name that ends in a dot or in white space, a stream, a short
# name, characters that are left out of names.
distinct(path) if {
	regex.match(`[. \x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}](/|$)|:|~[0-9]`, path) == false
	regex.match(`[\x{AD}\x{34F}\x{61C}\x{115F}-\x{1160}\x{17B4}-\x{17B5}\x{180B}-\x{180F}\x{200B}-\x{200F}\x{202A}-\x{202E}\x{2060}-\x{206F}\x{3164}\x{F000}-\x{F0FF}\x{FE00}-\x{FE0F}\x{FEFF}\x{FFA0}\x{FFF0}-\x{FFFB}\x{1BCA0}-\x{1BCA3}\x{1D173}-\x{1D17A}\x{E0000}-\x{E0FFF}]`, path) == false
}

# The first that forbids says why; the first that has a message gives it.
forbidden(bars) := object.union(bars[0], {"message": messages[0]}) if {
	messages := [message | some bar in bars; message := bar.message]
	count(messages) > 0
}

else := bars[0]

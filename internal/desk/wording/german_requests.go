package wording

// germanRequests are the words of changes that wait for a second administrator.
var germanRequests = words{
	"deciding it takes what the change itself takes: %s":                                         "zu entscheiden braucht, was die Änderung selbst braucht: %s",
	"expected 1 to %d printable characters":                                                      "1 bis %d druckbare Zeichen erwartet",
	"there is no request %s, or it ended more than 90 days ago":                                  "den Antrag %s gibt es nicht, oder er endete vor mehr als 90 Tagen",
	"what was asked for can’t be done any more, since something was changed in the meantime: %s": "was beantragt wurde, geht nicht mehr, weil inzwischen etwas geändert wurde: %s",
}

package wording

// germanBreakGlass are the words of break-glass files.
var germanBreakGlass = words{
	"%d files are unused already: revoke some first": "%d Dateien sind noch unbenutzt: Widerrufen Sie zuerst einige",
	"%q is reserved for break-glass files":           "%q ist für Notzugangs-Dateien reserviert",
	"%s is allowed by a break-glass file.":           "%s ist durch eine Notzugangs-Datei erlaubt.",
	"Begin a session":                                "Sitzung beginnen",
	"Break-glass":                                    "Notzugang",
	"Sign in as usual":                               "Wie gewohnt anmelden",
	"The code":                                       "Der Code",
	"The code that “portico break-glass use” printed. It counts for 15 minutes, once.": "Der Code, den „portico break-glass use“ ausgegeben hat. Er gilt 15 Minuten, einmal.",
	"The file %s was used %s.": "Die Datei %s wurde %s benutzt.",
	"This lets somebody administer while the sign-in of your company is out of order. Every use is recorded, and shown to every administrator.": "Damit kann jemand verwalten, während die Anmeldung Ihrer Firma gestört ist. Jede Benutzung wird aufgezeichnet und allen gezeigt, die verwalten.",
	"What was recorded":                             "Was aufgezeichnet wurde",
	"Whoever used it could administer for an hour.": "Wer sie benutzt hat, konnte eine Stunde lang verwalten.",
	"You administer by it. It lets nobody in a second time: mend what keeps administrators out, and make a new file.":      "Sie verwalten durch sie. Sie lässt niemanden ein zweites Mal ein: Beheben Sie, was die Verwaltung aussperrt, und erzeugen Sie eine neue Datei.",
	"expected 1 to %d printable characters that say where the file is kept":                                                "1 bis %d druckbare Zeichen erwartet, die sagen, wo die Datei liegt",
	"expected a file to be valid for an hour to ten years, got %s":                                                         "eine Datei gilt eine Stunde bis zehn Jahre, angegeben war %s",
	"expected the code of %d letters and digits that portico break-glass use printed":                                      "erwartet wird der Code aus %d Buchstaben und Ziffern, den portico break-glass use ausgegeben hat",
	"expected the id of a break-glass file, the secret that it seals, and a ticket, as portico break-glass use sends them": "erwartet werden die ID einer Notzugangs-Datei, das Geheimnis, das sie enthält, und ein Ticket, wie portico break-glass use sie schickt",
	"the store does not answer; try again":                                                                                 "der Speicher antwortet nicht; versuchen Sie es noch einmal",
	"type the code on this page, and allow cookies for this site":                                                          "geben Sie den Code auf dieser Seite ein, und erlauben Sie Cookies für diese Adresse",
	"there is no file %s that could still be used":                                                                         "es gibt keine Datei %s, die noch benutzt werden könnte",
	"this code is not known, or it was used, or its %d minutes are over":                                                   "dieser Code ist nicht bekannt, oder er wurde benutzt, oder seine %d Minuten sind vorbei",
	"this file is not known here, or it was used or revoked, or its time is over":                                          "diese Datei ist hier nicht bekannt, oder sie wurde benutzt oder widerrufen, oder ihre Zeit ist vorbei",
}

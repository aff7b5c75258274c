package wording

// germanLimits say what was too much at once, or too early.
var germanLimits = words{
	"Too many sign-ins": "Zu viele Anmeldungen",
	"Too many sign-ins were begun from your network at once. Try again in a minute.": "Aus Ihrem Netz wurden zu viele Anmeldungen auf einmal begonnen. Versuchen Sie es in einer Minute wieder.",

	"you sent more requests than are allowed at once; try again in %s": "Sie haben mehr Anfragen gesendet, als auf einmal erlaubt sind; versuchen Sie es in %s wieder",

	"expected a person: issuer and subject":                             "erwartet wird eine Person: Aussteller und Subjekt",
	"expected the issuer, and its name of the session or of the person": "erwartet werden der Aussteller und sein Name der Sitzung oder der Person",
}

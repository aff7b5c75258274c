package wording

// germanUsage are the words of what roles are used for, and of what leads nowhere.
var germanUsage = words{
	"A use is noticed where Portico decides. What a token of the token endpoint carries is “handed out”: whether it is used there, Portico can’t see.": "Eine Nutzung wird dort bemerkt, wo Portico entscheidet. Was ein Token des Token-Endpunkts trägt, ist „ausgegeben“: Ob es dort genutzt wird, kann Portico nicht sehen.",
	"Each of its permissions was used in the last 90 days, or is in a token.":                                                                          "Jede ihrer Berechtigungen wurde in den letzten 90 Tagen genutzt oder mit einem Token ausgegeben.",
	"Not used in the last 90 days: %d of %d permissions.":                                                                                              "In den letzten 90 Tagen nicht genutzt: %d von %d Berechtigungen.",
	"Portico has watched this role for a short time only, since %s: what is rarely needed may not have been used yet.":                                 "Portico beobachtet diese Rolle erst seit kurzem, seit %s: Was selten gebraucht wird, wurde vielleicht noch nicht genutzt.",
	"Preview the role without them": "Vorschau der Rolle ohne sie",
	"Use of each permission":        "Nutzung der einzelnen Berechtigungen",
	"What is used of it":            "Was von ihr genutzt wird",
	"handed out %s":                 "ausgegeben %s",
	"not used":                      "nicht genutzt",
	"today":                         "heute",
	"watched since %s":              "beobachtet seit %s",
	"yesterday":                     "gestern",
}

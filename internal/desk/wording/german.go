package wording

// german are the German words. They address people formally, name things as the field does in German (Rolle, Zuordnung,
// Berechtigung, Sitzung, Verlauf; Token, Claim and Gateway stay), and are as short as the English ones.
var german = joined(germanPages, germanUsage, germanPermissions, germanHistory, germanExplain, germanSignIn, germanBreakGlass, germanTimeBox, germanGroups, germanStepUp, germanLimits, germanRequests, germanFaults)

// joined puts the words of several files together; each stands in one of them.
func joined(parts ...words) words {
	all := words{}
	for _, part := range parts {
		for key, text := range part {
			if _, twice := all[key]; twice {
				panic("wording: twice: " + key)
			}
			all[key] = text
		}
	}
	return all
}

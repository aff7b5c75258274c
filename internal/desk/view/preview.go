package view

// Preview is what saving does, to whom.
type Preview struct {
	Version string // of the mappings on which it rests
	People  []Affected
	Unnamed int // people whose names this person may not see
	Groups  []Affected
	More    int // people and groups that are not listed, for there are too many
	// LastAdministrator: it would be refused.
	LastAdministrator bool
}

// Affected is somebody, or whoever carries an IAM role, with what they gain and lose.
type Affected struct {
	Name, Href, Login string
	Exact             bool // an IAM role
	Places            []AffectedPlace
}

// AffectedPlace is an organisation; without a name the whole system.
type AffectedPlace struct {
	Name         string
	Gained, Lost []Permission
}

func (p *Preview) nobody() bool { return len(p.People) == 0 && p.Unnamed == 0 && len(p.Groups) == 0 }

// Sentences tells the same in a confirmation.
func (p *Preview) Sentences() (all []string) {
	for _, a := range p.People {
		for _, place := range a.Places {
			if len(place.Lost) > 0 {
				all = append(all, isolated([]string{a.Name})+" loses "+count(len(place.Lost), "permission")+" "+in(place.Name)+".")
			}
			if len(place.Gained) > 0 {
				all = append(all, isolated([]string{a.Name})+" gains "+count(len(place.Gained), "permission")+" "+in(place.Name)+".")
			}
		}
	}
	for _, g := range p.Groups {
		lost := 0
		for _, place := range g.Places {
			lost += len(place.Lost)
		}
		if lost > 0 {
			all = append(all, "Whoever carries the IAM role "+isolated([]string{g.Name})+" loses what it gives them.")
		} else {
			all = append(all, "Whoever carries the IAM role "+isolated([]string{g.Name})+" gains by it.")
		}
	}
	const most = 10
	if more := len(all) - most; more > 0 || p.More > 0 {
		all = append(all[:min(len(all), most)], "And others.")
	}
	if p.Unnamed > 0 {
		all = append(all, count(p.Unnamed, "person", "people")+" who were seen in the last 90 days gain or lose permissions by it.")
	}
	if len(all) == 0 {
		all = append(all, "Nobody gains or loses anything by it.")
	}
	return all
}

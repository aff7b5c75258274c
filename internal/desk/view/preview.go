package view

import "context"

// Preview is what saving does, to whom.
type Preview struct {
	Version string // of the mappings on which it rests
	People  []Affected
	Unnamed int // people whose names this person may not see
	Groups  []Affected
	More    int // people and groups that are not listed, for there are too many
	// LastAdministrator: it would be refused.
	LastAdministrator bool
	// Probation: it would be undone after ten minutes without signing in again.
	Probation bool
	Broken    []Broken
	Demanding []string // organisations for which it needs a second administrator
	Reason    string   // that was given for it
	Later     []Later  // what ends take away when they come
	MoreEnds  int      // ends that were not looked at
}

// Later is what an end takes away.
type Later struct {
	At      When
	People  []Affected
	Unnamed int
	Groups  []Affected
}

// Broken is an expectation for which it would be refused.
type Broken struct{ Expectation, Why string }

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
	Bound, Freed []Permission // what from then on takes a certain sign-in, or no longer does
}

func (p *Preview) nobody() bool { return len(p.People) == 0 && p.Unnamed == 0 && len(p.Groups) == 0 }

// Sentences tells the same in a confirmation.
func (p *Preview) Sentences(ctx context.Context) (all []string) {
	for _, a := range p.People {
		for _, place := range a.Places {
			if n := len(place.Lost); n > 0 {
				all = append(all, say(ctx, "%s loses %d permissions %s.", isolated([]string{a.Name}), n, in(place.Name)))
			}
			if n := len(place.Gained); n > 0 {
				all = append(all, say(ctx, "%s gains %d permissions %s.", isolated([]string{a.Name}), n, in(place.Name)))
			}
			if n := len(place.Bound); n > 0 {
				all = append(all, say(ctx, "%s keeps %d permissions %s after a certain sign-in only.", isolated([]string{a.Name}), n, in(place.Name)))
			}
		}
	}
	for _, g := range p.Groups {
		lost := 0
		for _, place := range g.Places {
			lost += len(place.Lost)
		}
		if lost > 0 {
			all = append(all, say(ctx, "Whoever carries the IAM role %s loses what it gives them.", isolated([]string{g.Name})))
		} else {
			all = append(all, say(ctx, "Whoever carries the IAM role %s gains by it.", isolated([]string{g.Name})))
		}
	}
	const most = 10
	if more := len(all) - most; more > 0 || p.More > 0 {
		all = append(all[:min(len(all), most)], say(ctx, "And others."))
	}
	if p.Unnamed > 0 {
		all = append(all, say(ctx, "%d people who were seen in the last 90 days gain or lose permissions by it.", p.Unnamed))
	}
	if len(all) == 0 {
		all = append(all, say(ctx, "Nobody gains or loses anything by it."))
	}
	if p.Probation && !p.LastAdministrator {
		all = append(all, sayKey(ctx, onProbation))
	}
	return all
}

var onProbation = key("It changes how you administer yourself. It counts at once, and is undone after ten minutes unless you sign in again by then and still can; where nothing is left to you, unless another administrator signs in.")

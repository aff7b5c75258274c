package okta

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
)

// Action is what a step does.
type Action string

const (
	Keep   Action = "keep"
	Create Action = "create"
	Alter  Action = "change"
	Add    Action = "add" // a member or an assignment
	Write  Action = "write"
	Remove Action = "remove"
	Revert Action = "revert"
	ByHand Action = "by hand" // by somebody in Okta's console: no API does it
)

// Step is one thing that apply or undo does, or finds done already.
type Step struct {
	Part    string   `json:"part"`
	Action  Action   `json:"action"`
	Title   string   `json:"title"`
	Console string   `json:"console,omitempty"` // where Okta's console shows it
	Changes []Change `json:"changes,omitempty"`
	Danger  string   `json:"danger,omitempty"` // what may break for others
	Unseen  bool     `json:"unseen,omitempty"` // by hand, and Okta does not show whether it was done
}

// ours tells of a step that the command itself takes.
func (s Step) ours() bool { return s.Action != Keep && s.Action != ByHand }

// Plan is everything that apply would do, in order.
type Plan struct {
	Steps  []Step   `json:"steps"`
	Notes  []string `json:"notes,omitempty"` // what somebody should know who reads it
	Scopes []string `json:"scopes"`          // the least that a service application needs
	Values Values   `json:"values"`
}

// Values are the guide's table.
type Values struct {
	ClientID     string `json:"clientId,omitempty"`
	Issuer       string `json:"issuer,omitempty"`
	DiscoveryURL string `json:"discoveryUrl,omitempty"`
	Audience     string `json:"audience,omitempty"`
	RolePath     string `json:"rolePath,omitempty"`
	AdminRole    string `json:"adminRole,omitempty"`
	TokenSource  string `json:"tokenSource,omitempty"` // where that is not the access token
}

// Changes tells whether there is anything for the command to do.
func (p *Plan) Changes() bool { return slices.ContainsFunc(p.Steps, Step.ours) }

// ByHand are the steps that are left to a person.
func (p *Plan) ByHand() []Step {
	return slices.DeleteFunc(slices.Clone(p.Steps), func(s Step) bool { return s.Action != ByHand })
}

// Dangers are the steps that may break something for others.
func (p *Plan) Dangers() []Step {
	return slices.DeleteFunc(slices.Clone(p.Steps), func(s Step) bool { return s.Danger == "" })
}

// has tells whether a step was in the plan, with the same changes.
func (p *Plan) has(s Step) bool {
	return p != nil && slices.ContainsFunc(p.Steps, func(o Step) bool { return o.Part == s.Part && reflect.DeepEqual(o.Changes, s.Changes) })
}

// run is one pass over all parts. A planning pass only looks; an applying one does what it finds missing. Both walk alike,
// so that what was planned is what is done.
type run struct {
	*Setup
	client   *Client
	record   *record
	applying bool
	agreed   *Plan      // whose dangers somebody agreed to; nil is to none
	done     func(Step) // told of every step that was taken

	plan        *Plan
	application object // as found or made; nil while there is none
	server      object
	group       object
	policy      object
	claimName   string
	claimScopes []string // the claim is only in tokens for one of these; empty = all
	firstSecret string   // of an application that this run made

	wanted map[string]bool // the parts that this walk came by
	links  map[string]bool // and the addresses of its memberships and assignments
}

// walk goes through the parts in the guide's order.
func (r *run) walk(ctx context.Context) error {
	parts := []func(context.Context) error{
		r.ensureApplication, r.ensureSecret, // steps 1 and 2
		r.ensureServer,                                                                    // step 3
		r.ensureGroup, r.ensureMembers, r.ensureClaim, r.ensureNames, r.ensureAssignments, // step 4
		r.ensurePolicy, r.ensureRule, // step 3 again, last: only now may anybody sign in
		r.ensureWithdrawn, r.ensureKeyFile, r.ensureConfig,
	}
	if r.onOrgServer() {
		parts = []func(context.Context) error{
			r.ensureApplication, r.ensureSecret, r.noteOrgServer,
			r.ensureGroup, r.ensureMembers, r.ensureGroupsClaim, r.ensureAssignments,
			r.ensureWithdrawn, r.ensureKeyFile, r.ensureConfig,
		}
	}
	for _, part := range parts {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) note(format string, args ...any) {
	r.plan.Notes = append(r.plan.Notes, fmt.Sprintf(format, args...))
}

// take adds a step and, in an applying pass, does it.
func (r *run) take(s Step, do func() error) error {
	if r.applying && s.Danger != "" && !r.agreed.has(s) {
		return fmt.Errorf("%s: Okta has changed since the plan was read, and this may break something for others by now: read the plan again", s.Title)
	}
	if r.applying && s.ours() {
		if err := do(); err != nil {
			return fmt.Errorf("%s: %w", s.Title, err)
		}
		r.done(s)
	}
	r.plan.Steps = append(r.plan.Steps, s)
	return nil
}

// part describes an object of Okta that the setup wants.
type part struct {
	key, title, console string
	collection          string // where it is made and its address begins; "" while its parent is not there
	search              string // where it is looked for; "" = collection
	id                  string // known from the setup file
	name                fields // what it is recognised by
	lifecycle           bool   // is activated and deactivated by requests of their own
	fresh               object // what a new one has besides name and wanted fields
	first               fields // and what of that a plan shows: it is anybody's to change later
	want                func(live object, ours bool) (fields, error)
	danger              func(live object, ours bool, changed []Change) string
}

// ensure finds the object, makes it, or changes what differs. The result is nil in a planning pass that would make it.
func (r *run) ensure(ctx context.Context, p part) (object, error) {
	r.wanted[p.key] = true
	known := r.record.of(p.key)
	live, err := r.find(ctx, p, known)
	if err != nil {
		return nil, err
	}
	if live == nil {
		want, err := p.want(nil, true)
		if err != nil {
			return nil, err
		}
		maps.Copy(want, p.first)
		step := Step{Part: p.key, Action: Create, Title: p.title, Console: p.console}
		for _, path := range want.paths() {
			step.Changes = append(step.Changes, Change{Field: path, To: want[path]})
		}
		err = r.take(step, func() (err error) {
			live, err = r.create(ctx, p, want)
			return err
		})
		return live, err
	}
	ours := known != nil && known.Made
	if ours && known.ID == "" { // made by a run that did not live to see the answer
		if r.applying {
			known.ID = live.id()
			if err := r.record.put(known); err != nil {
				return nil, err
			}
		}
	}
	want, err := p.want(live, ours)
	if err != nil {
		return nil, err
	}
	changed := changes(live, want)
	step := Step{Part: p.key, Action: Keep, Title: p.title, Console: p.console, Changes: changed}
	if len(changed) > 0 {
		step.Action = Alter
		if p.danger != nil {
			step.Danger = p.danger(live, ours, changed)
		}
	}
	err = r.take(step, func() (err error) {
		live, err = r.alter(ctx, p, live, want, changed)
		return err
	})
	return live, err
}

// find looks by id, the setup's or the remembered one, and else by what the object is recognised by.
func (r *run) find(ctx context.Context, p part, known *done) (object, error) {
	if p.collection == "" {
		return nil, nil
	}
	if p.id != "" {
		live, err := r.client.get(ctx, p.collection+"/"+p.id)
		if err == nil && live == nil {
			err = fmt.Errorf("%s: there is none with the id %s in %s", p.title, p.id, r.Okta.URL)
		}
		return live, err
	}
	if known != nil && known.ID != "" {
		live, err := r.client.get(ctx, p.collection+"/"+known.ID)
		if live != nil || err != nil {
			return live, err
		}
	}
	found, err := r.client.search(ctx, p.collection, p.search, p.name)
	if err != nil {
		return nil, err
	}
	if len(found) > 1 {
		var ids []string
		for _, o := range found {
			ids = append(ids, o.id())
		}
		return nil, fmt.Errorf("%s: expected one of that name, found %d: %s; name the right one by its id in %s", p.title, len(found), display(list(ids...)), r.path)
	}
	if len(found) == 0 {
		return nil, nil
	}
	return found[0], nil
}

// search lists a collection and keeps what has exactly these fields.
func (c *Client) search(ctx context.Context, collection, search string, name fields) ([]object, error) {
	if search == "" {
		search = query(collection, map[string]string{"limit": "200"})
	}
	all, err := c.list(ctx, search)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(o object) bool { return len(changes(o, name)) > 0 }), nil
}

// create notes the intent first: should the answer be lost, the next run knows the object for ours.
func (r *run) create(ctx context.Context, p part, want fields) (object, error) {
	made := &done{Part: p.key, Title: p.title, Made: true, Collection: p.collection, Search: p.search, Name: p.name, Lifecycle: p.lifecycle, After: want}
	if err := r.record.put(made); err != nil {
		return nil, err
	}
	path := p.collection
	if p.collection == appsPath {
		path += "?activate=true"
	}
	var live object
	if err := r.client.call(ctx, http.MethodPost, path, p.fresh.with(want), &live); err != nil {
		var refused *Error
		if errors.As(err, &refused) && refused.Status < 500 { // surely nothing was made
			err = errors.Join(err, r.record.forget(p.key))
		}
		return nil, err
	}
	made.ID = live.id()
	return live, r.record.put(made)
}

// alter notes what was there before it changes it.
func (r *run) alter(ctx context.Context, p part, live object, want fields, changed []Change) (object, error) {
	d := r.record.of(p.key)
	if d == nil {
		d = &done{Part: p.key, Title: p.title, ID: live.id(), Collection: p.collection, Lifecycle: p.lifecycle, Before: fields{}, After: fields{}}
	}
	for _, c := range changed {
		if _, noted := d.Before[c.Field]; !noted && !d.Made {
			d.Before[c.Field] = c.From
		}
		if d.After == nil {
			d.After = fields{}
		}
		d.After[c.Field] = sinceOurs(c, d.Before[c.Field], d.After[c.Field])
	}
	if err := r.record.put(d); err != nil {
		return nil, err
	}
	return r.client.replace(ctx, p.collection+"/"+live.id(), live, want, p.lifecycle)
}

// replace sends an object back with some values changed: Okta knows no other update (okta.md 4). A status has requests of
// its own where there is a life cycle.
func (c *Client) replace(ctx context.Context, path string, live object, want fields, lifecycle bool) (object, error) {
	rest := fields{}
	for field, value := range want {
		if field != "status" || !lifecycle {
			rest[field] = value
		}
	}
	if len(changes(live, rest)) > 0 {
		next := live.with(rest)
		delete(next, "_links")
		delete(next, "_embedded")
		if err := c.call(ctx, http.MethodPut, path, next, &live); err != nil {
			return nil, err
		}
	}
	if status, ok := want["status"].(string); ok && lifecycle && live.text("status") != status {
		verb := map[string]string{"ACTIVE": "activate", "INACTIVE": "deactivate"}[status]
		if err := c.call(ctx, http.MethodPost, path+"/lifecycle/"+verb, nil, nil); err != nil {
			return nil, err
		}
		live.set("status", status)
	}
	return live, nil
}

// link describes a membership or an assignment: it is there or not.
type link struct {
	key, title, console string
	list                string // where it is looked for; "" while one of its ends is not there
	path                string // PUT makes it, DELETE removes it
	id                  string // of the linked object, as the list has it
}

func (r *run) ensureLink(ctx context.Context, l link) error {
	r.wanted[l.key], r.links[l.path] = true, true
	r.record.settle(l.key, func(d *done) bool { return d.Link != "" && d.Link == l.path })
	there := false
	if l.list != "" {
		all, err := r.client.list(ctx, query(l.list, map[string]string{"limit": "200"}))
		if err != nil {
			return err
		}
		there = slices.ContainsFunc(all, func(o object) bool { return o.id() == l.id })
	}
	step := Step{Part: l.key, Action: Add, Title: l.title, Console: l.console}
	if there {
		step.Action = Keep
	}
	return r.take(step, func() error {
		// PUT does not tell whether it was there: the intent is noted only because it was seen to be missing.
		if err := r.record.put(&done{Part: l.key, Title: l.title, ID: l.id, Made: true, Link: l.path}); err != nil {
			return err
		}
		return r.client.call(ctx, http.MethodPut, l.path, object{}, nil)
	})
}

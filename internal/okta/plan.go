package okta

import (
	"context"
	"fmt"
	"net/http"
	"slices"
)

// MakePlan looks at the organisation and says what apply would do. It changes nothing.
func MakePlan(ctx context.Context, s *Setup, c *Client) (*Plan, error) {
	return pass(ctx, s, c, nil, false, func(Step) {})
}

// Apply does what is missing, and tells of every step after it was taken. What was done before an error stays done and is
// remembered: the next run goes on from there. agreed is the plan whose dangers somebody agreed to; a danger that is not in
// it stops the work.
func Apply(ctx context.Context, s *Setup, c *Client, agreed *Plan, done func(Step)) (*Plan, error) {
	if err := s.checkFiles(); err != nil {
		return nil, err
	}
	return pass(ctx, s, c, agreed, true, done)
}

func pass(ctx context.Context, s *Setup, c *Client, agreed *Plan, applying bool, done func(Step)) (*Plan, error) {
	rec, err := loadRecord(s)
	if err != nil {
		return nil, err
	}
	r := &run{Setup: s, client: c, record: rec, agreed: agreed, applying: applying, done: done, plan: &Plan{Scopes: s.neededScopes()}, wanted: map[string]bool{}, links: map[string]bool{}}
	if err := r.walk(ctx); err != nil {
		return r.plan, err
	}
	return r.plan, nil
}

// PlanUndo says what undo would do. It changes nothing.
func PlanUndo(ctx context.Context, s *Setup, c *Client) (*Plan, error) {
	return undo(ctx, s, c, false, func(Step) {})
}

// Undo takes back what apply did, last things first, and nothing else: an object that others have come to use stays, and a
// value that somebody has changed since stays theirs. Both are noted.
func Undo(ctx context.Context, s *Setup, c *Client, done func(Step)) (*Plan, error) {
	return undo(ctx, s, c, true, done)
}

func undo(ctx context.Context, s *Setup, c *Client, applying bool, done func(Step)) (*Plan, error) {
	rec, err := loadRecord(s)
	if err != nil {
		return nil, err
	}
	r := &run{Setup: s, client: c, record: rec, applying: applying, done: done, plan: &Plan{Scopes: s.neededScopes()}}
	steps := slices.Clone(rec.Done)
	slices.Reverse(steps)
	for _, d := range steps {
		if err := r.undoPart(ctx, d, steps); err != nil {
			return r.plan, err
		}
	}
	if len(steps) > 0 {
		r.note("The files %s, %s and %s stay: what was encrypted with the key can't be read without it.", s.Output.Config, s.Output.ClientSecretFile, s.Output.KeyEncryptionKeyFile)
	}
	return r.plan, nil
}

func (r *run) undoPart(ctx context.Context, d *done, all []*done) error {
	forget := func() error { return r.record.forget(d.Part) }
	if d.Link != "" {
		return r.take(Step{Part: d.Part, Action: Remove, Title: d.Title}, func() error {
			if err := r.client.call(ctx, http.MethodDelete, d.Link, nil, nil); err != nil && !IsNotFound(err) {
				return err
			}
			return forget()
		})
	}
	live, err := r.recorded(ctx, d)
	if err != nil {
		return err
	}
	if live == nil {
		r.note("%s is gone already.", d.Title)
		return r.leave(d)
	}
	if !d.Made {
		return r.revert(ctx, d, live, forget)
	}
	users, err := r.others(ctx, d, live, all)
	if err != nil {
		return err
	}
	if users != "" {
		r.note("%s stays: %s. Remove it by hand when nobody needs it.", d.Title, users)
		return r.take(Step{Part: d.Part, Action: Keep, Title: d.Title}, nil)
	}
	return r.take(Step{Part: d.Part, Action: Remove, Title: d.Title}, func() error {
		if err := r.client.remove(ctx, d.Collection+"/"+live.id(), live, d.Lifecycle); err != nil {
			return err
		}
		return forget()
	})
}

// recorded finds the object that a part tells of; nil when it is gone.
func (r *run) recorded(ctx context.Context, d *done) (object, error) {
	if d.ID != "" {
		return r.client.get(ctx, d.Collection+"/"+d.ID)
	}
	found, err := r.client.search(ctx, d.Collection, d.Search, d.Name)
	if len(found) == 0 || err != nil {
		return nil, err
	}
	if len(found) > 1 {
		return nil, fmt.Errorf("%s: the answer to its creation was lost, and now there are %d of that name: remove the right one by hand", d.Title, len(found))
	}
	return found[0], nil
}

// remove deletes an object; what has a life cycle is deactivated first, as Okta demands.
func (c *Client) remove(ctx context.Context, path string, live object, lifecycle bool) error {
	if lifecycle && live.text("status") == "ACTIVE" {
		if err := c.call(ctx, http.MethodPost, path+"/lifecycle/deactivate", nil, nil); err != nil {
			return err
		}
	}
	if err := c.call(ctx, http.MethodDelete, path, nil, nil); err != nil && !IsNotFound(err) {
		return err
	}
	return nil
}

func (r *run) revert(ctx context.Context, d *done, live object, forget func() error) error {
	back, kept := revert(live, d.Before, d.After)
	for _, field := range kept {
		r.note("%s: %s was changed by somebody since and stays as it is.", d.Title, field)
	}
	changed := changes(live, back)
	if len(changed) == 0 {
		return r.leave(d)
	}
	step := Step{Part: d.Part, Action: Revert, Title: d.Title, Changes: changed}
	return r.take(step, func() error {
		if _, err := r.client.replace(ctx, d.Collection+"/"+live.id(), live, back, d.Lifecycle); err != nil {
			return err
		}
		return forget()
	})
}

// leave has nothing to take back.
func (r *run) leave(d *done) error {
	if r.applying {
		if err := r.record.forget(d.Part); err != nil {
			return err
		}
	}
	return r.take(Step{Part: d.Part, Action: Keep, Title: d.Title}, nil)
}

// others says who else has come to use an object that we made; "" for nobody. What undo will have taken away by then does
// not count.
func (r *run) others(ctx context.Context, d *done, live object, all []*done) (string, error) {
	ours := func(id string) bool {
		return slices.ContainsFunc(all, func(o *done) bool { return o.ID == id && o.Made })
	}
	count := func(collection string) (int, error) {
		items, err := r.client.list(ctx, d.Collection+"/"+live.id()+"/"+collection)
		if err != nil {
			return 0, err
		}
		items = slices.DeleteFunc(items, func(o object) bool { system, _ := o.at("system").(bool); return system || ours(o.id()) })
		return len(items), nil
	}
	switch {
	case d.Collection == groupsPath:
		if n, err := count("users"); n > 0 || err != nil {
			return fmt.Sprintf("somebody else put people into it (%d)", n), err
		}
	case d.Part == "policy":
		ourClient := ""
		if app := r.record.of("application"); app != nil {
			ourClient = app.ID
		}
		clients := live.texts("conditions.clients.include")
		if slices.ContainsFunc(clients, func(c string) bool { return c != ourClient && !contains(d.After["conditions.clients.include"], c) }) {
			return "it covers other applications too", nil
		}
	case d.Part == "authorization server":
		for _, collection := range []string{"policies", "claims", "scopes"} {
			if n, err := count(collection); n > 0 || err != nil {
				return fmt.Sprintf("it has %d %s of somebody else", n, collection), err
			}
		}
	}
	return "", nil
}

func contains(list any, text string) bool {
	items, _ := list.([]any)
	return slices.Contains(items, any(text))
}

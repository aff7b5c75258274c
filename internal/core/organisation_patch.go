package core

import (
	"net/http"
	"slices"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/coreapi"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/httpx"
)

// patch changes an organisation, or creates it.
func (o *organisations) patch(w http.ResponseWriter, r *http.Request, who caller) error {
	if err := noQuery(r); err != nil {
		return err
	}
	id, err := pathID(r)
	if err != nil {
		return err
	}
	var body coreapi.OrganisationPatch
	if err := httpx.ReadJSON(w, r, &body); err != nil {
		return err
	}
	if err := o.checkPatch(body); err != nil {
		return err
	}
	change := o.change(access.OrganisationID(id), body, who)
	if err := o.core.Organisations.UpsertOrganisation(r.Context(), access.OrganisationID(id), change); err != nil {
		return storeFault(err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (o *organisations) checkPatch(p coreapi.OrganisationPatch) error {
	if p.Name != nil {
		if err := text("name", *p.Name, maxName); err != nil {
			return err
		}
	}
	if v := p.WalletProvider.Value; v != nil && !slices.Contains(o.core.WalletProviders, *v) {
		return fault.WalletProviderUnknown.New("expected a wallet provider of the configuration").At("walletProvider")
	}
	if v := p.WalletProviderIssuer.Value; v != nil {
		id, err := httpx.ParseUUID(*v)
		if err != nil {
			return fault.InvalidInput.New("walletProviderIssuer: %s", fault.Of(err).Detail).At("walletProviderIssuer")
		}
		// The embedded Core has no identifiers yet, so none can be found.
		return fault.IdentifierMissing.New("there is no identifier %s", id).At("walletProviderIssuer")
	}
	return nil
}

// change is what the patch does to whatever the store holds; the store may ask more than once.
func (o *organisations) change(id access.OrganisationID, p coreapi.OrganisationPatch, who caller) OrganisationChange {
	return func(current *Organisation) (Organisation, []history.Entry, error) {
		now := o.core.stamp()
		next := Organisation{ID: id, Name: string(id), CreatedAt: now, ModifiedAt: now}
		if current != nil {
			next = *current
		}
		apply(p, &next, now)
		actions := actionsOf(current, next)
		if len(actions) > 0 {
			next.ModifiedAt = now
		}
		entries := make([]history.Entry, len(actions))
		for i, action := range actions {
			entries[i] = o.core.entry(who, now, action, next)
		}
		return next, entries, nil
	}
}

func apply(p coreapi.OrganisationPatch, o *Organisation, now time.Time) {
	if p.Name != nil {
		o.Name = *p.Name
	}
	if p.Deactivate != nil {
		switch {
		case !*p.Deactivate:
			o.DeactivatedAt = time.Time{}
		case o.DeactivatedAt.IsZero(): // the first deactivation is the one that counts
			o.DeactivatedAt = now
		}
	}
	set(&o.WalletProvider, p.WalletProvider)
	set(&o.WalletProviderIssuer, p.WalletProviderIssuer)
}

// set keeps the field where the member is absent and clears it where it is null.
func set(field *string, member coreapi.Optional[string]) {
	if !member.Present {
		return
	}
	*field = ""
	if member.Value != nil {
		*field = *member.Value
	}
}

// actionsOf tells what has happened, in the order in which the record shows it; nothing, if nothing has changed.
func actionsOf(current *Organisation, next Organisation) (actions []history.Action) {
	was := Organisation{}
	if current == nil {
		actions = append(actions, history.Created)
	} else {
		was = *current
		if was.Name != next.Name || was.WalletProvider != next.WalletProvider || was.WalletProviderIssuer != next.WalletProviderIssuer {
			actions = append(actions, history.Updated)
		}
	}
	switch before, after := was.DeactivatedAt.IsZero(), next.DeactivatedAt.IsZero(); {
	case before && !after:
		actions = append(actions, history.Deactivated)
	case !before && after:
		actions = append(actions, history.Reactivated)
	}
	return actions
}

package app

import (
	"context"
	"net/http"
	"time"

	"github.com/portico-iam/portico/internal/cluster"
	"github.com/portico-iam/portico/internal/directory"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/httpx"
	"github.com/portico-iam/portico/internal/revocation"
	"github.com/portico-iam/portico/internal/scim"
)

// buildDirectory reads who is deactivated before anybody can be let in. Without a token nothing is provisioned, and nobody could
// be activated again: then the directory bars nobody.
func (a *App) buildDirectory(ctx context.Context, record *history.Recorder, revocations *revocation.Service) (err error) {
	if a.cfg.SCIM.Token == "" {
		return nil
	}
	a.people, err = directory.New(ctx, directory.Config{
		Store: a.store, Issuer: a.cfg.STS.IAM.TokenValidation.Iss, SubjectFrom: a.cfg.SCIM.SubjectFrom, Ender: revocations, Follow: a.policy.FollowGroups,
		History: record, Now: a.now, Logger: a.logger,
	})
	if err != nil {
		return err
	}
	revocations.Book.Barred, a.policy.Barred = a.people.Barred, a.people.Barred
	a.feed.On(cluster.Directory, func(ctx context.Context, names []string) error {
		if err := a.people.Refresh(ctx, names); err != nil {
			return err
		}
		if err := a.policy.FollowGroups(ctx); err != nil { // it is tried again in a moment, and is no reason to believe nothing any more
			a.logger.WarnContext(ctx, "the mappings could not follow their groups", "error", err)
		}
		return nil
	})
	a.every(followGroupsEvery, "have mappings follow their groups", a.policy.FollowGroups)
	return a.policy.FollowGroups(ctx)
}

// followGroupsEvery is for what no change of a group tells: that somebody else can administer by now.
const followGroupsEvery = 5 * time.Second

// mountSCIM puts the edge on mux; where it is off there is nothing, for whoever asks.
func (a *App) mountSCIM(mux *http.ServeMux) {
	if a.people == nil {
		mux.HandleFunc(scim.Path+"/", func(w http.ResponseWriter, r *http.Request) {
			httpx.WriteError(w, r, fault.NotFound.New("nothing is provisioned here"))
		})
		return
	}
	tokens := []string{a.cfg.SCIM.Token.Reveal()}
	if previous := a.cfg.SCIM.PreviousToken; previous != "" {
		tokens = append(tokens, previous.Reveal())
	}
	scim.New(scim.Config{Directory: a.people, Tokens: tokens, PublicURL: a.cfg.Server.PublicURL, Logger: a.logger}).Mount(mux)
}

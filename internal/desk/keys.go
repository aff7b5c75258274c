package desk

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/desk/view"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/sts"
)

func (h *Handler) mountKeys(mux *http.ServeMux) {
	mux.Handle("GET "+view.KeysPath, h.page(h.keyList))
	mux.Handle("GET "+view.KeyRotatePath, h.page(h.keyRotate))
	mux.Handle("POST "+view.KeyRotatePath, h.page(h.keyRotate))
	mux.Handle("GET "+view.KeysPath+"/{kid}/cut", h.page(h.keyCut))
	mux.Handle("POST "+view.KeysPath+"/{kid}/cut", h.page(h.keyCut))
}

func (h *Handler) keyList(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
	report, err := h.Keys.List(r.Context(), c.Principal)
	if err != nil {
		return err
	}
	v := view.Keys{
		Page: h.frame(r, c), CanRotate: h.offers(c, access.STSKeyRotate), CanHistory: h.may(c, access.SystemHistoryList),
		Overlap: report.Overlap, Fault: report.Fault,
		List: listState(r, view.KeysPath, "state", "state", "published", "used", "verifier", "knowledge", "fetched"),
	}
	for _, k := range report.Keys {
		v.Rows = append(v.Rows, viewKey(report, k))
	}
	for _, verifier := range report.Verifiers {
		v.Verifiers = append(v.Verifiers, viewVerifier(report, verifier))
	}
	sortKeys(r.Context(), &v)
	h.render(w, r, http.StatusOK, view.KeysPage(v))
	return nil
}

// sortKeys sorts the table to which the chosen column belongs; as they come keys are in the order of their lives. They are few: there is
// nothing to search or to turn over.
func sortKeys(ctx context.Context, v *view.Keys) {
	if v.List.Sort == "state" && v.List.Descending {
		slices.Reverse(v.Rows)
	}
	slices.SortStableFunc(v.Rows, func(a, b view.KeyRow) int {
		switch v.List.Sort {
		case "published":
			return directed(v.List, a.Created.At.Compare(b.Created.At))
		case "used":
			return directed(v.List, a.Used.At.Compare(b.Used.At))
		}
		return 0
	})
	slices.SortStableFunc(v.Verifiers, func(a, b view.VerifierRow) int {
		switch v.List.Sort {
		case "verifier":
			return directed(v.List, byName(a.Label(ctx), b.Label(ctx)))
		case "knowledge":
			return directed(v.List, cmp.Compare(a.Knowledge, b.Knowledge))
		case "fetched":
			return directed(v.List, a.Fetched.At.Compare(b.Fetched.At))
		}
		return 0
	})
}

func viewKey(report sts.Report, k sts.KeyReport) view.KeyRow {
	at := func(t time.Time) view.When { return view.When{At: t, Now: report.Now} }
	return view.KeyRow{
		KID: k.KID, State: string(k.State), Created: at(k.PublishedAt), Ready: at(k.ReadyAt), Activates: at(k.ActivatesAt),
		Retires: at(k.RetiresAt), Gone: at(k.GoneAt), Used: at(k.UsedAt),
	}
}

func viewVerifier(report sts.Report, v sts.VerifierReport) view.VerifierRow {
	row := view.VerifierRow{
		Name: v.Name, Address: v.Address, Agent: v.Agent, Knowledge: string(v.Knowledge),
		Fetched: view.When{At: v.FetchedAt, Now: report.Now}, Cache: v.Cache,
	}
	for _, state := range []sts.KeyState{sts.KeyActive, sts.KeyNext} {
		if k, found := report.Key(state); found && slices.Contains(v.Missing, k.KID) {
			row.Missing = append(row.Missing, string(state))
		}
	}
	return row
}

// keyRotate asks, and then lets the next key sign.
func (h *Handler) keyRotate(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
	report, err := h.keysToTurn(r, c, "rotate the signing keys")
	if err != nil {
		return err
	}
	next, found := report.Key(sts.KeyNext)
	if !found {
		return fault.NotFound.New("there is no next key at the moment")
	}
	v := view.ConfirmKeyRotate(r.Context(), h.frame(r, c), viewKey(report, next), behind(r.Context(), report, next.KID))
	forced := v.TypeToConfirm != ""
	status := http.StatusOK
	if r.Method == http.MethodPost {
		switch {
		case r.PostFormValue("version") != next.KID: // somebody else rotated: what was confirmed was another key
			v.Notices = append(v.Notices, changedMeanwhile(r.Context()))
			status = http.StatusConflict
		case !confirmed(r, &v):
			status = http.StatusUnprocessableEntity
		default:
			err := h.Keys.Rotate(r.Context(), c.Principal, next.KID, forced)
			if err == nil {
				return h.done(w, r, c, keysRotated, view.KeysPath, access.STSKeyList)
			}
			return err
		}
	}
	h.render(w, r, status, view.ConfirmPage(v))
	return nil
}

// keyCut asks, and then drops a key.
func (h *Handler) keyCut(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
	report, err := h.keysToTurn(r, c, "cut a signing key off")
	if err != nil {
		return err
	}
	at := slices.IndexFunc(report.Keys, func(k sts.KeyReport) bool { return k.KID == r.PathValue("kid") })
	if at < 0 {
		return fault.NotFound.New("there is no such signing key")
	}
	key := report.Keys[at]
	var uninformed []string
	if next, found := report.Key(sts.KeyNext); found && key.State == sts.KeyActive {
		uninformed = behind(r.Context(), report, next.KID)
	}
	v := view.ConfirmKeyCut(r.Context(), h.frame(r, c), viewKey(report, key), uninformed, report.Overlap)
	status := http.StatusOK
	if r.Method == http.MethodPost {
		if r.PostFormValue("version") == string(key.State) && confirmed(r, &v) {
			if err := h.Keys.Cut(r.Context(), c.Principal, key.KID); err != nil {
				return err
			}
			return h.done(w, r, c, keyCutOff, view.KeysPath, access.STSKeyList)
		}
		status = http.StatusUnprocessableEntity
		if len(v.Errors) == 0 {
			v.Notices = append(v.Notices, changedMeanwhile(r.Context()))
			status = http.StatusConflict
		}
	}
	h.render(w, r, status, view.ConfirmPage(v))
	return nil
}

// keysToTurn reads the keys for who may turn them.
func (h *Handler) keysToTurn(r *http.Request, c *authn.Caller, wanted string) (sts.Report, error) {
	if err := h.enforce(r.Context(), c, wanted, access.STSKeyRotate); err != nil {
		return sts.Report{}, err
	}
	return h.Keys.Ring.Report(r.Context())
}

// behind names who does not know a key yet.
func behind(ctx context.Context, report sts.Report, kid string) (names []string) {
	for _, v := range report.Behind(kid) {
		names = append(names, viewVerifier(report, v).Label(ctx))
	}
	return names
}

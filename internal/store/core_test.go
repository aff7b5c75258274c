package store_test

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/core"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

func organisation(name string) core.Organisation {
	return core.Organisation{ID: access.OrganisationID(uuid.NewString()), Name: name, CreatedAt: at(1), ModifiedAt: at(1)}
}

func entryOf(o core.Organisation) history.Entry {
	return history.Entry{ID: uuid.NewString(), CreatedAt: o.ModifiedAt, EntityType: history.Organisation, EntityID: string(o.ID)}
}

func create(t *testing.T, db *store.DB, o core.Organisation) core.Organisation {
	t.Helper()
	if err := db.CreateOrganisation(t.Context(), o, entryOf(o)); err != nil {
		t.Fatal(err)
	}
	return o
}

func checkEntries(t *testing.T, db *store.DB, want int) {
	t.Helper()
	if _, total, err := db.ListHistory(t.Context(), history.Filter{Size: 1}); err != nil || total != want {
		t.Errorf("expected %d history entries, got %d, %v", want, total, err)
	}
}

func TestOrganisation(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		full := organisation("Zürich")
		full.ModifiedAt, full.DeactivatedAt, full.WalletProvider, full.WalletProviderIssuer = at(2), at(3), "PROVIDER", uuid.NewString()
		for _, want := range []core.Organisation{full, organisation("Bern")} {
			create(t, db, want)
			got, found, err := db.GetOrganisation(t.Context(), want.ID)
			if err != nil || !found || !reflect.DeepEqual(got, want) {
				t.Errorf("expected %+v, got %+v, %v, %v", want, got, found, err)
			}
		}
		if got, found, err := db.GetOrganisation(t.Context(), "nowhere"); err != nil || found || got != (core.Organisation{}) {
			t.Errorf("expected nothing, got %+v, %v, %v", got, found, err)
		}
		sameID, sameName, sameProvider := organisation("Basel"), organisation("Zürich"), organisation("Genf")
		sameID.ID, sameProvider.WalletProvider = full.ID, "PROVIDER"
		for _, c := range []struct {
			o    core.Organisation
			want error
		}{{full, core.ErrOrganisationExists}, {sameID, core.ErrOrganisationExists}, {sameName, core.ErrOrganisationExists}, {sameProvider, core.ErrWalletProviderUsed}} {
			if err := db.CreateOrganisation(t.Context(), c.o, entryOf(c.o)); !errors.Is(err, c.want) {
				t.Errorf("%+v: expected %v, got %v", c.o, c.want, err)
			}
		}
		checkEntries(t, db, 2)
	})
}

func TestOrganisationNames(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		for _, name := range names {
			want := create(t, db, organisation(name))
			got, total, err := db.ListOrganisations(t.Context(), core.OrganisationFilter{Name: name, NameExact: true, Size: 10})
			if err != nil || total != 1 || !reflect.DeepEqual(got, []core.Organisation{want}) {
				t.Errorf("%q: expected it alone, got %+v, %v", name, got, err)
			}
		}
		for _, name := range append(names, "acme", "ACME I", "ä", "ADM", "a%", "日", "👩", "i", "s", "x") {
			var want []string
			for _, other := range names {
				if strings.HasPrefix(strings.ToLower(other), strings.ToLower(name)) {
					want = append(want, other)
				}
			}
			slices.Sort(want)
			list, total, err := db.ListOrganisations(t.Context(), core.OrganisationFilter{Name: name, Sort: "name", Size: 1000})
			var got []string
			for _, o := range list {
				got = append(got, o.Name)
			}
			if err != nil || total != len(want) || !slices.Equal(got, want) {
				t.Errorf("prefix %q: expected %q, got %q of %d, %v", name, want, got, total, err)
			}
		}
	})
}

func TestListOrganisations(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		var all []core.Organisation
		for i := range 30 {
			o := organisation(fmt.Sprint([]string{"a", "B", "ä", "_"}[i%4], i))
			o.CreatedAt, o.ModifiedAt = at(int64(i/5)), at(int64(i%6))
			all = append(all, create(t, db, o))
		}
		for _, f := range []core.OrganisationFilter{
			{},
			{Descending: true},
			{Sort: "createdDate"},
			{Sort: "name"},
			{Sort: "name", Descending: true},
			{Name: "b"},
			{CreatedAfter: at(2)},
			{CreatedBefore: at(2)},
			{ModifiedAfter: at(2)},
			{ModifiedBefore: at(2)},
			{CreatedAfter: at(1), CreatedBefore: at(4), ModifiedAfter: at(1), ModifiedBefore: at(3), Name: "a"},
		} {
			var want []core.Organisation
			for _, o := range all {
				if strings.HasPrefix(strings.ToLower(o.Name), f.Name) &&
					!o.CreatedAt.Before(f.CreatedAfter) && (f.CreatedBefore.IsZero() || !o.CreatedAt.After(f.CreatedBefore)) &&
					!o.ModifiedAt.Before(f.ModifiedAfter) && (f.ModifiedBefore.IsZero() || !o.ModifiedAt.After(f.ModifiedBefore)) {
					want = append(want, o)
				}
			}
			slices.SortFunc(want, func(a, b core.Organisation) int {
				c := a.CreatedAt.Compare(b.CreatedAt)
				if f.Sort == "name" {
					c = cmp.Compare(a.Name, b.Name)
				}
				if c = cmp.Or(c, cmp.Compare(a.ID, b.ID)); f.Descending {
					return -c
				}
				return c
			})
			for f.Size = 4; f.Page*f.Size <= len(want); f.Page++ {
				page := want[f.Page*f.Size : min(len(want), (f.Page+1)*f.Size)]
				got, total, err := db.ListOrganisations(t.Context(), f)
				if err != nil || total != len(want) || len(got) != len(page) || len(page) > 0 && !reflect.DeepEqual(got, page) {
					t.Errorf("%+v: expected %d of %d, got %d of %d, %v", f, len(page), len(want), len(got), total, err)
				}
			}
		}
		for _, f := range []core.OrganisationFilter{{Sort: "id"}, {Size: 1001}, {Page: -1, Size: 1}} {
			if _, _, err := db.ListOrganisations(t.Context(), f); err == nil {
				t.Errorf("expected %+v to be refused", f)
			}
		}
	})
}

func TestUpsertOrganisation(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		o, other := organisation("Zürich"), create(t, db, organisation("Bern"))
		put := func(next core.Organisation, want error) {
			t.Helper()
			err := db.UpsertOrganisation(t.Context(), next.ID, func(*core.Organisation) (core.Organisation, []history.Entry, error) {
				return next, []history.Entry{entryOf(next), entryOf(next)}, nil
			})
			if !errors.Is(err, want) || (err == nil) != (want == nil) {
				t.Errorf("%+v: expected %v, got %v", next, want, err)
			}
		}
		check := func(want core.Organisation) {
			t.Helper()
			err := db.UpsertOrganisation(t.Context(), want.ID, func(current *core.Organisation) (core.Organisation, []history.Entry, error) {
				if current == nil || *current != want {
					t.Errorf("expected the change to be shown %+v, got %+v", want, current)
				}
				return core.Organisation{}, nil, nil // nothing to be written
			})
			if err != nil {
				t.Error(err)
			}
			if got, _, err := db.GetOrganisation(t.Context(), want.ID); err != nil || got != want {
				t.Errorf("expected %+v, got %+v, %v", want, got, err)
			}
		}
		put(o, nil)
		check(o)
		checkEntries(t, db, 3)
		o.Name, o.ModifiedAt, o.DeactivatedAt, o.WalletProvider, o.WalletProviderIssuer = "zürich", at(5), at(5), "PROVIDER", "issuer"
		put(o, nil)
		check(o)
		checkEntries(t, db, 5)

		stolen := o
		stolen.Name = "Bern"
		put(stolen, core.ErrOrganisationExists)
		fresh := organisation("Bern")
		put(fresh, core.ErrOrganisationExists)
		other.WalletProvider = "PROVIDER"
		put(other, core.ErrWalletProviderUsed)
		fresh.Name, fresh.WalletProvider = "Basel", "PROVIDER"
		put(fresh, core.ErrWalletProviderUsed)
		check(o)
		refusal := errors.New("no")
		err := db.UpsertOrganisation(t.Context(), o.ID, func(*core.Organisation) (core.Organisation, []history.Entry, error) {
			return core.Organisation{ID: o.ID}, []history.Entry{entryOf(o)}, refusal
		})
		if err != refusal { //nolint:errorlint // as it is, says the interface
			t.Errorf("expected the change's own error, got %v", err)
		}
		check(o)
		checkEntries(t, db, 5)
	})
}

// Each of the racers counts once, and exactly one of them creates.
func TestUpsertOrganisationRace(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		const racers = 12
		id := access.OrganisationID(uuid.NewString())
		var wg sync.WaitGroup
		for range racers {
			wg.Go(func() {
				err := db.UpsertOrganisation(t.Context(), id, func(current *core.Organisation) (core.Organisation, []history.Entry, error) {
					next := core.Organisation{ID: id, CreatedAt: at(1), ModifiedAt: at(1)}
					if current != nil {
						next = *current
						next.WalletProviderIssuer += "x"
					}
					next.Name = fmt.Sprint(len(next.WalletProviderIssuer))
					return next, []history.Entry{entryOf(next)}, nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		o, _, err := db.GetOrganisation(t.Context(), id)
		if err != nil || len(o.WalletProviderIssuer) != racers-1 {
			t.Errorf("expected %d changes upon one creation, got %d, %v", racers-1, len(o.WalletProviderIssuer), err)
		}
		checkEntries(t, db, racers)
	})
}

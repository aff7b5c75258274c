package store_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

func benchEach(b *testing.B, bench func(b *testing.B, cfg store.Config)) {
	for _, engine := range testdb.Engines {
		b.Run(engine, func(b *testing.B) { bench(b, testdb.Config(b, engine)) })
	}
}

// large is a model of 1,000 organisations, 10,000 roles and 100,000 mappings by 1,000 IAM roles.
func large() access.Change {
	c := access.Change{At: at(1), By: "ada"}
	for i := range 1000 {
		c.Organisations = append(c.Organisations, &access.Organisation{ID: access.OrganisationID(uuid.NewString()), Name: fmt.Sprint("Organisation ", i), CreatedAt: at(1)})
	}
	var every []access.Permission
	for p := range access.Permissions() {
		every = append(every, p)
	}
	changed := access.Changed{CreatedAt: at(1), ModifiedAt: at(1), ModifiedBy: "ada", Revision: 1}
	for i := range 10_000 {
		r := role(fmt.Sprint("Role ", i), every[i%len(every)], every[i*7%len(every)], every[i*11%len(every)], every[i*13%len(every)], every[i*17%len(every)])
		r.Changed = changed
		c.PutRoles = append(c.PutRoles, r)
	}
	for i := range 1000 {
		im := iamRole(fmt.Sprint("IAM role ", i), map[access.OrganisationID][]access.RoleID{})
		im.Changed = changed
		for j := range 100 {
			org := c.Organisations[(i*31+j*7)%1000].ID
			im.OrganisationRoles[org] = append(im.OrganisationRoles[org], c.PutRoles[(i*100+j)%10_000].ID)
		}
		c.PutIAMRoles = append(c.PutIAMRoles, im)
	}
	return c
}

func BenchmarkLoadModel(b *testing.B) {
	benchEach(b, func(b *testing.B, cfg store.Config) {
		db := testdb.OpenConfig(b, cfg)
		if err := db.CommitChange(b.Context(), 0, large(), nil); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			m, err := db.LoadModel(b.Context())
			if err != nil || len(m.IAMRoles) != 1000 {
				b.Fatal(len(m.IAMRoles), err)
			}
		}
	})
}

// BenchmarkImportModel stores the large model as one change.
func BenchmarkImportModel(b *testing.B) {
	benchEach(b, func(b *testing.B, cfg store.Config) {
		db := testdb.OpenConfig(b, cfg)
		var version int64
		for b.Loop() {
			b.StopTimer()
			clear := access.Change{}
			m, err := db.LoadModel(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			for _, im := range m.IAMRoles {
				clear.DeleteIAMRoles = append(clear.DeleteIAMRoles, im.ID)
			}
			for _, r := range m.Roles {
				clear.DeleteRoles = append(clear.DeleteRoles, r.ID)
			}
			c := large()
			if err := db.CommitChange(b.Context(), version, clear, nil); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
			if err := db.CommitChange(b.Context(), version+1, c, nil); err != nil {
				b.Fatal(err)
			}
			version += 2
		}
	})
}

// BenchmarkCommitChange edits one role of the large model.
func BenchmarkCommitChange(b *testing.B) {
	benchEach(b, func(b *testing.B, cfg store.Config) {
		db := testdb.OpenConfig(b, cfg)
		c := large()
		if err := db.CommitChange(b.Context(), 0, c, nil); err != nil {
			b.Fatal(err)
		}
		version := int64(1)
		for b.Loop() {
			edited := *c.PutRoles[version%10_000]
			edited.Changed.Revision++
			err := db.CommitChange(b.Context(), version, access.Change{PutRoles: []*access.Role{&edited}},
				[]history.Entry{{ID: uuid.NewString(), CreatedAt: at(version), Metadata: []byte(`{"before":{},"after":{}}`)}})
			if err != nil {
				b.Fatal(err)
			}
			version++
		}
	})
}

func BenchmarkOpenNew(b *testing.B) {
	for _, engine := range testdb.Engines {
		b.Run(engine, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				cfg := testdb.Config(b, engine)
				b.StartTimer()
				open(b, cfg)
			}
		})
	}
}

func BenchmarkOpenExisting(b *testing.B) {
	benchEach(b, func(b *testing.B, cfg store.Config) {
		open(b, cfg)
		for b.Loop() {
			open(b, cfg)
		}
	})
}

func open(b *testing.B, cfg store.Config) {
	b.Helper()
	db, err := store.Open(b.Context(), cfg)
	if err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	if err := db.Close(); err != nil {
		b.Fatal(err)
	}
	b.StartTimer()
}

// BenchmarkLogin is what a sign-in writes.
func BenchmarkLogin(b *testing.B) {
	benchEach(b, func(b *testing.B, cfg store.Config) {
		db := testdb.OpenConfig(b, cfg)
		for i := int64(0); b.Loop(); i++ {
			s := newSession(uuid.NewString())
			if _, _, err := db.UseFlow(b.Context(), s.Hash, s.Ref, at(i)); err != nil {
				b.Fatal(err)
			}
			if err := testdb.InsertSession(b.Context(), db, s); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkGetSession(b *testing.B) {
	benchEach(b, func(b *testing.B, cfg store.Config) {
		db := testdb.OpenConfig(b, cfg)
		for i := range 1000 {
			if err := testdb.InsertSession(b.Context(), db, newSession(fmt.Sprint(i))); err != nil {
				b.Fatal(err)
			}
		}
		for i := 0; b.Loop(); i++ {
			if _, found, err := db.GetSession(b.Context(), fmt.Sprint(i%1000), at(1)); err != nil || !found {
				b.Fatal(found, err)
			}
		}
	})
}

// BenchmarkListHistory reads the newest page of 100,000 entries.
func BenchmarkListHistory(b *testing.B) {
	benchEach(b, func(b *testing.B, cfg store.Config) {
		db := testdb.OpenConfig(b, cfg)
		entries := make([]history.Entry, 100_000)
		for i := range entries {
			entries[i] = history.Entry{
				ID: uuid.NewString(), CreatedAt: at(int64(i)), Action: []history.Action{history.Created, history.Rejected}[i%2],
				EntityType: history.STSToken, EntityID: fmt.Sprint(i % 1000), User: fmt.Sprint("user ", i%500), Source: history.SourceBFF,
			}
		}
		if err := db.CommitChange(b.Context(), 0, access.Change{}, entries); err != nil {
			b.Fatal(err)
		}
		for name, f := range map[string]history.Filter{
			"all": {}, "one user": {Users: []string{"user 7"}}, "by user": {Sort: "user"},
		} {
			b.Run(name, func(b *testing.B) {
				f.Descending, f.Size = true, 30
				for b.Loop() {
					if got, _, err := db.ListHistory(b.Context(), f); err != nil || len(got) != 30 {
						b.Fatal(len(got), err)
					}
				}
			})
		}
	})
}

package view

import (
	"context"
	"time"
)

func keySamples() []sample {
	in := func(d time.Duration) When { return When{now.Add(d), now} }
	kids := []string{"Jq0MMc0g6TlX0oO8nIxX2hJ6H1hQbp2Z5dTgVqk1a2I", "rQ2uB9Yd0m5Nn4VvC1x0kq8yD3wE6tR7zU9iO1pA2sD", "-_8Hk3fT0pW5rS2vQ9mB4nC7xZ1aL6dE8gJ0iK2oU3Y"}
	rows := []KeyRow{
		{KID: kids[0], State: "next", Created: in(-2 * time.Hour), Ready: in(22 * time.Hour), Activates: in(90 * day)},
		{KID: kids[1], State: "active", Created: in(-92 * day), Ready: in(-91 * day), Activates: in(-2 * time.Hour), Retires: in(90 * day), Used: in(-20 * time.Second)},
		{KID: kids[2], State: "retired", Created: in(-182 * day), Ready: in(-181 * day), Activates: in(-92 * day), Retires: in(-2 * time.Minute), Gone: in(8 * time.Minute), Used: in(-2 * time.Minute)},
	}
	verifiers := []VerifierRow{
		{Name: "core", Knowledge: "knows", Fetched: in(-40 * time.Second), Cache: time.Minute},
		{Name: "bridge", Address: "10.20.0.7", Agent: "procivis-bridge/1.9", Knowledge: "knows", Fetched: in(-10 * time.Minute), Cache: 10 * time.Minute},
		{Name: "bridge", Address: "10.20.0.8", Agent: "procivis-bridge/1.9", Knowledge: "lacks", Missing: []string{"next"}, Fetched: in(-3 * time.Hour), Cache: 24 * time.Hour},
		{Name: "wrpr", Knowledge: "never", Missing: []string{"active", "next"}, Cache: 36 * time.Hour},
		{Address: "2001:db8:85a3:8d3:1319:8a2e:370:7348", Agent: "curl/8.14.1", Knowledge: "silent", Missing: []string{"next"}, Fetched: in(-12 * day)},
	}
	crowdedRows := []KeyRow{}
	for i, name := range hostile {
		crowdedRows = append(crowdedRows, KeyRow{KID: name, State: []string{"next", "active", "retired"}[i%3], Created: in(0)})
	}
	behind := []string{"bridge at 10.20.0.8", "wrpr"}
	return []sample{
		{"keys", KeysPage(Keys{Page: admin(KeysPath), CanRotate: true, Overlap: 24 * time.Hour, List: List{Path: KeysPath, Sort: "state"}, Rows: rows, Verifiers: verifiers})},
		{"keys-readonly", KeysPage(Keys{Page: admin(KeysPath), List: List{Path: KeysPath}, Overlap: 36*time.Hour + 10*time.Minute, Rows: rows[:2]})},
		{"keys-fault", KeysPage(Keys{Page: admin(KeysPath), CanRotate: true, List: List{Path: KeysPath}, Overlap: 24 * time.Hour, Rows: rows[:2], Verifiers: verifiers[:1], Fault: "signing key " + kids[0] + " does not open: the key-encryption key is not the one it was stored with; give the right sts.token.keyEncryptionKeyFile (it takes 9f3c1b2a4d5e; at hand: 0a1b2c3d4e5f)"})},
		{"keys-crowded", KeysPage(Keys{Page: crowded(KeysPath), CanRotate: true, List: List{Path: KeysPath}, Rows: crowdedRows, Verifiers: []VerifierRow{{Name: hostile[1][:40], Address: "2001:db8:85a3:8d3:1319:8a2e:370:7348", Agent: hostile[1][:100], Knowledge: "lacks", Missing: []string{"active", "next"}}}})},
		{"keys-rotate", confirming(func(ctx context.Context) Confirm {
			return ConfirmKeyRotate(ctx, admin(KeyRotatePath), KeyRow{KID: kids[0], State: "next", Ready: in(-time.Hour)}, nil)
		})},
		{"keys-rotate-early", confirming(func(ctx context.Context) Confirm { return ConfirmKeyRotate(ctx, admin(KeyRotatePath), rows[0], behind) })},
		{"keys-cut", confirming(func(ctx context.Context) Confirm {
			return ConfirmKeyCut(ctx, admin(KeyCutPath(kids[1])), rows[1], behind, 24*time.Hour)
		})},
		{"keys-cut-next", confirming(func(ctx context.Context) Confirm {
			return ConfirmKeyCut(ctx, admin(KeyCutPath(kids[0])), rows[0], nil, 24*time.Hour)
		})},
	}
}

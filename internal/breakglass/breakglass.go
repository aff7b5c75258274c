package breakglass

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"golang.org/x/time/rate"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/httpx"
)

const (
	// TicketTime is how long somebody has to type the ticket.
	TicketTime = 15 * time.Minute
	// SessionTime is how long they may administer.
	SessionTime = time.Hour
	// ShownFor is how long the Desk tells of a use.
	ShownFor = 24 * time.Hour

	maxUnused = 20 // files that wait to be used
	maxLabel  = 100

	secretLength = 64 // hex digits
)

// Row is a file as the store knows it.
type Row struct {
	ID         string    `json:"id"` // UUID
	Label      string    `json:"label"`
	CreatedAt  time.Time `json:"createdAt"`
	CreatedBy  string    `json:"createdBy"`
	ValidUntil time.Time `json:"validUntil"`
	UsedAt     time.Time `json:"usedAt,omitzero"`
	RedeemedAt time.Time `json:"redeemedAt,omitzero"` // when the ticket began a session
	RevokedAt  time.Time `json:"revokedAt,omitzero"`

	TicketUntil time.Time `json:"-"`
	SessionRef  string    `json:"-"` // the session that the ticket began
}

// Subject names whoever comes in by the file.
func (r *Row) Subject() string { return access.BreakGlassSubject + r.ID }

// Usable tells whether the file still counts.
func (r *Row) Usable(now time.Time) bool {
	return r.UsedAt.IsZero() && r.RevokedAt.IsZero() && now.Before(r.ValidUntil)
}

// Store keeps what is known of files. Every method is atomic; hashes are hex SHA-256.
type Store interface {
	AddBreakGlass(ctx context.Context, r Row, secretHash string, e history.Entry) error
	// BreakGlassFiles lists all, newest first.
	BreakGlassFiles(ctx context.Context) ([]Row, error)
	// BreakGlassBySecret and BreakGlassByTicket find a file, of whatever state, by what only its holder has; nil: there is none.
	BreakGlassBySecret(ctx context.Context, id, secretHash string) (*Row, error)
	BreakGlassByTicket(ctx context.Context, ticketHash string, now time.Time) (*Row, error)
	// SpendBreakGlass marks a file of that id and hash, which is usable at now, as used, and stores the ticket's hash. It returns how
	// long the ticket lives; the zero time, and stores nothing, when there is no such file. Asked again with the same ticket, which is
	// not redeemed, it answers the same: the first answer may have been lost.
	SpendBreakGlass(ctx context.Context, id, secretHash, ticketHash string, ticketUntil, now time.Time, e history.Entry) (until time.Time, err error)
	// RedeemBreakGlass marks the ticket as redeemed by a browser for a session, and returns the file as it was before; nil when there is no
	// such ticket that lives at now. The same browser may do so again: the first answer may have been lost.
	RedeemBreakGlass(ctx context.Context, ticketHash, browserHash, sessionRef string, now time.Time) (before *Row, err error)
	// RevokeBreakGlass returns false when there is no such file that could still begin a session.
	RevokeBreakGlass(ctx context.Context, id string, now time.Time, e history.Entry) (bool, error)
}

// Cuts tell whether access that was begun then was ended for somebody since.
type Cuts interface {
	EndedFor(issuer, subject string, begun time.Time) bool
}

// Service makes files, and lets somebody in by one.
type Service struct {
	Store   Store
	History *history.Recorder
	Cuts    Cuts // nil: nobody's access was ended
	Now     func() time.Time
	Logger  *slog.Logger

	lastUse  atomic.Pointer[Row]
	refusals *rate.Limiter
}

// New returns a service.
func New(store Store, record *history.Recorder, cuts Cuts, now func() time.Time, logger *slog.Logger) *Service {
	return &Service{Store: store, History: record, Cuts: cuts, Now: now, Logger: logger, refusals: rate.NewLimiter(1, 20)}
}

// Create makes a file and its unlock code. operator is who made it; url is the Portico's public address.
func (s *Service) Create(ctx context.Context, operator, label, url string, valid time.Duration) (f File, code string, err error) {
	if err := s.checkNew(ctx, label, valid); err != nil {
		return File{}, "", err
	}
	now := s.Now().UTC().Truncate(time.Millisecond)
	f = File{Format: format, ID: uuid.NewString(), Label: label, URL: url, CreatedAt: now, ValidUntil: now.Add(valid)}
	secret := make([]byte, 32)
	rand.Read(secret) // never fails
	code = newCode()
	key, err := unlock(code)
	if err != nil {
		return File{}, "", err
	}
	plain := hex.EncodeToString(secret)
	f.Sealed = key.Box(sealedSecret).Seal([]byte(plain), f.place())
	row := Row{ID: f.ID, Label: label, CreatedAt: now, CreatedBy: operator, ValidUntil: f.ValidUntil}
	return f, code, s.Store.AddBreakGlass(ctx, row, hash(plain), s.entry(history.Created, row, operator, "made"))
}

func (s *Service) checkNew(ctx context.Context, label string, valid time.Duration) error {
	if n := utf8.RuneCountInString(label); n == 0 || n > maxLabel || strings.ContainsFunc(label, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return fault.InvalidInput.New("label: expected 1 to %d printable characters that say where the file is kept", maxLabel)
	}
	if valid < time.Hour || valid > 10*365*24*time.Hour {
		return fault.InvalidInput.New("expected a file to be valid for an hour to ten years, got %s", valid)
	}
	rows, err := s.Store.BreakGlassFiles(ctx)
	if err != nil {
		return err
	}
	unused := 0
	for _, r := range rows {
		if r.Usable(s.Now()) {
			unused++
		}
	}
	if unused >= maxUnused {
		return fault.InvalidInput.New("%d files are unused already: revoke some first", unused)
	}
	return nil
}

// List returns every file, newest first.
func (s *Service) List(ctx context.Context) ([]Row, error) { return s.Store.BreakGlassFiles(ctx) }

// Revoke makes a file count no more.
func (s *Service) Revoke(ctx context.Context, operator, id string) error {
	row, err := s.find(ctx, id)
	if err != nil {
		return err
	}
	revoked, err := s.Store.RevokeBreakGlass(ctx, id, s.Now(), s.entry(history.Revoked, row, operator, "revoked"))
	if err == nil && !revoked {
		err = fault.NotFound.New("there is no file %s that could still be used", id)
	}
	return err
}

var errRefused = fault.Unauthenticated.New("this file is not known here, or it was used or revoked, or its time is over")

// Use spends a file for a ticket that whoever uses it has made. from is the address of whoever asks.
func (s *Service) Use(ctx context.Context, use Use, from string) (until time.Time, err error) {
	id, err := httpx.ParseUUID(use.ID)
	ticket, ok := normal(use.Ticket)
	if err != nil || len(use.Secret) != secretLength || !ok {
		return time.Time{}, fault.InvalidInput.New("expected the id of a break-glass file, the secret that it seals, and a ticket, as portico break-glass use sends them")
	}
	// Whoever does not hold the file costs one look, and keeps nobody who does from coming in.
	row, err := s.Store.BreakGlassBySecret(ctx, id, hash(use.Secret))
	if err != nil {
		return time.Time{}, storeAway(err)
	}
	if row == nil {
		s.refused(ctx, "no such file, or not its secret", from)
		return time.Time{}, errRefused
	}
	now := s.Now()
	until, err = s.Store.SpendBreakGlass(ctx, id, hash(use.Secret), hash(ticket), now.Add(TicketTime), now, s.entry(history.Activated, *row, row.Subject(), "used from "+from))
	switch {
	case err != nil:
		return time.Time{}, storeAway(err)
	case until.IsZero():
		if s.refused(ctx, "used, revoked or over: "+id, from) {
			s.History.Append(ctx, s.entry(history.Rejected, *row, "", "refused, from "+from))
		}
		return time.Time{}, errRefused
	}
	row.UsedAt = now
	s.lastUse.Store(row)
	s.Logger.ErrorContext(ctx, "BREAK-GLASS: a file was used; whoever holds its ticket can administer without the identity provider", "file", id, "from", from)
	return until, nil
}

// refused logs that somebody was refused, as often as is worth reading, and tells whether it did.
func (s *Service) refused(ctx context.Context, why, from string) bool {
	if !s.refusals.Allow() {
		return false
	}
	s.Logger.WarnContext(ctx, "break-glass refused", "why", why, "from", from)
	return true
}

func storeAway(err error) error {
	return fault.Unavailable.New("the store does not answer; try again").Because(err)
}

// Redeem takes a ticket, typed into a browser, for whom it lets in, in a session of that name. before is the session that the same browser
// began by it before, and is to be ended; "" is none.
func (s *Service) Redeem(ctx context.Context, typed, browser, sessionRef, from string) (p *access.Principal, before string, err error) {
	ticket, ok := normal(typed)
	if !ok {
		return nil, "", fault.InvalidInput.New("expected the code of %d letters and digits that portico break-glass use printed", codeLength)
	}
	now := s.Now()
	row, err := s.Store.BreakGlassByTicket(ctx, hash(ticket), now)
	if err == nil && row != nil && (s.Cuts == nil || !s.Cuts.EndedFor(access.BreakGlassIssuer, row.Subject(), row.UsedAt)) {
		row, err = s.Store.RedeemBreakGlass(ctx, hash(ticket), hash(browser), sessionRef, now)
	} else {
		row = nil
	}
	switch {
	case err != nil:
		return nil, "", storeAway(err)
	case row == nil:
		s.refused(ctx, "no such code, or used, revoked or over", from)
		return nil, "", fault.Unauthenticated.New("this code is not known, or it was used, or its %d minutes are over", int(TicketTime.Minutes()))
	}
	s.Logger.ErrorContext(ctx, "BREAK-GLASS: a session begins", "file", row.ID, "session", sessionRef, "from", from)
	return &access.Principal{
		Issuer: access.BreakGlassIssuer, Subject: row.Subject(), IAMRoles: []string{access.BreakGlassRole},
		GivenName: "Break-glass", FamilyName: row.Label, IssuedAt: now, NotAfter: now.Add(SessionTime),
	}, row.SessionRef, nil
}

// find returns what is known of a file; of one that is not known, its id.
func (s *Service) find(ctx context.Context, id string) (Row, error) {
	rows, err := s.Store.BreakGlassFiles(ctx)
	for _, r := range rows {
		if r.ID == id {
			return r, nil
		}
	}
	return Row{ID: id}, err
}

// Load looks for uses, of other replicas too. It is to be called now and then.
func (s *Service) Load(ctx context.Context) error {
	rows, err := s.Store.BreakGlassFiles(ctx)
	if err != nil {
		return err
	}
	var last *Row
	for i := range rows {
		if last == nil || rows[i].UsedAt.After(last.UsedAt) {
			last = &rows[i]
		}
	}
	s.lastUse.Store(last)
	return nil
}

// LastUse returns the file that was used last, within ShownFor; nil when there is none.
func (s *Service) LastUse() *Row {
	row := s.lastUse.Load()
	if row == nil || row.UsedAt.IsZero() || s.Now().Sub(row.UsedAt) > ShownFor {
		return nil
	}
	return row
}

func (s *Service) entry(action history.Action, r Row, by, what string) history.Entry {
	return s.History.New(history.Entry{
		Action: action, EntityType: history.STSSession, EntityID: r.ID, Name: strings.TrimSpace("Break-glass file " + r.Label), Source: history.SourceSTS, User: by,
		Metadata: history.Details(map[string]string{"breakGlass": what}),
	})
}

func hash(value string) string {
	sum := sha256.Sum256([]byte(value))
	return hex.EncodeToString(sum[:])
}

package core

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/httpx"
)

// maxToken bounds a token, in bytes. One that carries every permission there is has about four thousand.
const maxToken = 16 << 10

// parsedToken is a token taken apart; nothing in it is trusted yet. Nil is absent or null.
type parsedToken struct {
	signed    string // what the signature is over (RFC 7515 section 5.1)
	signature []byte

	alg string
	kid *string

	issuer       *string
	audience     []string // nil: absent
	expires      *time.Time
	notBefore    *time.Time
	subject      *string
	organisation access.OrganisationID
	permissions  []string
	actor        string
}

// parseToken takes a JWS in compact form apart. Member names are compared exactly: encoding/json on its own would take
// "ISS" for "iss", and the last of two.
func parseToken(token string) (*parsedToken, error) {
	if len(token) > maxToken {
		return nil, fmt.Errorf("expected at most %d bytes", maxToken)
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 { // five would be a JWE
		return nil, fmt.Errorf("expected three parts, got %d", len(parts))
	}
	var raw [3][]byte
	for i, part := range parts {
		var err error
		if raw[i], err = decodeSegment(part); err != nil {
			return nil, err
		}
	}
	t := &parsedToken{signed: token[:len(parts[0])+1+len(parts[1])], signature: raw[2]}
	if err := t.readHeader(raw[0]); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	if err := t.readClaims(raw[1]); err != nil {
		return nil, fmt.Errorf("payload: %w", err)
	}
	return t, nil
}

// decodeSegment reads base64url without padding (RFC 7515 section 2). The decoder would skip line breaks, so that one
// signature had many spellings.
func decodeSegment(s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, errors.New("line break in base64url")
	}
	return base64.RawURLEncoding.Strict().DecodeString(s)
}

func (t *parsedToken) readHeader(b []byte) error {
	m, err := readObject(b)
	if err != nil {
		return err
	}
	// We understand no extension, so whoever demands one must be refused (RFC 7515 section 4.1.11).
	if _, ok := m["crit"]; ok {
		return errors.New("crit")
	}
	var jwk *map[string]json.RawMessage
	var alg, jwt, attestation *string
	var x5c *[]string
	err = errors.Join(m.into("alg", &alg), m.into("kid", &t.kid),
		m.into("jwk", &jwk), m.into("x5c", &x5c), m.into("jwt", &jwt), m.into("key_attestation", &attestation)) // never trusted
	if err == nil && alg == nil {
		return errors.New("alg: expected a string")
	}
	if err == nil {
		t.alg = *alg
	}
	return err
}

func (t *parsedToken) readClaims(b []byte) error {
	m, err := readObject(b)
	if err != nil {
		return err
	}
	var issued *time.Time
	var jti, organisation *string
	var cnf *map[string]json.RawMessage
	err = errors.Join(m.into("iss", &t.issuer), m.into("sub", &t.subject), m.into("organisationId", &organisation),
		m.into("jti", &jti), m.into("cnf", &cnf),
		m.date("exp", &t.expires), m.date("nbf", &t.notBefore), m.date("iat", &issued),
		m.strings("permissions", &t.permissions), m.readAudience(&t.audience), m.readActor(&t.actor))
	if err != nil || organisation == nil {
		return err
	}
	id, err := httpx.ParseUUID(*organisation)
	t.organisation = access.OrganisationID(id)
	return err
}

// object is a JSON object whose members are not decoded yet.
type object map[string]json.RawMessage

func readObject(b []byte) (object, error) {
	if !utf8.Valid(b) {
		return nil, errors.New("expected UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("expected a JSON object")
	}
	m := object{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		key := t.(string) // the decoder lets no other token stand here
		if _, twice := m[key]; twice {
			return nil, errors.New("a member stands there twice")
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, err
		}
		m[key] = value
	}
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("expected nothing behind the object")
	}
	return m, nil
}

// into decodes a member into a pointer to a nil pointer, which stays nil for an absent or null one.
func (m object) into(name string, p any) error {
	raw, ok := m[name]
	if !ok {
		return nil
	}
	if err := json.Unmarshal(raw, p); err != nil {
		return fmt.Errorf("%s: unexpected type", name)
	}
	return nil
}

// date reads a NumericDate (RFC 7519 section 2) and drops its fraction.
func (m object) date(name string, p **time.Time) error {
	raw := string(m[name])
	if raw == "" || raw == "null" {
		return nil
	}
	f, err := strconv.ParseFloat(raw, 64)
	if err != nil || math.Abs(f) > 253402300799 { // the year 9999
		return fmt.Errorf("%s: expected a NumericDate", name)
	}
	t := time.Unix(int64(f), 0)
	*p = &t
	return nil
}

// strings reads an array of strings; absent is empty, null is not an array.
func (m object) strings(name string, p *[]string) error {
	raw, ok := m[name]
	if !ok {
		return nil
	}
	var list []*string
	if err := json.Unmarshal(raw, &list); err != nil || list == nil {
		return fmt.Errorf("%s: expected an array of strings", name)
	}
	values := make([]string, len(list))
	for i, s := range list {
		if s == nil {
			return fmt.Errorf("%s: expected an array of strings", name)
		}
		values[i] = *s
	}
	*p = values
	return nil
}

// readAudience reads a string or an array of strings (RFC 7519 section 4.1.3).
func (m object) readAudience(p *[]string) error {
	var one *string
	if err := m.into("aud", &one); err != nil {
		return m.strings("aud", p)
	}
	if one != nil {
		*p = []string{*one}
	}
	return nil
}

// readActor reads act (RFC 8693 section 4.1). Where it is, its sub must be.
func (m object) readActor(p *string) error {
	raw := m["act"]
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	act, err := readObject(raw)
	if err != nil {
		return fmt.Errorf("act: %w", err)
	}
	var sub *string
	if err := act.into("sub", &sub); err != nil || sub == nil {
		return errors.New("act: expected sub")
	}
	*p = *sub
	return nil
}

package config

// SCIM is how the identity provider provisions people and groups. Without a token it is off.
type SCIM struct {
	Token         Secret `yaml:"token"`
	PreviousToken Secret `yaml:"previousToken"` // counts too, while the identity provider is given the new one
	// SubjectFrom is the attribute that is the subject of people's tokens: userName or externalId.
	SubjectFrom string `yaml:"subjectFrom"`
}

// The attributes that may be the subject.
const (
	SubjectUserName   = "userName"
	SubjectExternalID = "externalId"
)

func (s *SCIM) validate(v *validator) {
	v.oneOf("scim.subjectFrom", s.SubjectFrom, SubjectUserName, SubjectExternalID)
	for _, token := range []struct {
		key   string
		value Secret
	}{{"scim.token", s.Token}, {"scim.previousToken", s.PreviousToken}} {
		if token.value != "" && !sharedSecret.MatchString(token.value.Reveal()) { // not quoted
			v.fail(token.key, "expected at least 32 letters, digits and characters of -._~+/=, e.g. from: openssl rand -hex 32")
		}
	}
	switch {
	case s.PreviousToken == "":
	case s.Token == "":
		v.fail("scim.previousToken", "expected scim.token too: alone it is the token")
	case s.Token == s.PreviousToken:
		v.fail("scim.previousToken", "expected another token than scim.token")
	}
}

package access

import "fmt"

// Phrase is a text by its format and what belongs in it, so that whoever shows it may say it in another language. Phrases
// may stand within phrases. As a string, and in JSON, it is English.
type Phrase struct {
	Format string
	Args   []any
}

// phrase makes a Phrase.
func phrase(format string, args ...any) Phrase {
	if false {
		_ = fmt.Sprintf(format, args...) // so that vet minds the verbs
	}
	return Phrase{format, args}
}

// Phrase is what it is made of.
func (p Phrase) Phrase() (format string, args []any) { return p.Format, p.Args }

func (p Phrase) String() string {
	if len(p.Args) == 0 {
		return p.Format
	}
	return fmt.Sprintf(p.Format, p.Args...)
}

// MarshalText writes it in English.
func (p Phrase) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what MarshalText wrote, as it is.
func (p *Phrase) UnmarshalText(text []byte) error {
	*p = phrase("%s", string(text))
	return nil
}

// TheSystem names the place that is no organisation.
var TheSystem = phrase("the system")

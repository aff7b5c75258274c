package store

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestStatementNames(t *testing.T) {
	for text, want := range map[string]string{
		"SELECT a, b FROM session WHERE ref = $1":          "SELECT session",
		"\n\tselect count(*)\n\tfrom history h\n":          "SELECT history",
		"INSERT INTO role (id) VALUES ($1)":                "INSERT role",
		"UPDATE session SET a = $1":                        "UPDATE session",
		"DELETE FROM mapping":                              "DELETE mapping",
		"WITH x AS (SELECT 1 FROM person) SELECT * FROM x": "WITH person",
		"SELECT * FROM (SELECT id FROM iam_role) AS r":     "SELECT iam_role",
		"begin isolation level repeatable read":            "BEGIN",
		"PRAGMA wal_checkpoint(TRUNCATE)":                  "PRAGMA",
		"SELECT 1":                                         "SELECT",
		"":                                                 "",
		"LISTEN \"portico\"":                               "LISTEN",
		"INSERT INTO history (id) SELECT id FROM elsewhere ON CONFLICT …": "INSERT history",
	} {
		if got := statementName(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// A name has only words of the statement, so that a value, which is never a bare word, can't get into it.
func TestStatementNamesAreWords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := statementName(rapid.String().Draw(t, "text"))
		for _, word := range strings.Split(name, " ") {
			for i := range len(word) {
				if !isWord(word[i]) {
					t.Fatalf("got %q", name)
				}
			}
		}
	})
}

func FuzzStatementName(f *testing.F) {
	f.Add("SELECT a FROM b")
	f.Fuzz(func(t *testing.T, text string) {
		if len(strings.Fields(statementName(text))) > 2 {
			t.Fatal("more than a verb and a table")
		}
	})
}

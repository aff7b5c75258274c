package core

import (
	"testing"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
)

func TestPermissionCheck(t *testing.T) {
	list := func(ps ...access.Permission) []access.Permission { return ps }
	holder := caller{permissions: access.SetOf(access.KeyList)}
	for name, tt := range map[string]struct {
		who    caller
		anyOf  []access.Permission
		passes bool
	}{
		"one of one":                       {holder, list(access.KeyList), true},
		"one of several":                   {holder, list(access.DIDList, access.KeyList, access.KeyCreate), true},
		"none of one":                      {holder, list(access.KeyCreate), false},
		"none of several":                  {holder, list(access.KeyCreate, access.DIDList), false},
		"no permission":                    {caller{}, list(access.KeyList), false},
		"everything":                       {caller{everything: true}, list(access.KeyCreate), true},
		"empty list":                       {holder, nil, false},
		"empty list, with every one":       {caller{permissions: access.SetOf(access.KeyList).Union(access.OfScope(access.ScopeSystem))}, list(), false},
		"empty list, with everything":      {caller{everything: true}, nil, false},
		"a permission beyond all":          {holder, list(access.Permission(200)), false},
		"everything, a beyond all in list": {caller{everything: true}, list(access.Permission(200)), true},
	} {
		err := tt.who.require(tt.anyOf)
		if (err == nil) != tt.passes || err != nil && !fault.Forbidden.Is(err) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

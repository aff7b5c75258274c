// Package expression evaluates the part of the Okta Expression Language that claims use: Parse an expression, Eval it for
// a person and an application.
//
//	lex.go     words, numbers, strings, signs
//	parse.go   recursive descent, one function per precedence
//	eval.go    what the operators do
//	functions.go    Groups.*, Arrays.*, isMemberOf…, getFilteredGroups
//
//	ternary  = elvis [ "?" ternary ":" ternary ]
//	elvis    = or { "?:" or }
//	or       = and { ("OR" | "||") and }           and = equal { ("AND" | "&&") equal }
//	equal    = sum [ ("==" | "!=" | "<" | ">" | "<=" | ">=") sum ]
//	sum      = not { "+" not }                     not = ("!" | "NOT") not | postfix
//	postfix  = primary { "." name [ "(" list ")" ] | "[" ternary "]" }
//	primary  = string | number | true | false | null | name [ "(" list ")" ] | "(" ternary ")" | "{" list "}"
//
// As on Okta nothing is checked when an expression is saved, and everything that goes wrong fails the claim: a syntax error,
// an attribute that does not exist, an attribute of null, a limit over a hundred, flattening null.
//
// It refuses long, deep and large expressions, has no loops, no assignment and no access to anything but its Env.
package expression

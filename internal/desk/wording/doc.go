// Package wording says the Desk's texts in the language of who reads them.
//
// A text is known by its English words, verbs and all: wording.Say(ctx, "%d roles", n). Every other language has its
// words for each of these keys, with the same verbs, in files of its own (german_*.go); what counts something has a form
// for one and for others. Numbers are written as the language writes them. What is data (names, identifiers, what was
// recorded) is never looked up: it is an argument.
//
//	Languages    those on offer; the first one is spoken where none fits
//	Choose       the language of a request: the cookie's, else what Accept-Language asks for
//	Say, Number  a text, a number
//	Date         a moment
//	Phrase       a text that is said later, such as a fault or a sentence of a service
//
// Tests keep it whole: no key without its words, no words without a key (keys_test.go), and no page with text that is not
// looked up: Pseudo speaks English in marks, wherever every language has words, and what stands outside of them is found.
package wording

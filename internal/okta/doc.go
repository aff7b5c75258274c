// Package okta sets an Okta organisation up for Portico: the four steps of the guide, from one small file (Setup).
//
//	setup.go                the file: what is wanted
//	run.go                  one pass over all parts; it looks, and in an applying pass does what it finds missing
//	application.go people.go server.go claim.go policy.go priority.go files.go     the parts
//	orgserver.go            the variant without custom authorization servers: one step is left to a person
//	withdraw.go             what the file does not name any more
//	plan.go                 MakePlan, Apply, PlanUndo, Undo
//	record.go               what was done, noted before and after every request: for the next run, and for undo
//	object.go               resources with every field they came with, and the few fields of them that are ours
//	client.go credential.go discovery.go errors.go    the Management API: SSWS or private_key_jwt with DPoP, waits, pages, refusals
//	guide.go terraform.go terraform_head.go   the same for people with a mouse, and for Terraform; they ask Okta nothing
//	organisation.go facts.go    what the doctor reads, and nothing else
//	doctor.go                   what it needs of a plan
//
// Planning and applying are one walk, so that what was planned is what is done. A pass that stops anywhere is finished by
// the next one: what was made is found by its id, or, where the answer was lost, by its name and the note that it was to be
// made.
//
// What it refuses to do: to change what it does not own (of an object that was there before only the fields that are
// wanted), to print a secret, to follow a redirect or a page link to another host, to send a request twice that may have
// made something, and to undo what others have come to use.
package okta

// Package desk is Portico's web interface: the pages in which organisations, roles and access are
// managed, and in which everybody sees who they are and what they may do.
//
//	view/    pages as templ components, fed by plain structs; knows nothing about the services
//	assets/  one stylesheet, one script, one icon, served under names that carry their content's hash
//
// Every page is complete without JavaScript: forms post, wizards keep what was typed in hidden
// fields, menus are popovers of the platform. The script only saves round trips. No page contains an
// inline script or style, so a strict Content-Security-Policy holds.
//
// After a change to a .templ file:
//
//go:generate go run github.com/a-h/templ/cmd/templ@v0.3.1100 generate
package desk

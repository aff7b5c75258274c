// Package support makes the bundle that an operator hands to whoever helps them: a tar.gz of what describes an installation and holds
// nothing of what it keeps.
//
//	Write  asks for each part, and puts it into the archive, or the reason why it could not be had
//	HoldsSecret is the last line of defence: a part in which a configured secret or something like a token stands is left out
//
// Every part is named to the user before they pass the file on. The package reads nothing by itself.
package support

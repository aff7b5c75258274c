package wording

import "golang.org/x/text/message/catalog"

// singular is the text for one of what the argument of that number counts, from 1; the key is the text for all others.
type singular struct {
	arg  int
	text string
}

// englishPlurals are the forms of what counts something; everything else is said by its key.
var englishPlurals = func() plurals {
	all := map[string]catalog.Message{}
	for key, one := range englishSingulars {
		all[key] = by(one.arg, "one", one.text, "other", key)
	}
	return all
}()

var englishSingulars = map[string]singular{
	"%d IAM roles":             {1, "%d IAM role"},
	"%d loose ends":            {1, "%d loose end"},
	"%d requests wait for you": {1, "%d request waits for you"},
	"%d days":                  {1, "%d day"},
	"%d days ago":              {1, "%d day ago"},
	"%d hours":                 {1, "%d hour"},
	"%d hours ago":             {1, "%d hour ago"},
	"%d keys, read":            {1, "%d key, read"},
	"%d members":               {1, "%d member"},
	"%d groups are provisioned from the directory. Choose one, or type another name: it counts for whoever carries it.": {1, "%d group is provisioned from the directory. Choose it, or type another name: it counts for whoever carries it."},
	"%d minutes":     {1, "%d minute"},
	"%d minutes ago": {1, "%d minute ago"},
	"%d of %d sign-ins within a day came with roles; the last":                    {2, "%d of %d sign-in within a day came with roles; the last"},
	"%d people who were seen in the last 90 days gain or lose permissions by it.": {1, "%d person who was seen in the last 90 days gains or loses permissions by it."},
	"%d people who were seen in the last 90 days.":                                {1, "%d person who was seen in the last 90 days."},
	"%d permissions":                      {1, "%d permission"},
	"%d permissions in the whole system.": {1, "%d permission in the whole system."},
	"%d results":                          {1, "%d result"},
	"%d roles":                            {1, "%d role"},
	"%d rows were left out: the role or the organisation no longer exists. Nothing is saved yet.": {1, "%d row was left out: the role or the organisation no longer exists. Nothing is saved yet."},
	"%d seconds":                    {1, "%d second"},
	"%d sessions":                   {1, "%d session"},
	"%d things need your attention": {1, "%d thing needs your attention"},
	"%s gains %d permissions %s.":   {2, "%s gains %d permission %s."},
	"%s keeps %d permissions %s after a certain sign-in only.": {2, "%s keeps %d permission %s after a certain sign-in only."},
	"%s loses %d permissions %s.":                              {2, "%s loses %d permission %s."},
	"%s, in %d roles":                                          {2, "%s, in %d role"},
	"Ends %d sessions of this person within a second, on every replica, and gives the refresh tokens back to the identity provider.": {1, "Ends %d session of this person within a second, on every replica, and gives the refresh tokens back to the identity provider."},
	"Ends %d sessions within a second, yours too.":                {1, "Ends %d session within a second, yours too."},
	"Gives %d permissions, only while a service acts for a user.": {1, "Gives %d permission, only while a service acts for a user."},
	"Gives %d permissions.":                                       {1, "Gives %d permission."},
	"Nobody gets a token for this organisation any more: people with %d IAM roles mapped here can no longer work in it.": {1, "Nobody gets a token for this organisation any more: people with %d IAM role mapped here can no longer work in it."},
	"People whose token carries this IAM role lose what it gives them in %d organisations: %s.":                          {1, "People whose token carries this IAM role lose what it gives them in %d organisation: %s."},
	"People with %d IAM roles mapped here can work in it again, at once, with the roles that are mapped now.":            {1, "People with %d IAM role mapped here can work in it again, at once, with the roles that are mapped now."},
	"Restricted to delegation, for users who hold any one of %d permissions.":                                            {1, "Restricted to delegation, for users who hold any one of %d permission."},
	"The last %d days": {1, "The last %d day"},
	"The role and its %d permissions are removed. Nobody is affected: no IAM role is mapped to it.":                                         {1, "The role and its %d permission are removed. Nobody is affected: no IAM role is mapped to it."},
	"This role is still given by %d IAM roles. Deleting it would take permissions from people without telling them. Remove it there first.": {1, "This role is still given by %d IAM role. Deleting it would take permissions from people without telling them. Remove it there first."},
	"and %d other organisations":      {1, "and %d other organisation"},
	"%d later ends are not shown.":    {1, "%d later end is not shown."},
	"in %d days":                      {1, "in %d day"},
	"in %d hours":                     {1, "in %d hour"},
	"in %d minutes":                   {1, "in %d minute"},
	"in %s and %d more organisations": {2, "in %s and %d more organisation"},
}

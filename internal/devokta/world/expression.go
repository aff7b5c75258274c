package world

import "github.com/portico-iam/portico/internal/devokta/expression"

const oktaSource = "OKTA"

// evaluate computes an expression for a person, perhaps nobody, at an application.
func (w *World) evaluate(source string, in ClaimInput, groups []*Group) (any, error) {
	parsed, err := expression.Parse(source)
	if err != nil {
		return nil, err
	}
	env := &expression.Env{Objects: map[string]expression.Object{"user": nil, "appuser": nil, "app": nil}}
	if in.App != nil {
		env.Objects["app"] = expression.Object{
			"clientId": in.App.ClientID(), "id": in.App.ID, "label": in.App.Label, "name": in.App.Name, "profile": expression.Object{},
		}
	}
	if in.User != nil {
		env.Objects["user"] = userAttributes(in.User)
		env.Objects["appuser"] = expression.Object{
			"userName": in.User.Login(), "login": in.User.Login(), "email": in.User.Profile.Email,
			"firstName": in.User.Profile.FirstName, "lastName": in.User.Profile.LastName,
		}
	}
	for _, g := range groups {
		source := g.Source
		if g.Type != AppGroup {
			source = oktaSource
		}
		env.Groups = append(env.Groups, expression.Group{ID: g.ID, Name: g.Profile.Name, Source: source})
	}
	return parsed.Eval(env)
}

// userAttributes: what is known of the profile; one that is empty is null, one that is not here does not exist.
func userAttributes(u *User) expression.Object {
	text := func(s string) any {
		if s == "" {
			return nil
		}
		return s
	}
	pointer := func(s *string) any {
		if s == nil {
			return nil
		}
		return text(*s)
	}
	p := u.Profile
	return expression.Object{
		"id": u.ID, "status": string(u.Status), "login": p.Login, "email": text(p.Email), "firstName": text(p.FirstName), "lastName": text(p.LastName),
		"displayName": text(p.DisplayName), "department": text(p.Department), "title": text(p.Title),
		"mobilePhone": pointer(p.MobilePhone), "secondEmail": pointer(p.SecondEmail),
	}
}

package doctor

// ownSymptoms are Portico's own pages: what people see of a cause, which the log and History name. They tell less than what
// stands beside them, so they count only where nothing else does.
var ownSymptoms = []symptom{
	{
		id: "told-denied", row: 4, vague: true, console: atAssign, texts: []string{"you may not sign in here", "does not let you into this application"},
		what:    "Okta refuses this person: neither they nor a group of theirs is assigned to the application, or no access policy lets them through.",
		setting: "Put them into a group that is assigned (the first administrator: into ONE_STS_ADMIN); and a rule of the access policies that has them, the grant and every scope.",
		call:    "PUT /api/v1/apps/{id}/groups/{groupId} with {}",
	},
	{
		id: "told-unmapped", row: 24, vague: true, console: atGroups, texts: []string{"groups of your sign-in is mapped", "mapped, but to nothing that counts"},
		what:    "The groups of this person give them nothing here: none of them is mapped in Portico, or only to a deactivated organisation or an empty role. The bootstrap role is not among them.",
		setting: "Desk > Access control: map one of their groups. Who shall administer first: into the group ONE_STS_ADMIN, which the claim must let through.",
	},
	{
		id: "told-not-passed", row: 13, vague: true, texts: []string{"sent no usable sign-in"},
		what:    "The gateway in front hands no token on that Portico takes.",
		setting: "gateway.mode: the gateway that is in front; and there " + passLines,
	},
	{
		id: "told-cookie", row: 9, vague: true, texts: []string{
			"your browser forgets it", "round in circles", "begun in another browser", "ties the sign-in to this browser", "sign-in is not known here",
			"sign-in was used already", "this address is not complete", "came from another site", "nonce of the id token is not that", "it is of another sign-in",
		},
		what:    "The browser comes back without the cookie of this sign-in: it was begun at another address than server.publicUrl, in another browser, or cookies are blocked.",
		setting: "server.publicUrl: the address that people open, scheme and host; every proxy in front passes Cookie and Set-Cookie on.",
	},
	{
		id: "told-unusable", vague: true, texts: []string{"sign-in cannot be used here", "does not fit this installation", "identity provider's token was refused", "userinfo & refused", "userinfo is "},
		what:    "Portico refuses the token that Okta gave: issuer, audience, key, time or kind is another than the configuration says.",
		setting: "What was expected and what came stands in Desk > History at the reference of the page, and in the log: give that as --error, or the token by --token.",
	},
	{
		id: "told-refused", vague: true, texts: []string{"sign-in was refused", "company's sign-in refused", "sign-in refused"},
		what:    "Okta refuses the sign-in itself: client id, secret, grant, scopes or PKCE.",
		setting: "Okta's own words stand in Desk > History at the reference of the page, and in the log: give those as --error.",
	},
	{
		id: "told-unavailable", vague: true, texts: []string{"sign-in is not available", "company's sign-in has a problem"},
		what:    "Okta fails at this sign-in (server_error): a claim that can't be evaluated or has too many groups, or Okta itself.",
		setting: "The roles claim: a narrower filter, and an expression that is guarded against null. Else wait.",
	},
	{
		id: "told-incomplete", vague: true, texts: []string{
			"sign-in could not be completed", "did not answer as expected", "sign-in page cannot be reached", "company's sign-in does not answer",
			"identity provider cannot be reached", "token endpoint answered with status",
		},
		what:    "Portico gets no usable answer of Okta: the issuer is wrong, or the network, a proxy or a certificate is in the way.",
		setting: "iam.issuer: the Issuer URI of the console; a way from Portico to Okta. The reason stands in the log.",
	},
	{
		id: "told-deactivated", vague: true, texts: []string{"account is deactivated", "account was deactivated"},
		what:    "The directory that Okta provisions to Portico (SCIM) says that this person is deactivated.",
		setting: "Okta > Directory > People: activate them, or assign them to the application again. Who it is stands in Desk > History at the reference of the page.",
	},
	{
		id: "told-many", vague: true, texts: []string{"too many sign-ins"},
		what:    "More sign-ins were begun from one address than are allowed in a minute: somebody tries that on purpose, or the address is a proxy's, behind which many are.",
		setting: "server.trustedProxies: the proxies in front, so that people are told apart; limits.signInsPerAddress, where many do share an address.",
	},
	{
		id: "told-store", vague: true, texts: []string{"sign-in cannot be stored", "sign-in not stored", "session cannot be ended"},
		what:    "Portico's own database does not answer: this is not Okta's.",
		setting: "store.dsn: a database that is there and has room. The reason stands in the log.",
	},
}

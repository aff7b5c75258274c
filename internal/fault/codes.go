package fault

// Core's codes, where one fits.
var (
	Internal              = code("BR_0000", 500, "Internal error")
	OrganisationExists    = code("BR_0023", 400, "Organisation already exists")
	InvalidInput          = code("BR_0084", 400, "General input validation error")
	OrganisationMissing   = code("BR_0088", 400, "Organisation not found")
	HistoryEntryMissing   = code("BR_0100", 404, "History entry not found")
	Forbidden             = code("BR_0178", 403, "Forbidden")
	IdentifierMissing     = code("BR_0207", 404, "Identifier not found")
	WalletProviderUsed    = code("BR_0283", 400, "Wallet provider is already used by another organisation")
	WalletProviderUnknown = code("BR_0284", 400, "Unknown wallet provider")
	OrganisationNotChosen = code("BR_0290", 400, "Organisation not specified")
	InvalidHistorySource  = code("BR_0315", 400, "Invalid history source")
)

// Portico's codes.
var (
	Unauthenticated    = code("PT_0001", 401, "Not signed in")
	NotFound           = code("PT_0002", 404, "Not found")
	MethodNotAllowed   = code("PT_0003", 405, "Method not allowed")
	NameTaken          = code("PT_0004", 409, "The name is already taken")
	StillMapped        = code("PT_0005", 409, "The role is still mapped")
	LostUpdate         = code("PT_0006", 412, "It was changed in the meantime")
	TooLarge           = code("PT_0007", 413, "The request is too large")
	NotJSON            = code("PT_0008", 415, "Expected JSON")
	TooMany            = code("PT_0009", 429, "Too many requests")
	CoreUnavailable    = code("PT_0010", 502, "Core can't be reached")
	Unavailable        = code("PT_0011", 503, "Temporarily unavailable")
	CrossOrigin        = code("PT_0012", 403, "The request came from another site")
	AmbiguousPath      = code("PT_0013", 400, "The path is ambiguous")
	CoreTimeout        = code("PT_0014", 504, "Core did not answer in time")
	IdentityProvider   = code("PT_0015", 502, "The identity provider refused or can't be reached")
	SignInExpired      = code("PT_0016", 400, "The sign-in could not be completed")
	SignInLoop         = code("PT_0017", 400, "The sign-in goes round in circles")
	InsufficientMethod = code("PT_0018", 428, "A revision is required")
	AroundGateway      = code("PT_0019", 403, "The request did not come through the gateway")
	KeyTooNew          = code("PT_0020", 409, "The next signing key is too new")
	KeyNotNext         = code("PT_0021", 409, "Another signing key is the next one")
	LastAdministrator  = code("PT_0022", 409, "Nobody could administer any more")
	StalePreview       = code("PT_0023", 409, "What it would do has changed")
	OnProbation        = code("PT_0024", 409, "Another change is on probation")
	Expectation        = code("PT_0025", 409, "An expectation would be broken")
	Deactivated        = code("PT_0026", 403, "The account is deactivated")
	FourEyes           = code("PT_0030", 409, "A second administrator must approve it")
	RequestClosed      = code("PT_0031", 409, "The request is no longer open")
	NoSecond           = code("PT_0032", 409, "There is no second administrator")
	StepUp             = code("PT_0033", 401, "This takes another sign-in")
)

// All lists every code, for the documentation and its test.
var All []*Code

func code(id string, status int, message string) *Code {
	c := &Code{ID: id, Status: status, Message: message}
	All = append(All, c)
	return c
}

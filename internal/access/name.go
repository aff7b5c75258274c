package access

// CheckName tells what is wrong with a name for a role or an IAM role, as Apply would; nil when nothing is. The error
// is a *ChangeError.
func CheckName(name, reserved string) error { return checkName(name, reserved) }

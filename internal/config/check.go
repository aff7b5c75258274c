package config

// Check validates a configuration that was built in code, and completes it as Load does. The error is Faults.
func (c *Config) Check() error {
	if faults := c.validate(); len(faults) > 0 {
		return faults
	}
	return nil
}

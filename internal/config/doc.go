// Package config is the configuration as one typed value.
//
//	Load      YAML, strictly: an unknown or repeated key, an anchor or a tag stops the start;
//	          then the environment, PORTICO_ + key with __ for each dot;
//	          then every secret that is given as a file (clientSecretFile for clientSecret)
//	Defaults  in one place
//	Validate  every rule; all faults are reported at once, each with its key, what was expected and what came
//	Print     the effective values with secrets masked
//
// It opens no socket and asks nobody anything.
package config

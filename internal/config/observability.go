package config

import (
	"fmt"
	"net/textproto"
	"strings"
)

// Observability says what operators see.
type Observability struct {
	LogLevel  string `yaml:"logLevel"`
	LogFormat string `yaml:"logFormat"`
	// AccessLog writes one line for each request.
	AccessLog bool   `yaml:"accessLog"`
	Traces    Traces `yaml:"traces"`
}

// ProtocolHTTP is OTLP over HTTP, in protobuf.
const ProtocolHTTP = "http"

// Traces says where spans are exported to. Without an endpoint there are none.
type Traces struct {
	Endpoint    string  `yaml:"endpoint"` // with its path, which is /v1/traces of most collectors
	Protocol    string  `yaml:"protocol"`
	SampleRatio float64 `yaml:"sampleRatio"` // of the traces that begin here
	Headers     Secret  `yaml:"headers"`     // Name: value, one a line
}

func defaultObservability() Observability {
	return Observability{LogLevel: "info", LogFormat: "text", AccessLog: true, Traces: Traces{Protocol: ProtocolHTTP, SampleRatio: 0.01}}
}

func (o *Observability) validate(v *validator) {
	v.oneOf("observability.logLevel", o.LogLevel, "debug", "info", "warn", "error")
	v.oneOf("observability.logFormat", o.LogFormat, "text", "json")
	o.Traces.validate(v)
}

func (t *Traces) validate(v *validator) {
	const key = "observability.traces"
	v.oneOf(key+".protocol", t.Protocol, ProtocolHTTP)
	if !(t.SampleRatio >= 0 && t.SampleRatio <= 1) { // nor NaN
		v.fail(key+".sampleRatio", "expected a number from 0 to 1, got %v", t.SampleRatio)
	}
	if _, err := t.HeaderLines(); err != nil && t.Headers != unreadable && string(t.Headers) != t.Headers.String() { // what config print masked can be checked again
		v.fail(key+".headers", "%v", err)
	}
	switch {
	case t.Endpoint == "" && t.Headers != "":
		v.fail(key+".headers", "only used with observability.traces.endpoint")
	case t.Endpoint == "":
	case v.absolute(key+".endpoint", t.Endpoint) != nil && t.Headers != "" && isClear(t.Endpoint):
		v.fail(key+".endpoint", "expected https, got %q: the headers that go there are secrets", t.Endpoint)
	}
}

// The bounds of the headers.
const (
	maxHeaders = 16
	maxValue   = 4096
)

// HeaderLines reads the headers. Its errors quote nothing of them.
func (t *Traces) HeaderLines() (map[string]string, error) {
	headers := map[string]string{}
	number := 0
	for line := range strings.SplitSeq(t.Headers.Reveal(), "\n") {
		number++
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		name, value = textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name)), strings.TrimSpace(value)
		if !ok || !isToken(name) || value == "" || len(value) > maxValue || strings.ContainsFunc(value, func(r rune) bool { return r < 0x20 || r >= 0x7f }) {
			return nil, fmt.Errorf("line %d: expected Name: value", number)
		}
		if _, twice := headers[name]; twice || len(headers) == maxHeaders {
			return nil, fmt.Errorf("line %d: expected at most %d headers, each once", number, maxHeaders)
		}
		headers[name] = value
	}
	return headers, nil
}

// isToken tells of a header's name (RFC 9110 section 5.6.2).
func isToken(s string) bool {
	return s != "" && len(s) <= 100 && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("!#$%&'*+-.^_`|~", r))
	})
}

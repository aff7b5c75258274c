package doctor

import (
	"cmp"
	"maps"
	"regexp"
	"strings"
)

var apacheLine = regexp.MustCompile(`(?m)^\s*(OIDC[A-Za-z]+)\s+(.+?)\s*$`)

func readApache(text string) *Gateway {
	part := Part{Where: "OIDC directives", Options: map[string][]string{}}
	for _, m := range apacheLine.FindAllStringSubmatch(text, -1) {
		part.Options[m[1]] = []string{strings.Trim(m[2], `"`)}
	}
	if len(part.Options) == 0 {
		return nil
	}
	if strings.Contains(text, "OIDC_access_token") {
		part.Options["passes"] = []string{"access token"}
	}
	return &Gateway{Kind: apache, Parts: []Part{part}}
}

var (
	iniSection = regexp.MustCompile(`^\s*\[([^\]]+)\]\s*$`)
	iniLine    = regexp.MustCompile(`^\s*([A-Za-z0-9_]+)\s*=\s*(.*?)\s*$`)
)

func readGrafana(text string) *Gateway {
	var section string
	part := Part{Options: map[string][]string{}}
	for line := range strings.SplitSeq(text, "\n") {
		if m := iniSection.FindStringSubmatch(line); m != nil {
			section = m[1]
			continue
		}
		m := iniLine.FindStringSubmatch(line)
		name, ours := strings.CutPrefix(section, "auth.")
		switch {
		case m == nil:
		case section == "server" && m[1] == "root_url":
			part.Options["root_url"] = []string{m[2]}
		case ours && (name == "okta" || name == "generic_oauth") && !(m[1] == "enabled" && m[2] == "false"):
			part.Where = "[" + section + "]"
			part.Options["section"] = []string{name}
			part.Options[m[1]] = []string{strings.Trim(m[2], `"`)}
		}
	}
	if part.Where == "" {
		return nil
	}
	return &Gateway{Kind: grafana, Parts: []Part{part}}
}

var (
	proxyFlag = regexp.MustCompile(`--([a-z][a-z0-9-]+)(?:=|[ \t]+)?(?:"([^"\n]*)"|'([^'\n]*)'|([^\s"',\]-][^\s"',\]]*))?`)
	wholeFlag = regexp.MustCompile(`["'](--[a-z][a-z0-9-]+)=([^"'\n]*)["']`) // an argument that is quoted as a whole
	proxyEnv  = regexp.MustCompile(`(?m)OAUTH2_PROXY_([A-Z0-9_]+)["']?\s*(?:[=:]|\n\s*value:)\s*["']?([^"'\n]*)`)
	proxyLine = regexp.MustCompile(`(?m)^\s*([a-z][a-z0-9_]+)\s*=\s*(.*?)\s*$`)
	quotedAll = regexp.MustCompile(`"([^"]*)"`)
	// plural names of the file and the environment; the flags have the singular.
	proxyPlural = map[string]string{
		"oidc_extra_audiences": "oidc_extra_audience", "allowed_groups": "allowed_group", "whitelist_domains": "whitelist_domain",
		"email_domains": "email_domain", "cookie_domains": "cookie_domain",
	}
)

// withoutComments drops what follows a # outside of quotes, and lets a list stand on one line.
func withoutComments(text string) string {
	var b strings.Builder
	list := 0
	for line := range strings.SplitSeq(text, "\n") {
		quoted, comment := false, false
		for _, r := range line {
			switch {
			case r == '"':
				quoted = !quoted
			case !quoted && r == '[':
				list++
			case !quoted && r == ']':
				list--
			}
			if comment = comment || r == '#' && !quoted; !comment {
				b.WriteRune(r)
			}
		}
		if list <= 0 {
			list = 0
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// proxyOptions are the options proper, which the alpha configuration leaves a part of.
const proxyOptions = "options"

func readOAuth2Proxy(text string) *Gateway {
	text = wholeFlag.ReplaceAllString(withoutComments(text), `$1="$2"`)
	lower := strings.ToLower(text)
	if !strings.Contains(lower, "oidc_issuer_url") && !strings.Contains(lower, "oidc-issuer-url") {
		return nil
	}
	part := Part{Where: proxyOptions, Options: map[string][]string{}}
	// Flags go before the environment, which goes before the file.
	for _, source := range []map[string][]string{proxyFileOptions(text), proxyMatches(proxyEnv, text), proxyMatches(proxyFlag, text)} {
		maps.Copy(part.Options, source)
	}
	return &Gateway{Kind: oauth2Proxy, Parts: []Part{part}}
}

func proxyName(name string) string {
	name = strings.ReplaceAll(strings.ToLower(name), "-", "_")
	return cmp.Or(proxyPlural[name], name)
}

func proxyFileOptions(text string) map[string][]string {
	options := map[string][]string{}
	for _, m := range proxyLine.FindAllStringSubmatch(text, -1) {
		var values []string
		for _, q := range quotedAll.FindAllStringSubmatch(m[2], -1) {
			values = append(values, q[1])
		}
		if len(values) == 0 {
			values = []string{strings.Trim(m[2], `"'`)}
		}
		options[proxyName(m[1])] = values
	}
	return options
}

// proxyMatches reads flags or variables, which may be given several times. One without a value is a switch that is on.
func proxyMatches(pattern *regexp.Regexp, text string) map[string][]string {
	options := map[string][]string{}
	for _, m := range pattern.FindAllStringSubmatch(text, -1) {
		value := "true"
		for _, group := range m[2:] {
			if group = strings.TrimSpace(group); group != "" {
				value = group
			}
		}
		options[proxyName(m[1])] = append(options[proxyName(m[1])], value)
	}
	return options
}

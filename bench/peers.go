//go:build linux

package main

import (
	"crypto/rand"
	"embed"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"text/template"
)

//go:embed peers
var files embed.FS

var peerFiles = template.Must(template.ParseFS(files, "peers/*"))

// Debian's places, whatever the PATH of this user is.
const (
	nginxPath     = "/usr/sbin/nginx"
	apachePath    = "/usr/sbin/apache2"
	apacheModules = "/usr/lib/apache2/modules"
)

// settings fill the files in peers/.
type settings struct {
	Dir, Listen, Upstream string

	Organisations, Body string // of the upstream

	Bearer                     bool // of Apache, from here on
	Root                       bool // Apache serves nobody as root
	Modules                    []string
	ModuleDir                  string
	Okta                       *okta
	Callback, Keys, Passphrase string
}

// installed tells whether a program or file is there, and where it is not, what that means.
func installed(path, packages, without string) bool {
	_, err := os.Stat(path)
	if !filepath.IsAbs(path) {
		_, err = exec.LookPath(path)
	}
	if err != nil {
		fmt.Printf("%s is missing: %s. Debian and Ubuntu: sudo apt-get install %s\n", filepath.Base(path), without, packages)
		return false
	}
	return true
}

// newPeer writes a peer's file into a folder of its own.
func newPeer(dir, name, file string, s settings) (*server, error) {
	var err error
	if s.Dir, err = os.MkdirTemp(dir, "peer-"); err != nil {
		return nil, err
	}
	path := filepath.Join(s.Dir, file)
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := peerFiles.ExecuteTemplate(f, file, s); err != nil {
		return nil, err
	}
	peer := &server{name: name, url: "http://" + s.Listen, anonymous: http.StatusOK}
	if file != "apache.conf" {
		peer.argv = []string{nginxPath, "-e", "stderr", "-p", s.Dir, "-c", path}
		return peer, nil
	}
	peer.argv = []string{apachePath, "-D", "FOREGROUND", "-d", s.Dir, "-f", path}
	peer.anonymous = http.StatusUnauthorized
	return peer, nil
}

// newNginx makes the upstream, of Go where there is no nginx, and the row of nginx.
func (r *run) newNginx(upstream, listen string) (core *server, rows []*contender, err error) {
	if !installed(nginxPath, "nginx", "its row is left out, and the upstream is in Go, which is slower") {
		core, err = own("upstream", upstream)
		return core, nil, err
	}
	if core, err = newPeer(r.dir, "upstream", "upstream.conf", settings{Listen: upstream, Organisations: organisations, Body: body}); err != nil {
		return nil, nil, err
	}
	proxy, err := newPeer(r.dir, "nginx", "nginx.conf", settings{Listen: listen, Upstream: upstream})
	return core, []*contender{{name: "nginx `proxy_pass`", at: proxy}}, err
}

// newApaches makes gateways that authenticate: one by a session, one, as a resource server, by a bearer token.
func (r *run) newApaches(upstream, session, bearer string) ([]*contender, error) {
	if !installed(apachePath, "apache2", "its rows are left out") ||
		!installed(apacheModules+"/mod_auth_openidc.so", "libapache2-mod-auth-openidc", "Apache's rows are left out") {
		return nil, nil
	}
	s := settings{
		Listen: session, Upstream: upstream, Root: os.Geteuid() == 0, Okta: r.okta, Callback: callback, Keys: r.okta.keys(), Passphrase: rand.Text(), ModuleDir: apacheModules,
		Modules: []string{"mpm_event", "authn_core", "authz_core", "authz_user", "headers", "proxy", "proxy_http", "auth_openidc"},
	}
	first, err := newPeer(r.dir, "Apache", "apache.conf", s)
	if err != nil {
		return nil, err
	}
	s.Listen, s.Bearer = bearer, true
	second, err := newPeer(r.dir, "Apache, as resource server", "apache.conf", s)
	return []*contender{
		{name: "Apache mod_auth_openidc, session", at: first, login: "/"},
		{name: "Apache mod_auth_openidc, bearer token", at: second, bearer: true},
	}, err
}

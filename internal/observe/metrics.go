package observe

import (
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
)

// The buckets of durations, in seconds: of what the CPU does, and of what waits for others.
var (
	computing = []float64{20e-6, 50e-6, 100e-6, 200e-6, 500e-6, 1e-3, 5e-3, 25e-3, 0.1}
	waiting   = []float64{1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}
)

// Metrics is every metric of one Portico. Its methods may be called from many goroutines.
type Metrics struct {
	registry *prometheus.Registry

	requests     *prometheus.HistogramVec
	routes       sync.Map // pattern -> *route
	inFlight     atomic.Int64
	refusals     *prometheus.CounterVec
	refusalsOf   map[string]prometheus.Counter
	otherRefusal prometheus.Counter

	decisions    [256]prometheus.Counter // by access.Reason
	mints        map[string]prometheus.Observer
	verification map[string]prometheus.Observer
	lookups      map[string][2]prometheus.Counter // by cache: missed, hit
	signIns      *prometheus.CounterVec
	refreshes    *prometheus.CounterVec
	statements   *prometheus.HistogramVec
	storeErrors  *prometheus.CounterVec
	calls        *prometheus.HistogramVec
	tasks        *prometheus.CounterVec
	lost         prometheus.Counter
	lines        *prometheus.CounterVec
}

// The values of labels. What is not among them is counted as "other".
var (
	mintKinds     = []string{MintDirect, MintExchanged, MintDelegated, MintOwn}
	verifyResults = []string{"accepted", "refused", "unavailable"}
	caches        = []string{CacheSession, CacheToken, CacheAppToken}
	reasons       = []access.Reason{
		access.Granted, access.GrantedByBootstrap, access.NotAuthenticated, access.NothingAsked, access.OrganisationRequired, access.SystemRequired,
		access.OrganisationUnknown, access.OrganisationDeactivated, access.NoIAMRoles, access.NoMappedIAMRole, access.NotMappedHere,
		access.PermissionMissing, access.RestrictedToDelegation, access.NoDelegatedRole, access.UserPermissionMissing, access.GrantedByBreakGlass,
	}
	oauthCodes = []string{
		"invalid_request", "invalid_client", "invalid_target", "invalid_scope", "unauthorized_client", "unsupported_grant_type", "unsupported_token_type",
	}
)

// The kinds of tokens, and the caches.
const (
	MintDirect    = "direct"
	MintExchanged = "exchanged"
	MintDelegated = "delegated"
	MintOwn       = "own"

	CacheSession  = "session"
	CacheToken    = "verified_token"
	CacheAppToken = "app_token"
)

// NewMetrics returns metrics that count nothing yet.
func NewMetrics() *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.requests = m.histograms("portico_http_request_duration_seconds", "How long requests took, by the pattern of their route, their method and the class of the answer's status.", waiting, "route", "method", "status")
	m.refusals = m.counters("portico_refusals_total", "Requests that were refused or failed, by the code of the answer.", "code")
	m.signIns = m.counters("portico_signins_total", "Sign-ins of the built-in gateway, by how they ended.", "result")
	m.refreshes = m.counters("portico_session_refreshes_total", "Refreshes of sessions at the identity provider, by how they ended.", "result")
	m.statements = m.histograms("portico_store_statement_duration_seconds", "How long statements took in the database, by verb and table.", waiting, "statement")
	m.storeErrors = m.counters("portico_store_errors_total", "Statements that failed: the database was away, or it refused.", "kind")
	m.calls = m.histograms("portico_outgoing_request_duration_seconds", "How long Core and the identity provider took to begin an answer, by the class of its status.", waiting, "to", "status")
	m.tasks = m.counters("portico_background_failures_total", "Background work that failed, by what it was.", "task")
	m.lines = m.counters("portico_log_lines_total", "Lines that were logged, by level.", "level")
	m.lost = m.counter("portico_history_lost_total", "History entries that could not be stored. They are in the log.")
	m.resolve()
	m.Gauge("portico_http_requests_in_flight", "Requests that are being answered.", func() float64 { return float64(m.inFlight.Load()) })
	m.buildInfo()
	return m
}

// resolve makes the counters of all labels that are known, so that finding one costs no lock and no allocation, and so that each is
// there, as 0, before the first event.
func (m *Metrics) resolve() {
	m.refusalsOf = map[string]prometheus.Counter{}
	for _, c := range fault.All {
		m.refusalsOf[c.ID] = m.refusals.WithLabelValues(c.ID)
	}
	for _, c := range oauthCodes {
		m.refusalsOf[c] = m.refusals.WithLabelValues(c)
	}
	m.otherRefusal = m.refusals.WithLabelValues("other")
	decisions := m.counters("portico_decisions_total", "Decisions, by their reason: GRANTED… allow, all others refuse.", "reason")
	for _, r := range reasons {
		m.decisions[r] = decisions.WithLabelValues(r.String())
	}
	m.mints = observers(m.histograms("portico_token_mint_duration_seconds", "How long it took to sign an app token, by its kind.", computing, "kind"), mintKinds)
	m.verification = observers(m.histograms("portico_token_verify_duration_seconds", "How long it took to verify a token of the identity provider that was not remembered, by the result.", computing, "result"), verifyResults)
	lookups := m.counters("portico_cache_lookups_total", "Looks into the caches, by whether they found something.", "cache", "result")
	m.lookups = map[string][2]prometheus.Counter{}
	for _, c := range caches {
		m.lookups[c] = [2]prometheus.Counter{lookups.WithLabelValues(c, "miss"), lookups.WithLabelValues(c, "hit")}
	}
	for _, r := range SignInResults {
		m.signIns.WithLabelValues(r)
	}
	for _, r := range RefreshResults {
		m.refreshes.WithLabelValues(r)
	}
	for _, kind := range []string{storeAway, storeRefused} {
		m.storeErrors.WithLabelValues(kind)
	}
	for _, to := range []string{ToCore, ToProvider} {
		m.calls.WithLabelValues(to, "2xx")
	}
	for _, level := range []string{"warn", "error"} {
		m.lines.WithLabelValues(level)
	}
}

// SignInResults and RefreshResults are how those end. They are the words of login and session.
var (
	SignInResults  = []string{"completed", "refused", "deactivated", "not_ours", "replayed", "looping", "limited", "unavailable", "break_glass"}
	RefreshResults = []string{"renewed", "ended", "elsewhere", "failed"}
)

func observers(vec *prometheus.HistogramVec, values []string) map[string]prometheus.Observer {
	all := map[string]prometheus.Observer{}
	for _, v := range values {
		all[v] = vec.WithLabelValues(v)
	}
	return all
}

func (m *Metrics) counter(name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	m.registry.MustRegister(c)
	return c
}

func (m *Metrics) counters(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	m.registry.MustRegister(c)
	return c
}

func (m *Metrics) histograms(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	m.registry.MustRegister(h)
	return h
}

// Gauge has read asked with every scrape. It must not wait for anything. labels are pairs of name and value.
func (m *Metrics) Gauge(name, help string, read func() float64, labels ...string) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: pairs(labels)}, read))
}

// Counter is Gauge for what only grows.
func (m *Metrics) Counter(name, help string, read func() float64, labels ...string) {
	m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help, ConstLabels: pairs(labels)}, read))
}

func pairs(list []string) prometheus.Labels {
	labels := prometheus.Labels{}
	for i := 0; i+1 < len(list); i += 2 {
		labels[list[i]] = list[i+1]
	}
	return labels
}

func (m *Metrics) buildInfo() {
	version, goVersion := "unknown", "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		version, goVersion = info.Main.Version, info.GoVersion
	}
	m.Gauge("portico_build_info", "1, with the version as labels.", func() float64 { return 1 }, "version", version, "goversion", goVersion)
}

// Handler answers with all of it, in the formats that Prometheus reads.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
}

// Decided counts a decision.
func (m *Metrics) Decided(reason access.Reason) {
	if c := m.decisions[reason]; c != nil {
		c.Inc()
	}
}

// Minted counts a token that was signed.
func (m *Metrics) Minted(kind string, took time.Duration) {
	if o := m.mints[kind]; o != nil {
		o.Observe(took.Seconds())
	}
}

// Verified counts a token that was verified, by what came of it.
func (m *Metrics) Verified(err error, took time.Duration) {
	result := "accepted"
	switch {
	case fault.Unauthenticated.Is(err):
		result = "refused"
	case err != nil:
		result = "unavailable"
	}
	m.verification[result].Observe(took.Seconds())
}

// Lookup returns what counts looks into a cache.
func (m *Metrics) Lookup(cache string) func(hit bool) {
	of := m.lookups[cache]
	return func(hit bool) {
		if hit {
			of[1].Inc()
			return
		}
		of[0].Inc()
	}
}

// SignedIn and Refreshed count by one of their results.
func (m *Metrics) SignedIn(result string) { m.signIns.WithLabelValues(result).Inc() }

// Refreshed counts a refresh.
func (m *Metrics) Refreshed(result string) { m.refreshes.WithLabelValues(result).Inc() }

// Failed counts background work that failed.
func (m *Metrics) Failed(task string) { m.tasks.WithLabelValues(task).Inc() }

// Task makes the counter of background work, so that it is there before it failed.
func (m *Metrics) Task(task string) { m.tasks.WithLabelValues(task) }

// Lost counts a history entry that could not be stored.
func (m *Metrics) Lost() { m.lost.Inc() }

// refused counts an answer by its code.
func (m *Metrics) refused(code string) {
	c, known := m.refusalsOf[code]
	if !known {
		c = m.otherRefusal
	}
	c.Inc()
}

// class is that of a status, such as 2xx; "aborted" where no answer began.
func class(status int) string {
	if status < 100 || status > 599 {
		return "aborted"
	}
	return strconv.Itoa(status/100) + "xx"
}

const (
	classes = 6 // 0: aborted
	methods = 8 // 0: other
)

var methodNames = [methods]string{"other", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

func methodIndex(method string) int {
	for i, name := range methodNames[1:] {
		if name == method {
			return i + 1
		}
	}
	return 0
}

// route holds the histograms of one pattern, once there was such an answer.
type route [methods][classes]atomic.Pointer[histogram]

type histogram struct{ prometheus.Observer }

// noRoute stands for requests that no handler's pattern matched.
const noRoute = "none"

func (m *Metrics) observe(pattern, method string, status int, took time.Duration) {
	if pattern == "" {
		pattern = noRoute
	}
	found, ok := m.routes.Load(pattern)
	if !ok {
		found, _ = m.routes.LoadOrStore(strings.Clone(pattern), &route{})
	}
	c := status / 100
	if c < 0 || c >= classes {
		c = 0
	}
	at := &found.(*route)[methodIndex(method)][c]
	h := at.Load()
	if h == nil {
		h = &histogram{m.requests.WithLabelValues(pattern, methodNames[methodIndex(method)], class(status))}
		at.Store(h)
	}
	h.Observe(took.Seconds())
}

package httpx

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/google/uuid"
)

// Exchange is a request and its answer, as far as both are known. It holds nothing of an address but the pattern that it
// matched, and no header.
type Exchange struct {
	ID      string
	Method  string
	Route   string // the pattern of the handler; empty: none matched
	Status  int    // 0: the answer broke off before it began
	Bytes   int64  // of the answer's body
	Took    time.Duration
	Aborted bool // the answer broke off

	Issuer, Subject string // of who called; empty: nobody is known
	Session         string // its name; empty: none
	Code            string // of the refusal; empty: none
	Reference       string // of the refusal's record
}

// Observer sees every request.
type Observer interface {
	// Begin is called before anything is done with a request; the request's context comes from it.
	Begin(r *http.Request) context.Context
	// End is called when it was answered. e must not be kept.
	End(ctx context.Context, e *Exchange)
}

type requestKey struct{}

// request is what the middleware knows of a request.
type request struct {
	Exchange
	answer answer
	logger *slog.Logger // without the id
}

func requestOf(ctx context.Context) *request {
	r, _ := ctx.Value(requestKey{}).(*request)
	return r
}

// Logger returns the request's logger, which carries its id. It is made only when something is to be logged.
func Logger(ctx context.Context) *slog.Logger {
	if r := requestOf(ctx); r != nil {
		return r.logger.With("request_id", r.ID)
	}
	return slog.Default()
}

// RequestID returns the request's id; empty outside a request.
func RequestID(ctx context.Context) string {
	if r := requestOf(ctx); r != nil {
		return r.ID
	}
	return ""
}

// NoteCaller has an Observer learn who calls, by the session of that name; "" is none. It must be called by the goroutine that
// answers, as NoteRefusal must.
func NoteCaller(ctx context.Context, issuer, subject, session string) {
	if r := requestOf(ctx); r != nil {
		r.Issuer, r.Subject, r.Session = issuer, subject, session
	}
}

// NoteRefusal has an Observer learn by which code a request was refused, and under which reference the record has more.
func NoteRefusal(ctx context.Context, code, reference string) {
	if r := requestOf(ctx); r != nil {
		r.Code = code
		if reference != "" && reference != r.ID {
			r.Reference = reference
		}
	}
}

// WithRequestID gives every request an id, the caller's own where it is a plausible one, and a logger that carries it.
func WithRequestID(logger *slog.Logger, next http.Handler) http.Handler {
	return Observe(logger, nil, next)
}

// Observe is WithRequestID for who has an Observer; nil is none. It costs no allocation more.
func Observe(logger *slog.Logger, observer Observer, next http.Handler) http.Handler {
	if h, ok := logger.Handler().(idHandler); ok {
		logger = slog.New(h.Handler)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		known := &request{logger: logger}
		known.ID = r.Header.Get("X-Request-Id")
		if !plausibleID(known.ID) {
			known.ID = uuid.NewString()
		}
		w.Header().Set("X-Request-Id", known.ID)
		known.answer.ResponseWriter = w
		if observer == nil {
			next.ServeHTTP(&known.answer, r.WithContext(context.WithValue(r.Context(), requestKey{}, known)))
			return
		}
		began := time.Now()
		known.Method = r.Method
		r = r.WithContext(context.WithValue(observer.Begin(r), requestKey{}, known))
		known.Aborted = true
		defer func() { // also when the answer broke off: Recover lets that panic pass
			known.Route, known.Status, known.Bytes = r.Pattern, known.answer.status, known.answer.bytes
			known.Took = time.Since(began)
			observer.End(r.Context(), &known.Exchange)
		}()
		next.ServeHTTP(&known.answer, r)
		known.Aborted = false
		if known.answer.status == 0 {
			known.answer.status = http.StatusOK // what net/http sends for a handler that wrote nothing
		}
	})
}

// answer notes what was answered.
type answer struct {
	http.ResponseWriter
	status int // 0: nothing yet
	bytes  int64
}

func answerOf(w http.ResponseWriter) *answer {
	if a, ok := w.(*answer); ok {
		return a
	}
	return &answer{ResponseWriter: w}
}

func (w *answer) begun() bool { return w.status != 0 }

func (w *answer) WriteHeader(status int) {
	if w.status == 0 && (status >= 200 || status == http.StatusSwitchingProtocols) {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *answer) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// Flush is for those who look for an http.Flusher.
func (w *answer) Flush() {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	_ = http.NewResponseController(w.ResponseWriter).Flush()
}

// Unwrap is for http.ResponseController.
func (w *answer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Logging returns a logger that adds the request's id to each line that is logged with a request's context.
func Logging(logger *slog.Logger) *slog.Logger {
	return slog.New(idHandler{logger.Handler()})
}

// idHandler adds the id to lines that do not come from Logger.
type idHandler struct{ slog.Handler }

func (h idHandler) Handle(ctx context.Context, line slog.Record) error {
	if id := RequestID(ctx); id != "" {
		line.AddAttrs(slog.String("request_id", id))
	}
	return h.Handler.Handle(ctx, line)
}

func (h idHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return idHandler{h.Handler.WithAttrs(attrs)}
}

func (h idHandler) WithGroup(name string) slog.Handler { return idHandler{h.Handler.WithGroup(name)} }

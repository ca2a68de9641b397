package pam

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"path"
	"strconv"
	"time"
)

// route is one entry of the API: the table is what the mux is built from and what the test of the OpenAPI
// document walks.
type route struct {
	method, pattern string
	serve           func(w http.ResponseWriter, r *http.Request, who Identity) error
	public          bool // no identity needed
}

// table is the whole HTTP surface, relative to where the host mounts the handler.
func (b *Broker) table() []route {
	rs := []route{
		{"GET", "/api/openapi.json", b.serveOpenAPI, true},
		{"GET", "/api/asset/{id}/access", b.serveAccess, false},
		{"POST", "/api/asset/{id}/sessions", b.serveStart, false},
		{"POST", "/api/asset/{id}/requests", b.serveAsk, false},
		{"GET", "/api/requests", b.serveRequests, false},
		{"GET", "/api/request/{id}", b.serveRequest, false},
		{"POST", "/api/request/{id}/decision", b.serveDecision, false},
		{"POST", "/api/request/{id}/withdraw", b.serveClose(b.Withdraw), false},
		{"POST", "/api/request/{id}/revoke", b.serveClose(b.Revoke), false},
		{"GET", "/api/sessions", b.serveSessions, false},
		{"GET", "/api/session/{id}", b.serveSession, false},
		{"POST", "/api/session/{id}/attach", b.serveAttach, false},
		{"POST", "/api/session/{id}/end", b.serveEnd, false},
		{"POST", "/api/session/{id}/display", b.serveDisplay, false},
		{"POST", "/api/session/{id}/requests", b.serveSessionAsk, false},
		{"POST", "/api/session/{id}/extend", b.serveExtend, false},
		{"POST", "/api/session/{id}/join", b.serveJoin, false},
		{"POST", "/api/session/{id}/play", b.servePlay, false},
		{"GET", "/api/playback/{id}/segment/{n}", b.serveSegment, false},
		{"GET", "/api/recordings", b.serveRecordings, false},
		{"POST", "/api/session/{id}/files/list", b.serveFileList, false},
		{"POST", "/api/session/{id}/files/stat", b.serveFileStat, false},
		{"POST", "/api/session/{id}/files/mkdir", b.serveFileMkdir, false},
		{"POST", "/api/session/{id}/files/rename", b.serveFileRename, false},
		{"POST", "/api/session/{id}/files/remove", b.serveFileRemove, false},
		{"POST", "/api/session/{id}/files/download", b.serveDownload, false},
		{"POST", "/api/session/{id}/files/upload", b.serveUpload, false},
		{"GET", "/api/session/{id}/transfers", b.serveTransfers, false},
		{"GET", "/api/session/{id}/transfer/{transfer}", b.serveTransferBytes, false},
		{"PUT", "/api/session/{id}/transfer/{transfer}", b.serveTransferPut, false},
		{"DELETE", "/api/session/{id}/transfer/{transfer}", b.serveTransferCancel, false},
		{"GET", "/api/live", b.serveLive, false},
		{"POST", "/api/live/{id}/terminate", b.serveTerminate, false},
		{"GET", "/api/session/{id}/socket", b.serveSocket, true}, // identifies by itself: a ticket may do
	}
	if b.cfg.UI != nil {
		rs = append(rs,
			route{"GET", "/s/{id}", b.servePage, true}, // sends anonymous browsers to the login
			route{"GET", "/assets/{path...}", b.serveAsset, true},
		)
	}
	return rs
}

// Handler serves the JSON API under api/ and, with Config.UI, the session page under s/ and the client's files
// under assets/. Mount it under any prefix with http.StripPrefix.
//
// Bodies and sockets have deadlines of their own. Those for headers and for idle connections are the host's: set
// ReadHeaderTimeout (10 s), IdleTimeout and MaxHeaderBytes of the http.Server (S29).
func (b *Broker) Handler() http.Handler { return b.handler }

// SessionHandler serves the WebSocket of one session alone, for hosts with pages and routes of their own. The
// session id is the path value "id" of the host's pattern, as in "GET /ws/{id}".
func (b *Broker) SessionHandler() http.Handler {
	return b.guarded(route{method: "GET", serve: b.serveSocket, public: true})
}

func (b *Broker) routes() http.Handler {
	mux := http.NewServeMux()
	methods := map[string][]string{}
	for _, rt := range b.table() {
		mux.Handle(rt.method+" "+rt.pattern, b.guarded(rt))
		methods[rt.pattern] = append(methods[rt.pattern], rt.method)
	}
	for pattern, allowed := range methods {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			for _, m := range allowed {
				w.Header().Add("Allow", m)
			}
			b.refuse(w, r, &Refusal{Code: CodeMethodNotAllowed})
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { b.refuse(w, r, &Refusal{Code: CodeNotFound}) })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The mux would redirect an unclean path, to a place without the prefix that the host stripped.
		if r.URL.Path == "" || r.URL.Path[0] != '/' || path.Clean(r.URL.Path) != r.URL.Path {
			b.refuse(w, r, &Refusal{Code: CodeNotFound})
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// guarded puts the checks in front of a route: Host, Origin, cross-origin protection, identity.
func (b *Broker) guarded(rt route) http.Handler {
	cross := http.NewCrossOriginProtection()
	for _, o := range b.cfg.Origins {
		if err := cross.AddTrustedOrigin(o); err != nil {
			b.cfg.Log.Error("origin", "origin", o, "err", err)
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler { //nolint:errorlint // net/http compares it like this
					panic(p)
				}
				b.notePanic(r, p)
				b.refuse(w, r, &Refusal{Code: CodeInternal})
			}
		}()
		if err := b.admit(rt, cross, w, r); err != nil {
			b.refuse(w, r, err)
		}
	})
}

// notePanic counts a panic in a handler and logs what may be said of it: its value may hold anything.
func (b *Broker) notePanic(r *http.Request, p any) {
	b.met.panics.Inc(1)
	b.cfg.Log.Error("panic in handler", "path", r.URL.Path, "type", fmt.Sprintf("%T", p))
}

func (b *Broker) admit(rt route, cross *http.CrossOriginProtection, w http.ResponseWriter, r *http.Request) error {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	if err := b.checkHost(r); err != nil {
		return err
	}
	if err := b.checkOrigin(r); err != nil {
		return err
	}
	if err := cross.Check(r); err != nil {
		return &Refusal{Code: CodeOriginRefused, Err: err}
	}
	var who Identity
	if !rt.public {
		var err error
		if who, err = b.identify(r); err != nil {
			return err
		}
		if rt.method != http.MethodGet {
			if err := needOrigin(r, who); err != nil {
				return err
			}
		}
	}
	return rt.serve(w, r, who)
}

// status maps codes to HTTP; what is missing is 403.
var status = map[Code]int{
	CodeUnauthenticated: http.StatusUnauthorized, CodeNotFound: http.StatusNotFound, CodeNoProtocol: http.StatusUnprocessableEntity,
	CodeBadRequest: http.StatusBadRequest, CodeInvalidParam: http.StatusUnprocessableEntity, CodeHostRefused: http.StatusMisdirectedRequest,
	CodeMethodNotAllowed: http.StatusMethodNotAllowed, CodeTooLarge: http.StatusRequestEntityTooLarge, CodeRateLimited: http.StatusTooManyRequests,
	CodeLimitReached: http.StatusTooManyRequests, CodeInternal: http.StatusInternalServerError, CodeShuttingDown: http.StatusServiceUnavailable,
	CodeAuditFailed: http.StatusServiceUnavailable, CodePolicyError: http.StatusServiceUnavailable, CodeSessionEnded: http.StatusGone,
	CodeRequestNotNeeded: http.StatusConflict, CodeRequestClosed: http.StatusConflict, CodeRequestChanged: http.StatusConflict,
	CodeRequestDecided: http.StatusConflict,
	CodeInUse:          http.StatusConflict, CodeMFALocked: http.StatusTooManyRequests, CodeNotStarted: http.StatusConflict, CodeOwnSession: http.StatusConflict,
	CodeRecordingMissing: http.StatusNotFound, CodeRecordingBroken: http.StatusUnprocessableEntity,
	CodeFilesUnavailable: http.StatusServiceUnavailable, CodeFileNotFound: http.StatusNotFound, CodeFileExists: http.StatusConflict,
	CodeFileBadName: http.StatusUnprocessableEntity, CodeFileTooLarge: http.StatusRequestEntityTooLarge, CodeFileTimeout: http.StatusGatewayTimeout,
	CodeFileFailed: http.StatusBadGateway, CodeFileCancelled: http.StatusConflict, CodeTargetProtocol: http.StatusBadGateway,
}

// refuse answers with a code; the cause goes to the log alone.
func (b *Broker) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var refusal *Refusal
	if !errors.As(err, &refusal) {
		refusal = &Refusal{Code: CodeInternal, Err: err}
	}
	st, ok := status[refusal.Code]
	if !ok {
		st = http.StatusForbidden
	}
	switch refusal.Code {
	case CodeOriginRefused, CodeHostRefused:
		b.met.refused.Inc(1)
		b.cfg.Log.Warn("request refused", "code", refusal.Code, "origin", r.Header.Values("Origin"), "host", r.Host, "allowed", b.cfg.Origins)
	default:
		if st >= http.StatusInternalServerError || refusal.Err != nil {
			b.cfg.Log.Error("request failed", "code", refusal.Code, "path", r.URL.Path, "err", refusal.Err)
		}
	}
	if refusal.Retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(seconds(refusal.Retry)))
	}
	type tries struct {
		Left int `json:"left"`
		Lock int `json:"lock_seconds"`
	}
	type body struct {
		Code    Code   `json:"code"`
		Message string `json:"message,omitempty"`
		Field   string `json:"field,omitempty"`
		Tries   *tries `json:"tries,omitempty"`
	}
	answer := body{Code: refusal.Code, Message: refusal.Text, Field: refusal.Field}
	if t := refusal.Tries; t != nil {
		answer.Tries = &tries{t.Left, seconds(t.Lock)}
	}
	writeJSON(w, st, map[string]body{"error": answer})
}

// seconds rounds up: who comes back then is not too early.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

func writeJSON(w http.ResponseWriter, st int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		st, b = http.StatusInternalServerError, []byte(`{"error":{"code":"internal"}}`)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(st)
	_, _ = w.Write(append(b, '\n'))
}

// maxBody is the largest request body, in bytes.
const maxBody = 64 << 10

// readJSON reads the body of an unsafe request.
func (b *Broker) readJSON(w http.ResponseWriter, r *http.Request, into any) error {
	typ, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || typ != "application/json" {
		return &Refusal{Code: CodeBadRequest, Text: "want Content-Type: application/json"}
	}
	// Not every host sets http.Server.ReadTimeout. Where the writer does not know deadlines that has to do.
	wire := http.NewResponseController(w)
	_ = wire.SetReadDeadline(time.Now().Add(b.cfg.Limits.Body))
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil { // and the deadline stays: the server would go on waiting for the rest
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return &Refusal{Code: CodeTooLarge}
		}
		return &Refusal{Code: CodeBadRequest, Err: err}
	}
	_ = wire.SetReadDeadline(time.Time{})
	if err := decodeStrict(raw, into); err != nil {
		return &Refusal{Code: CodeBadRequest, Text: err.Error()}
	}
	return nil
}

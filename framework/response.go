package framework

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// A Response holds the answer back until Dispatch has returned, so that what runs
// after the action can still set headers and an error can still replace the body.
// What is larger than App.BufferSize, or flushed, is sent and streams on.
//
// It is an [http.ResponseWriter] and belongs to one request: it is not safe for
// concurrent use, and a write after the request ended is an error.
type Response struct {
	writer http.ResponseWriter
	core   *RequestHandler // of the request's handler; before there is one, of none
	client *client         // who has to read it in time; nil: nobody has

	typed  [1]string              // see contentType
	text   string                 // what is held, if it is one string alone: it needs no copy
	body   *[]byte                // what is held otherwise; nil: nothing
	count  int64                  // bytes of body written, sent or not
	saver  Saver                  // runs after the functions of BeforeSend; nil: none, or it has run
	extras atomic.Pointer[extras] // what few requests have; nil: nothing of it

	status    int16 // what WriteHeader said; 0: nothing yet
	head      bool  // the answer is one to HEAD
	encoded   bool  // middleware around this has chosen a Content-Encoding, and changes the body on its way out
	delegated bool  // the handler's RequestHandler.Dispatch was reached
	noting    bool  // a Guard or an action is running
	guarded   bool  // the guards of the route's Routers let the request pass
	acted     bool  // the status or the body has changed since the last Guard began
	json      bool  // the action reads or writes JSON, and so do its errors
	sent      bool  // the header has gone
	committed bool  // a hook or the Saver has run
	shared    bool  // the connection has other streams too, as in HTTP/2
	hijacked  bool
	finished  bool
	broken    bool // failed after the header had gone
}

// Extras are what few requests have. They are apart because the bytes of a Response are
// the larger part of what a request costs.
type extras struct {
	id        string            // see RequestID
	values    map[string]string // of the variables that are not in the path
	failure   error             // of a hook: the body is dropped, the error is to be answered
	closed    bool              // no hook runs any more: one failed
	hijacking bool              // the connection is being taken over: no cookie can go out

	mutex sync.Mutex                         // guards what follows, which all goroutines of the request may use
	hooks []func(http.ResponseWriter) error  // that wait, the oldest first
	first [1]func(http.ResponseWriter) error // where the first of them lies
	noted error                              // what Abort or RedirectAbort made, called by a Guard or an action
}

// needExtras returns the extras, which it makes at its first call.
func (r *Response) needExtras() *extras {
	if e := r.extras.Load(); e != nil {
		return e
	}
	e := new(extras)
	e.hooks = e.first[:0]
	if r.extras.CompareAndSwap(nil, e) {
		return e
	}
	return r.extras.Load() // another goroutine was faster
}

// found returns what the search for the route has found.
func (r *Response) found() found { return found{r.core.match, r.values()} }

func (r *Response) values() map[string]string {
	if e := r.extras.Load(); e != nil {
		return e.values
	}
	return nil
}

// app returns the App that the request is in; nil: the handler has overwritten its own.
func (r *Response) app() *App {
	switch core := r.core; {
	case core.endpoint != nil:
		return core.endpoint.app
	case core.route != nil:
		return core.route.router.app
	}
	return nil
}

// limit returns how many bytes of the body are held back.
func (r *Response) limit() int {
	if a := r.app(); a != nil && a.BufferSize > 0 {
		return a.BufferSize
	}
	return 64 << 10
}

// proxy returns what stands in front of the program.
func (r *Response) proxy() Proxy {
	if a := r.app(); a != nil {
		return a.TrustedProxy
	}
	return NoProxy
}

var _ http.ResponseWriter = (*Response)(nil)

// errFinished is returned by a write that comes after the end of the request.
var errFinished = errors.New("framework: write to a response that is finished")

// newResponse makes the Response of a request and, of a route that was made by To, the
// handler.
func newResponse(w http.ResponseWriter, r *http.Request, m found) (*Response, Handler) {
	if m.route == nil || m.route.ours == nil {
		return newBareResponse(w, r, m), nil
	}
	e := m.route.ours
	response, h := e.allocate()
	response.core.outermost, response.core.endpoint = h, e
	response.begin(w, r, m)
	return response, h
}

// newBareResponse makes a Response that has no handler yet.
func newBareResponse(w http.ResponseWriter, r *http.Request, m found) *Response {
	response, _ := allocateBare()
	response.begin(w, r, m)
	return response
}

// allocateBare allocates a Response without a handler.
func allocateBare() (*Response, Handler) {
	made := new(struct {
		core     RequestHandler
		response Response
	})
	made.response.core = &made.core
	return &made.response, nil
}

// begin gives a Response its request. What it needs of that is copied: a handler may put
// another request in the place of its own.
func (r *Response) begin(w http.ResponseWriter, request *http.Request, m found) {
	r.core.match = m.match
	if m.values != nil {
		r.needExtras().values = m.values
	}
	r.writer, r.core.Request, r.client = w, request, clientOf(request)
	if request.ProtoMajor > 1 && r.client != nil {
		r.shared = true
		r.relax() // net/http has begun the time of the stream, which is not the client's yet
	}
	r.head = request.Method == http.MethodHead
	r.encoded = w.Header()["Content-Encoding"] != nil
}

// Header returns the header, which can be changed until it is sent.
func (r *Response) Header() http.Header { return r.writer.Header() }

// contentType sets the Content-Type, unless there is one. Its value lies in the Response:
// a value of its own would be one more allocation, a quarter of the cost of a request.
func (r *Response) contentType(value string) {
	header := r.Header()
	if len(header["Content-Type"]) > 0 && header["Content-Type"][0] != "" {
		return
	}
	r.typed[0] = value
	header["Content-Type"] = r.typed[:1:1]
}

// WriteHeader sets the status; until the header is sent the last call counts. An
// informational status (1xx) is sent at once, and 101 is final: hooks run, and what
// follows is no longer HTTP's.
func (r *Response) WriteHeader(code int) {
	r.acted = r.acted || code < 100 || code >= 200 || code == http.StatusSwitchingProtocols
	switch {
	case r.finished || r.failure() != nil:
	case r.sent:
		r.writer.WriteHeader(code) // too late: the server logs it
	case code == http.StatusSwitchingProtocols:
		r.status = int16(code)
		if r.runHooks() == nil {
			r.sent = true
			r.dropBody()
			r.extend()
			r.writer.WriteHeader(code)
			r.client = nil // what follows is another protocol's
		}
	case 100 <= code && code < 200:
		r.extend()
		r.writer.WriteHeader(code)
		r.relax()
	default:
		if code < 100 || code > 999 {
			panic("framework: WriteHeader(" + strconv.Itoa(code) + "): a status has three digits")
		}
		r.status = int16(code)
	}
}

// Write appends to the body. It returns [http.ErrBodyNotAllowed] for a status that has
// none, the error of a hook that failed, and the errors of the connection once the
// header is sent.
func (r *Response) Write(p []byte) (int, error) {
	if err := r.writable(); err != nil {
		return 0, err
	}
	r.count += int64(len(p))
	switch {
	case r.head:
		r.hold(p[:min(len(p), max(sniffed-r.held(), 0))])
		return len(p), nil
	case r.sent:
		return r.pass(p)
	case r.held()+len(p) <= r.limit():
		r.hold(p)
		return len(p), nil
	}
	if err := r.send(false); err != nil {
		return 0, err
	}
	return r.pass(p)
}

// pass writes to the client, which has the time of WriteTimeout for each piece.
func (r *Response) pass(p []byte) (written int, err error) {
	defer r.relax()
	for r.client != nil && len(p)-written > piece {
		r.extend()
		n, err := r.writer.Write(p[written : written+piece])
		written += n
		if err != nil {
			return written, err
		}
	}
	r.extend()
	n, err := r.writer.Write(p[written:])
	return written + n, err
}

// extend gives the client the time of WriteTimeout from now on.
func (r *Response) extend() {
	switch {
	case r.client == nil:
	case r.shared:
		_ = http.NewResponseController(r.writer).SetWriteDeadline(time.Now().Add(r.client.timeout))
	default:
		_ = r.client.connection.SetWriteDeadline(time.Now().Add(r.client.timeout)) // fails on a closed connection, as the write will
	}
}

// relax ends the time that extend gave. On a connection of its own that is not needed:
// its deadline is only that of a write. A stream of HTTP/2 is cut at its deadline, also
// while its handler pauses.
func (r *Response) relax() {
	if r.shared && r.client != nil {
		_ = http.NewResponseController(r.writer).SetWriteDeadline(time.Time{})
	}
}

// SetWriteDeadline sets a deadline of the handler's own for all that is written from now
// on, instead of Server.WriteTimeout; the zero time is none. See
// [http.ResponseController].
func (r *Response) SetWriteDeadline(deadline time.Time) error {
	if err := http.NewResponseController(r.writer).SetWriteDeadline(deadline); err != nil {
		return err
	}
	r.client = nil
	return nil
}

// WriteString is Write for a string, without a copy of it.
func (r *Response) WriteString(s string) (int, error) {
	if r.sent || r.head || r.held()+len(s) > r.limit() {
		return r.Write([]byte(s))
	}
	if err := r.writable(); err != nil {
		return 0, err
	}
	r.count += int64(len(s))
	if r.body == nil && r.text == "" {
		r.text = s
		return len(s), nil
	}
	buffer := r.buffer()
	*buffer = append(*buffer, s...)
	return len(s), nil
}

func (r *Response) writable() error {
	r.acted = true
	switch {
	case r.hijacked:
		return http.ErrHijacked
	case r.finished:
		return errFinished
	case r.failure() != nil:
		return r.failure()
	case !bodyAllowed(r.status):
		return http.ErrBodyNotAllowed
	}
	return nil
}

// Status returns the status that was set, 200 where none was.
func (r *Response) Status() int {
	if r.status == 0 {
		return http.StatusOK
	}
	return int(r.status)
}

// Sent tells whether the header has gone, so that neither it nor a cookie can change.
func (r *Response) HeaderWritten() bool { return r.sent }

// CanSetCookies reports whether the response can carry a Set-Cookie. While a Hijack runs
// the functions of BeforeSend it cannot: what needs a cookie and can wait is left for
// the next request then.
func (r *Response) CanSetCookies() bool {
	e := r.extras.Load()
	return e == nil || !e.hijacking
}

// Unwrap returns the server's writer, for [http.ResponseController]. The deadline to read
// passes through; Flush, Hijack and the deadline to write are this type's own.
func (r *Response) Unwrap() http.ResponseWriter { return r.writer }

// answered tells whether somebody has begun an answer.
func (r *Response) answered() bool {
	return r.status != 0 || r.count > 0 || r.sent || r.failure() != nil
}

// prepare makes room for the answer to an error, with its status and, where it is a
// redirect, its Location.
func (r *Response) prepare(err error) {
	if r.sent {
		return
	}
	if e := r.extras.Load(); e != nil && e.failure != nil {
		e.failure, e.closed = nil, true
	}
	r.json = r.json || isJSON(r.Header().Get("Content-Type"))
	r.Reset()
	r.status = int16(Status(err))
	if to, ok := errors.AsType[redirection](err); ok && r.status < 400 {
		r.Header().Set("Location", string(to))
	}
}

// retryAfter is the Retry-After, in seconds, of a 503 that has none (RFC 9110 section
// 15.6.4). A program that sets another keeps it; one that sets nil has none. Two seconds
// are what a request waits for a store that does not answer.
const retryAfter = "2"

// send runs the hooks, then sends the header, then what is held of the body; whole
// says that this is all of it. A hook that fails leaves everything unsent.
func (r *Response) send(whole bool) error {
	if r.sent {
		return nil
	}
	if r.hooked() {
		if err := r.runHooks(); err != nil {
			return err
		}
	}
	if r.status == http.StatusServiceUnavailable {
		if _, has := r.Header()["Retry-After"]; !has {
			r.Header().Set("Retry-After", retryAfter)
		}
	}
	if r.proxy() == AppEngine {
		if err := r.checkBudget(); err != nil {
			return r.fail(err)
		}
	}
	r.sent = true
	r.complete(whole)
	r.extend()
	defer r.relax()
	r.writer.WriteHeader(r.Status())
	if r.held() == 0 || !bodyAllowed(r.status) || r.head {
		return nil
	}
	if text := r.text; text != "" && len(text) <= piece {
		r.text = ""
		_, err := io.WriteString(r.writer, text)
		return err
	}
	_, err := r.pass(*r.buffer())
	r.release()
	return err
}

// finish ends the life of a Response.
func (r *Response) finish() {
	r.release()
	r.finished = true
	r.extend() // the server writes what it holds, and the end of a stream, after this
}

// removeUploads removes the temporary files of the form of the handler's request.
func (r *Response) removeUploads() { removeUploads(r.core.Request) }

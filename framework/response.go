package framework

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A Response holds the header and the body back until Dispatch has returned, so that code
// after the action can set headers and an error can replace the body. A body larger than
// App.BufferSize, or one that is flushed, is sent before that.
//
// It is an [http.ResponseWriter]. It belongs to one request and is not safe for
// concurrent use, except for BeforeSend. A write after the end of the request is an
// error.
type Response struct {
	writer http.ResponseWriter
	core   *RequestHandler // of the handler; one without a handler before there is one
	client *client         // the connection, for write timeouts; nil without a Server

	typed  [1]string              // see contentType
	text   string                 // what is held of the body, if it is one string
	body   *[]byte                // what is held of the body otherwise; nil if nothing is
	count  int64                  // bytes of the body, sent or held
	saver  Saver                  // runs after the hooks; nil if there is none
	extras atomic.Pointer[extras] // nil if the request needs none

	status    int16 // 0 before WriteHeader
	head      bool  // the request is a HEAD
	encoded   bool  // middleware around this has set a Content-Encoding: it changes the body
	delegated bool  // RequestHandler.Dispatch was called
	noting    bool  // a Guard or an action is running
	guarded   bool  // the guards of the route's Routers let the request pass
	acted     bool  // the status or the body was changed since the last guard was called
	json      bool  // errors are JSON, because the action reads or writes JSON
	sent      bool  // the header has been written
	committed bool  // a hook or the Saver has run
	shared    bool  // the connection has other streams, as in HTTP/2
	hijacked  bool
	finished  bool
	broken    bool // an error came after the header had been written
}

var _ http.ResponseWriter = (*Response)(nil)

// errFinished is the error of a write after the end of the request.
var errFinished = errors.New("framework: write after the end of the request")

// newResponse makes the Response of a request and, if [To] has made the route's handler,
// a new handler.
func newResponse(w http.ResponseWriter, r *http.Request, m fullMatch) (*Response, Handler) {
	if m.route == nil || m.route.endpoint == nil {
		return newResponseWithoutHandler(w, r, m), nil
	}
	e := m.route.endpoint
	response, h := e.allocate()
	response.core.outermost, response.core.endpoint = h, e
	response.begin(w, r, m)
	return response, h
}

// newResponseWithoutHandler makes a Response that has no handler yet.
func newResponseWithoutHandler(w http.ResponseWriter, r *http.Request, m fullMatch) *Response {
	response, _ := allocateResponse()
	response.begin(w, r, m)
	return response
}

// allocateResponse allocates a Response without a handler.
func allocateResponse() (*Response, Handler) {
	made := new(struct {
		core     RequestHandler
		response Response
	})
	made.response.core = &made.core
	return &made.response, nil
}

// begin gives a Response its request. It copies what it needs of the request, because a
// handler may replace its Request.
func (r *Response) begin(w http.ResponseWriter, request *http.Request, m fullMatch) {
	r.core.match = m.match
	if m.values != nil {
		r.needExtras().values = m.values
	}
	r.writer, r.core.Request, r.client = w, request, clientOf(request)
	if request.ProtoMajor > 1 && r.client != nil {
		r.shared = true
		r.stopWriteTimeout() // net/http has begun a timeout for the stream; ours begins with each write
	}
	r.head = request.Method == http.MethodHead
	r.encoded = w.Header()["Content-Encoding"] != nil
}

// Header returns the header. It can be changed until it is written.
func (r *Response) Header() http.Header { return r.writer.Header() }

// contentType sets the Content-Type, unless there is one. Its value is stored in the
// Response: a slice of its own would be a second allocation, a quarter of the floor of
// hello.
func (r *Response) contentType(value string) {
	header := r.Header()
	if len(header["Content-Type"]) > 0 && header["Content-Type"][0] != "" {
		return
	}
	r.typed[0] = value
	header["Content-Type"] = r.typed[:1:1]
}

// WriteHeader sets the status. The last call before the header is written counts. An
// informational status (1xx) is sent at once. The status 101 is final: the functions of
// BeforeSend run, and the connection then has another protocol.
func (r *Response) WriteHeader(code int) {
	r.acted = r.acted || code < 100 || code >= 200 || code == http.StatusSwitchingProtocols
	switch {
	case r.finished || r.failure() != nil:
	case r.sent:
		r.writer.WriteHeader(code) // which logs that it comes too late
	case code == http.StatusSwitchingProtocols:
		r.status = int16(code)
		if r.runHooks() == nil {
			r.sent = true
			r.dropBody()
			r.startWriteTimeout()
			r.writer.WriteHeader(code)
			r.client = nil // the connection has another protocol now
		}
	case 100 <= code && code < 200:
		r.startWriteTimeout()
		r.writer.WriteHeader(code)
		r.stopWriteTimeout()
	default:
		if code < 100 || code > 999 {
			panic("framework: WriteHeader(" + strconv.Itoa(code) + "): a status has three digits")
		}
		r.status = int16(code)
	}
}

// Write appends to the body. It returns [http.ErrBodyNotAllowed] if the status allows no
// body, the error of a function of BeforeSend, and errors of the connection after the
// header has been written.
func (r *Response) Write(p []byte) (int, error) {
	if err := r.writable(); err != nil {
		return 0, err
	}
	r.count += int64(len(p))
	switch {
	case r.head: // keep what is needed to detect the type
		r.hold(p[:min(len(p), max(sniffed-r.held(), 0))])
		return len(p), nil
	case r.sent: // the header and what was held have been written
		return r.pass(p)
	case r.held()+len(p) <= r.limit():
		r.hold(p)
		return len(p), nil
	}
	// The body is larger than the buffer: write the header and what is held, and then p.
	if err := r.send(false); err != nil {
		return 0, err
	}
	return r.pass(p)
}

// WriteString is like Write, but does not copy the first string.
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

// writable returns an error if the body cannot be written.
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

// BeforeSend registers a function to be called once, with this Response, immediately
// before the header is written. It can still change the header: sessions are saved in
// this way. The functions are called in the order in which they were registered, all of
// them even if one fails.
//
// If one returns an error or panics, the body is dropped and the response is that error.
// If Write, Flush or Hijack called the functions, it returns the error. No function is
// called again. A function that is registered after the header has been
// written is called at the end of the request; [Response.HeaderWritten] is true then.
//
// All goroutines of the request may call BeforeSend.
func (r *Response) BeforeSend(f func(http.ResponseWriter) error) {
	e := r.needExtras()
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.hooks = append(e.hooks, f)
}

// A Saver saves something before the header of a response is written, such as sessions.
type Saver interface {
	Save(w http.ResponseWriter) error
}

// SaveWith registers a Saver. Its Save is called like a function of
// [Response.BeforeSend], after all of them. Registering it allocates nothing. Only the
// goroutine that serves the request may call SaveWith.
func (r *Response) SaveWith(s Saver) {
	if r.saver != nil {
		r.BeforeSend(s.Save)
		return
	}
	r.saver = s
}

// Commit calls the functions of [Response.BeforeSend] now, and not again, without writing
// the header. When it returns nil, the changes of sessions have been saved. Few handlers need
// it: one that has to know, before it goes on, that a change was saved.
func (r *Response) Commit() error {
	if r.sent {
		return nil
	}
	return r.runHooks()
}

// send runs the hooks, then writes the header and what is held of the body. Whole says
// that the body is complete. If a hook fails, nothing is written.
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
	if t := r.tracer(); t != nil {
		t.report(StepHeader, StepHappened, strconv.Itoa(r.Status())+" "+http.StatusText(r.Status()), nil)
	}
	r.sent = true
	r.complete(whole)
	r.startWriteTimeout()
	defer r.stopWriteTimeout()
	r.writer.WriteHeader(r.Status())
	if r.held() == 0 || !bodyAllowed(r.status) || r.head {
		return nil
	}
	if text := r.text; text != "" && len(text) <= maxPiece {
		r.text = ""
		_, err := io.WriteString(r.writer, text)
		return err
	}
	_, err := r.pass(*r.buffer())
	r.release()
	return err
}

// retryAfter is the Retry-After of a 503 that has none, in seconds (RFC 9110 section
// 15.6.4). A program can set another, or set it to nil to send none. A request waits as
// long for a store that does not respond.
const retryAfter = "2"

// hooked reports whether a hook or a failure may be waiting.
func (r *Response) hooked() bool { return r.saver != nil || r.extras.Load() != nil }

// runHooks runs each hook once, including those that a hook registers.
func (r *Response) runHooks() error {
	if err := r.failure(); err != nil || r.sent {
		return err
	}
	if e := r.extras.Load(); e != nil && e.closed {
		return nil
	}
	var failed []error
	for !r.sent {
		ran, err := r.runNext()
		if !ran {
			break
		}
		if err != nil {
			failed = append(failed, err)
		}
	}
	if len(failed) > 0 {
		return r.fail(errors.Join(failed...))
	}
	return r.failure() // of a hook that a write of another hook has run
}

// runLateHooks runs the hooks that were registered after the header was written, and
// returns their errors.
func (r *Response) runLateHooks() (failed []error) {
	for {
		ran, err := r.runNext()
		if !ran {
			return failed
		}
		if err != nil {
			failed = append(failed, err)
		}
	}
}

// runNext runs the oldest hook or, if there is none, the Saver. It reports whether it has
// run one.
func (r *Response) runNext() (ran bool, err error) {
	if hook, ok := r.nextHook(); ok {
		r.committed = true
		if t := r.tracer(); t != nil {
			return true, t.run(StepHook, hookName(hook), func() error { return checkError(protect(func() error { return hook(r) })) })
		}
		return true, checkError(protect(func() error { return hook(r) }))
	}
	if saver := r.saver; saver != nil {
		r.saver, r.committed = nil, true
		if t := r.tracer(); t != nil {
			return true, t.run(StepHook, fmt.Sprintf("%T.Save", saver), func() error { return checkError(protect(func() error { return saver.Save(r) })) })
		}
		return true, checkError(protect(func() error { return saver.Save(r) }))
	}
	return false, nil
}

// nextHook removes the oldest hook and returns it.
func (r *Response) nextHook() (hook func(http.ResponseWriter) error, ok bool) {
	e := r.extras.Load()
	if e == nil {
		return nil, false
	}
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if len(e.hooks) == 0 {
		return nil, false
	}
	hook, e.hooks = e.hooks[0], e.hooks[1:]
	return hook, true
}

// fail drops the body. The response will be err.
func (r *Response) fail(err error) error {
	r.dropBody()
	r.needExtras().failure = err
	return err
}

// failure returns the error that replaces the body, nil if there is none.
func (r *Response) failure() error {
	if e := r.extras.Load(); e != nil {
		return e.failure
	}
	return nil
}

// complete sets the Content-Length and the Content-Type if they are known. It sets no
// length if middleware encodes the body.
func (r *Response) complete(whole bool) {
	header := r.Header()
	switch r.status {
	case http.StatusNoContent:
		header.Del("Content-Length")
		header.Del("Content-Type")
		header.Del("Content-Encoding") // which middleware has set for a body
	case http.StatusNotModified:
		header.Del("Content-Encoding") // as http.ServeContent does
	}
	if r.head {
		if r.count == 0 {
			return // the type has a Head method, which may not know the body
		}
		if header["Content-Type"] == nil && header["Content-Encoding"] == nil && r.held() > 0 {
			header.Set("Content-Type", http.DetectContentType(*r.body)) // as the server does for GET
		}
	}
	if !whole || r.encoded || !bodyAllowed(r.status) || r.count <= serverCounts && !r.head {
		return
	}
	if header["Content-Length"] == nil && header["Transfer-Encoding"] == nil && !hasTrailers(header) {
		header["Content-Length"] = []string{strconv.FormatInt(r.count, 10)}
	}
}

// serverCounts is the size of the largest body of which net/http computes the
// Content-Length, if the handler has returned. Leaving it to net/http saves a tenth of a
// request's cost.
const serverCounts = 2 << 10

// sniffed is how much of a body is needed to detect its Content-Type. Of the body of a
// HEAD no more is kept.
const sniffed = 512

// hasTrailers reports whether the header declares trailers, in either way of net/http.
// The response then has no Content-Length (RFC 9112 section 7.1).
func hasTrailers(header http.Header) bool {
	for name := range header {
		if name == "Trailer" || strings.HasPrefix(name, http.TrailerPrefix) {
			return true
		}
	}
	return false
}

// bodyAllowed reports whether a status allows a body (RFC 9110 section 6.4.1).
func bodyAllowed(status int16) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified && status != http.StatusSwitchingProtocols
}

// Reset drops the body, the status and the headers that describe them: Content-* except
// Content-Security-Policy, ETag, Last-Modified, Cache-Control, Expires, Accept-Ranges,
// Location and Trailer. It keeps all other headers, the cookies, and a Content-Encoding
// of middleware that compresses the body. If the functions of BeforeSend have run, it
// sets "Cache-Control: no-store", in place of what they have set. After the header has
// been written it does nothing.
func (r *Response) Reset() {
	if r.sent {
		return
	}
	r.acted = true
	r.dropBody()
	r.status = 0
	header := r.Header()
	for name := range header {
		if r.describesBody(name) {
			delete(header, name)
		}
	}
	if r.committed {
		header["Cache-Control"] = []string{"no-store"} // the hooks have set one, which was dropped
	}
}

// describesBody reports whether a header describes the body.
func (r *Response) describesBody(name string) bool {
	switch name {
	case "Content-Encoding":
		return !r.encoded
	case "Etag", "Last-Modified", "Cache-Control", "Expires", "Accept-Ranges", "Location", "Trailer":
		return true
	case "Content-Security-Policy", "Content-Security-Policy-Report-Only":
		return false
	}
	return len(name) > 8 && name[:8] == "Content-"
}

// beginError empties the response for an error, and sets its status and, for a redirect,
// its Location.
func (r *Response) beginError(err error) {
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

// begun reports whether there is a response to send.
func (r *Response) begun() bool {
	return r.status != 0 || r.count > 0 || r.sent || r.failure() != nil
}

// buffers are the buffers of bodies, for reuse. Those that have grown larger than
// largestKept are not kept, so that a few large responses do not keep memory for ever.
var buffers = sync.Pool{New: func() any { return new(make([]byte, 0, 4<<10)) }}

const largestKept = 64 << 10

// buffer returns the buffer of the body. Its first call takes one from buffers.
func (r *Response) buffer() *[]byte {
	if r.body == nil {
		r.body = buffers.Get().(*[]byte)
		*r.body, r.text = append(*r.body, r.text...), ""
	}
	return r.body
}

// hold appends to what is held of the body.
func (r *Response) hold(p []byte) {
	buffer := r.buffer()
	*buffer = append(*buffer, p...)
}

// holdFrom reads once from src, at most as much as may be held.
func (r *Response) holdFrom(src io.Reader) (n int, err error) {
	buffer := r.buffer()
	held := len(*buffer)
	room := r.limit() - held
	if held == cap(*buffer) {
		*buffer = slices.Grow(*buffer, min(room, held))
	}
	free := (*buffer)[held:cap(*buffer)]
	n, err = src.Read(free[:min(room, len(free))])
	*buffer = (*buffer)[:held+n]
	r.count += int64(n)
	return n, err
}

// held returns how many bytes of the body are held.
func (r *Response) held() int {
	if r.body == nil {
		return len(r.text)
	}
	return len(*r.body)
}

// dropBody drops what is held of the body.
func (r *Response) dropBody() {
	r.count = 0
	r.release()
}

// release gives the buffer back. Nothing else refers to it: Write copies.
func (r *Response) release() {
	buffer := r.body
	if r.text = ""; buffer == nil {
		return
	}
	r.body = nil
	if cap(*buffer) <= largestKept {
		*buffer = (*buffer)[:0]
		buffers.Put(buffer)
	}
}

// extras are the fields that few requests need. They are not part of the Response,
// because its size is a large part of the cost of a request.
type extras struct {
	id        string            // see RequestID
	values    map[string]string // the variables of the route that are not in the path
	failure   error             // the error of a hook, which replaces the body
	closed    bool              // no hook runs again, because one has failed
	hijacking bool              // Hijack is running hooks: no cookie can be set

	mutex sync.Mutex                         // guards the following, which all goroutines of the request may use
	hooks []func(http.ResponseWriter) error  // the hooks that wait, oldest first
	first [1]func(http.ResponseWriter) error // the memory for the first hook
	noted error                              // the last error of Abort or RedirectAbort in a guard or an action

	tracer  *tracer // nil if the request is not traced
	aborted aborted // where Abort was called last; only in Debug
}

// needExtras returns the extras. Its first call makes them.
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

// fullMatch returns the match and the variables that are not in the path.
func (r *Response) fullMatch() fullMatch { return fullMatch{r.core.match, r.values()} }

// values returns the variables of the route that are not in the path.
func (r *Response) values() map[string]string {
	if e := r.extras.Load(); e != nil {
		return e.values
	}
	return nil
}

// app returns the App of the request. It is nil if the handler has overwritten its
// RequestHandler.
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

// proxy returns App.TrustedProxy.
func (r *Response) proxy() Proxy {
	if a := r.app(); a != nil {
		return a.TrustedProxy
	}
	return NoProxy
}

// Status returns the status. Until one is set it is 200.
func (r *Response) Status() int {
	if r.status == 0 {
		return http.StatusOK
	}
	return int(r.status)
}

// HeaderWritten reports whether the header has been written, so that it can no longer be
// changed.
func (r *Response) HeaderWritten() bool { return r.sent }

// CanSetCookies reports whether the response can still set a cookie. It cannot while
// Hijack calls the functions of BeforeSend; what needs a cookie then waits for the next
// request.
func (r *Response) CanSetCookies() bool {
	e := r.extras.Load()
	return e == nil || !e.hijacking
}

// Unwrap returns the writer of the server, for [http.ResponseController]. Use the methods
// of Response to flush, to hijack and to set a write deadline.
func (r *Response) Unwrap() http.ResponseWriter { return r.writer }

// finish ends the request.
func (r *Response) finish() {
	r.release()
	r.finished = true
	r.startWriteTimeout() // for what the server writes after this
}

// pass writes to the client. Each piece of the body may take the time of
// Server.WriteTimeout.
func (r *Response) pass(p []byte) (written int, err error) {
	defer r.stopWriteTimeout()
	for r.client != nil && len(p)-written > maxPiece {
		r.startWriteTimeout()
		n, err := r.writer.Write(p[written : written+maxPiece])
		written += n
		if err != nil {
			return written, err
		}
	}
	r.startWriteTimeout()
	n, err := r.writer.Write(p[written:])
	return written + n, err
}

// startWriteTimeout gives the client the time of Server.WriteTimeout from now on.
func (r *Response) startWriteTimeout() {
	switch {
	case r.client == nil:
	case r.shared:
		_ = http.NewResponseController(r.writer).SetWriteDeadline(time.Now().Add(r.client.timeout))
	default:
		_ = r.client.connection.SetWriteDeadline(time.Now().Add(r.client.timeout)) // fails on a closed connection, as the write then does
	}
}

// stopWriteTimeout ends the timeout. Only HTTP/2 needs that: it resets a stream at its
// deadline even if nothing is being written.
func (r *Response) stopWriteTimeout() {
	if r.shared && r.client != nil {
		_ = http.NewResponseController(r.writer).SetWriteDeadline(time.Time{})
	}
}

// removeUploads removes the temporary files of the form of the handler's request.
func (r *Response) removeUploads() { removeUploads(r.core.Request) }

// removeUploads removes the temporary files of a request's form. net/http does so for its
// own request only, and handlers get copies of it.
func removeUploads(r *http.Request) {
	if r != nil && r.MultipartForm != nil {
		_ = r.MultipartForm.RemoveAll() // a file that cannot be removed stays
	}
}

// App Engine's front end refuses larger headers by itself: those of a response with 502,
// a single header of a request with 400. All cookies of a request are in one header.
const (
	headerBudget = 8 << 10
	serverOwn    = 256 // the status line, Date, Content-Length and Content-Type, which come after the check
)

// checkBudget returns an error if App Engine's front end would refuse the headers of the
// response, or the Cookie header of the browser's next request. It removes the headers
// that are too large, so that the error can be sent. A redirect that repeats the URL of a
// long request is 414.
func (r *Response) checkBudget() error {
	header := r.Header()
	if largest, size, sum := measure(header); sum > headerBudget {
		tooLong := r.core.Request != nil && len(header["Location"]) > 0 && sum-len(r.core.Request.RequestURI) <= headerBudget
		for left := sum; left > headerBudget; {
			name, size, _ := measure(header)
			delete(header, name)
			left -= size
		}
		if tooLong { // a redirect that repeats the URL of the request
			return Abort(http.StatusRequestURITooLong)
		}
		return fmt.Errorf("framework: the headers of the response have %d bytes, of which %s has %d: make them smaller, because App Engine refuses more than %d with a 502",
			sum, largest, size, headerBudget)
	}
	if set := header["Set-Cookie"]; len(set) > 0 && r.core.Request != nil {
		if next := nextCookies(r.core.Request, set); next > headerBudget {
			delete(header, "Set-Cookie")
			return fmt.Errorf("framework: with the cookies of this response the browser's Cookie header would have %d bytes: make them smaller, because App Engine refuses more than %d with a 400",
				next, headerBudget)
		}
	}
	return nil
}

// measure returns the name and the size of the largest field of a header, and the size of
// all.
func measure(header http.Header) (largest string, size, sum int) {
	sum = serverOwn
	for name, values := range header {
		field := 0
		for _, value := range values {
			field += len(name) + len(": \r\n") + len(value)
		}
		if sum += field; field > size {
			largest, size = name, field
		}
	}
	return largest, size, sum
}

// nextCookies returns the size of the Cookie header that a browser will send after the
// response, if all cookies have the same domain and path.
func nextCookies(r *http.Request, set []string) int {
	cookies := map[string]int{} // the length of "name=value", by name
	add := func(pair string) {
		pair = strings.TrimSpace(pair)
		name, _, _ := strings.Cut(pair, "=")
		cookies[name] = len(pair)
	}
	for _, line := range r.Header["Cookie"] {
		for pair := range strings.SplitSeq(line, ";") {
			add(pair)
		}
	}
	for _, line := range set {
		pair, attributes, _ := strings.Cut(line, ";")
		add(pair)
		if strings.Contains(strings.ToLower(attributes), "max-age=0") {
			name, _, _ := strings.Cut(pair, "=")
			delete(cookies, strings.TrimSpace(name))
		}
	}
	size := len("Cookie: ")
	for _, length := range cookies {
		size += length + len("; ")
	}
	return size
}

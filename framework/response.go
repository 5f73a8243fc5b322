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

var _ http.ResponseWriter = (*Response)(nil)

// errFinished is returned by a write that comes after the end of the request.
var errFinished = errors.New("framework: write to a response that is finished")

// newResponse makes the Response of a request and, of a route that was made by To, the
// handler.
func newResponse(w http.ResponseWriter, r *http.Request, m found) (*Response, Handler) {
	if m.route == nil || m.route.ours == nil {
		return newResponseWithoutHandler(w, r, m), nil
	}
	e := m.route.ours
	response, h := e.allocate()
	response.core.outermost, response.core.endpoint = h, e
	response.begin(w, r, m)
	return response, h
}

// newResponseWithoutHandler makes a Response that has no handler yet.
func newResponseWithoutHandler(w http.ResponseWriter, r *http.Request, m found) *Response {
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
		r.stopWriteTimeout() // net/http has begun the time of the stream, which is not the client's yet
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
			r.startWriteTimeout()
			r.writer.WriteHeader(code)
			r.client = nil // what follows is another protocol's
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

// BeforeSend registers a function that may still change the header: it runs once,
// when the header is about to go out, whatever made it go. This is where sessions are
// saved. Its argument is this Response. Functions run in the order they were
// registered, all of them even where one fails.
//
// Where one fails or panics, what is held is dropped and the error is answered
// instead; the Write, Flush or Hijack that made the header go returns it, and no
// function runs again. One that is registered after the header has gone runs at the
// end of the request, when [Response.HeaderWritten] is true: it can change nothing any more.
//
// It is the one method here that all goroutines of the request may call: the first use
// of a session, which registers its save, may come from any of them.
func (r *Response) BeforeSend(f func(http.ResponseWriter) error) {
	e := r.needExtras()
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.hooks = append(e.hooks, f)
}

// A Saver has something to save before a response goes out, as a session store has.
type Saver interface {
	Save(w http.ResponseWriter) error
}

// SaveWith registers a Saver whose Save runs after the functions of
// [Response.BeforeSend], as the last thing before the header is written. In all else it
// is such a function, but registering it allocates nothing. It must be called by the
// goroutine that serves the request.
func (r *Response) SaveWith(s Saver) {
	if r.saver != nil {
		r.BeforeSend(s.Save)
		return
	}
	r.saver = s
}

// Commit runs the functions of [Response.BeforeSend] now, and not again, without
// sending anything: an action that calls it knows that what it did is saved.
func (r *Response) Commit() error {
	if r.sent {
		return nil
	}
	return r.runHooks()
}

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

// retryAfter is the Retry-After, in seconds, of a 503 that has none (RFC 9110 section
// 15.6.4). A program that sets another keeps it; one that sets nil has none. Two seconds
// are what a request waits for a store that does not answer.
const retryAfter = "2"

// hooked reports whether there may be something to run before the header is written, or a
// failure to answer.
func (r *Response) hooked() bool { return r.saver != nil || r.extras.Load() != nil }

// runHooks runs each hook once, those included that a hook registers.
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
	return r.failure() // of a hook that ran while another sent the answer
}

// runLateHooks runs the hooks that came too late, and returns their errors.
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

// runNext runs the oldest hook, or the Saver if there is none. It reports whether it ran
// one.
func (r *Response) runNext() (ran bool, err error) {
	if hook, ok := r.nextHook(); ok {
		r.committed = true
		return true, checkError(protect(func() error { return hook(r) }))
	}
	if saver := r.saver; saver != nil {
		r.saver, r.committed = nil, true
		return true, checkError(protect(func() error { return saver.Save(r) }))
	}
	return false, nil
}

// nextHook takes the oldest of the hooks that wait, if any does.
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

// fail drops the body: the error of a hook, or of what the hooks have set, is to be
// answered.
func (r *Response) fail(err error) error {
	r.dropBody()
	r.needExtras().failure = err
	return err
}

// failure returns the error that is to be answered instead of the body; nil: none.
func (r *Response) failure() error {
	if e := r.extras.Load(); e != nil {
		return e.failure
	}
	return nil
}

// complete says in the header what is known of the body: not its length, where
// middleware makes another body of it.
func (r *Response) complete(whole bool) {
	header := r.Header()
	switch r.status {
	case http.StatusNoContent:
		header.Del("Content-Length")
		header.Del("Content-Type")
		header.Del("Content-Encoding") // of middleware that expected a body
	case http.StatusNotModified:
		header.Del("Content-Encoding") // as http.ServeContent does
	}
	if r.head {
		if r.count == 0 {
			return // of a Head of its own, which need not know
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

// serverCounts is the largest body whose length net/http finds out, if all of it has been
// written when the handler returns: of such a body it is left to the server, which saves
// a tenth of a request's cost.
const serverCounts = 2 << 10

// sniffed is how much of a body tells its type; of the answer to HEAD no more is kept.
const sniffed = 512

// hasTrailers tells whether headers follow the body, by either of net/http's ways: then
// its length must not be known (RFC 9112 section 7.1).
func hasTrailers(header http.Header) bool {
	for name := range header {
		if name == "Trailer" || strings.HasPrefix(name, http.TrailerPrefix) {
			return true
		}
	}
	return false
}

// bodyAllowed tells whether a status may have a body (RFC 9110 section 6.4.1).
func bodyAllowed(status int16) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified && status != http.StatusSwitchingProtocols
}

// Reset drops the body, the status and the headers that describe them: Content-* but
// not Content-Security-Policy, ETag, Last-Modified, Cache-Control, Expires,
// Accept-Ranges, Location, Trailer. After the functions of BeforeSend have run it sets
// Cache-Control to no-store. It keeps every other header and the cookies, and a
// Content-Encoding of middleware that compresses what is written. It does nothing once
// the header is sent.
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
		header["Cache-Control"] = []string{"no-store"} // what the hooks have said of it is gone
	}
}

// describesBody tells whether a header is about the body that is being dropped.
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

// prepare makes room for the answer to an error, with its status and, where it is a
// redirect, its Location.
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

// answered tells whether somebody has begun an answer.
func (r *Response) begun() bool {
	return r.status != 0 || r.count > 0 || r.sent || r.failure() != nil
}

// A body that is held lies in a buffer that the next request uses again. Those that
// grew beyond the default of App.BufferSize are left to the garbage collector, so that a
// few large answers do not fix the memory of all.
var buffers = sync.Pool{New: func() any { return new(make([]byte, 0, 4<<10)) }}

const largestKept = 64 << 10

// buffer returns the buffer of the body, and takes one at its first call.
func (r *Response) buffer() *[]byte {
	if r.body == nil {
		r.body = buffers.Get().(*[]byte)
		*r.body, r.text = append(*r.body, r.text...), ""
	}
	return r.body
}

func (r *Response) hold(p []byte) {
	buffer := r.buffer()
	*buffer = append(*buffer, p...)
}

// holdFrom reads once from src, no more than there is room for.
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

func (r *Response) held() int {
	if r.body == nil {
		return len(r.text)
	}
	return len(*r.body)
}

// dropBody forgets what was written and not sent.
func (r *Response) dropBody() {
	r.count = 0
	r.release()
}

// release gives the buffer back. Nobody else has seen it: Write copies.
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

// finish ends the life of a Response.
func (r *Response) finish() {
	r.release()
	r.finished = true
	r.startWriteTimeout() // the server writes what it holds, and the end of a stream, after this
}

// removeUploads removes the temporary files of the form of the handler's request.
func (r *Response) removeUploads() { removeUploads(r.core.Request) }

// App Engine's front end answers by itself, and says nothing to the program, where
// headers are larger than this: 502 where it is all those of an answer, 400 where it
// is one of a request, as the Cookie header is, in which all cookies come together.
const (
	headerBudget = 8 << 10
	serverOwn    = 256 // the status line, Date, Content-Length and Content-Type, which come after the check
)

// checkBudget refuses an answer whose headers App Engine would refuse, or whose
// cookies would make the browser's next request one that it refuses. What is too large
// is taken out, so that the error can be answered. It is the client's if a redirect
// repeats the address of a request that is too long: 414.
func (r *Response) checkBudget() error {
	header := r.Header()
	if largest, size, sum := measure(header); sum > headerBudget {
		tooLong := r.core.Request != nil && len(header["Location"]) > 0 && sum-len(r.core.Request.RequestURI) <= headerBudget
		for left := sum; left > headerBudget; {
			name, size, _ := measure(header)
			delete(header, name)
			left -= size
		}
		if tooLong { // a redirect that repeats the address of the request
			return Abort(http.StatusRequestURITooLong)
		}
		return fmt.Errorf("framework: the headers of the answer have %d bytes, of which %s has %d; App Engine refuses more than %d with a 502",
			sum, largest, size, headerBudget)
	}
	if set := header["Set-Cookie"]; len(set) > 0 && r.core.Request != nil {
		if next := nextCookies(r.core.Request, set); next > headerBudget {
			delete(header, "Set-Cookie")
			return fmt.Errorf("framework: with the cookies of this answer the browser's Cookie header would have %d bytes; App Engine refuses more than %d with a 400",
				next, headerBudget)
		}
	}
	return nil
}

// measure returns the name and the bytes of the largest field of a header, and the
// bytes of all.
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

// nextCookies returns how long the Cookie header will be that a browser sends after an
// answer, had all its cookies the same domain and path.
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

package demo_test

import (
	"bufio"
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/sessions"
)

// A stream is an open connection to the events of /session.
type stream struct {
	t        *testing.T
	response *http.Response
	lines    *bufio.Scanner
	id       string // of the newest event
	leave    context.CancelFunc
}

var livePath = regexp.MustCompile(`data-live="(/session/live\?after=\d+)"`)

// live opens the page /session, and the stream that it names.
func (b *browser) live(header ...string) *stream {
	b.t.Helper()
	_, page := b.get("/session")
	found := livePath.FindStringSubmatch(page)
	if found == nil {
		b.t.Fatalf("the page names no stream\n%s", page)
	}
	return b.stream(found[1], header...)
}

func (b *browser) stream(path string, header ...string) *stream {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 20*time.Second)
	b.t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/event-stream")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := b.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { response.Body.Close() })
	return &stream{t: b.t, response: response, lines: bufio.NewScanner(response.Body), leave: cancel}
}

// until reads until a line contains the text, and returns all that it has read.
func (s *stream) until(text string) string {
	s.t.Helper()
	var read strings.Builder
	for s.lines.Scan() {
		line := s.lines.Text()
		read.WriteString(line + "\n")
		if id, ok := strings.CutPrefix(line, "id: "); ok {
			s.id = id
		}
		if strings.Contains(line, text) {
			return read.String()
		}
	}
	s.t.Fatalf("the stream ended, %v, without %q:\n%s", s.lines.Err(), text, &read)
	return ""
}

// rest reads to the end of the stream.
func (s *stream) rest() string {
	s.t.Helper()
	var read strings.Builder
	for s.lines.Scan() {
		read.WriteString(s.lines.Text() + "\n")
	}
	if err := s.lines.Err(); err != nil {
		s.t.Errorf("the stream was cut off: %v", err)
	}
	return read.String()
}

// A request in another tab is sent as an event, rendered with the template of the page.
// Requests of other visitors are not.
func TestLive(t *testing.T) {
	server := watch(t, sessions.NewMemory())
	b, other := open(t, server), open(t, server)
	b.get("/session")
	s := b.live()
	if kind := s.response.Header.Get("Content-Type"); s.response.StatusCode != 200 || kind != "text/event-stream" {
		t.Fatalf("status %d, %s", s.response.StatusCode, kind)
	}
	other.get("/login")
	b.get("/")
	b.post("/cart", "action", "add", "product", "pencil")
	read := s.until("cart: pencil is now 1")
	expect(t, read, `(?m)^id: \d+$`, `(?m)^data: <li id="visit-\d+">$`, `<code>GET /</code> <strong>200</strong>`, `<b>created</b> session: a new session was saved`,
		`session: visits is now 1`, `<b>cookie</b> the response sets the cookie session`)
	if strings.Contains(read, "/login</code>") {
		t.Errorf("another visitor's requests are shown:\n%s", read)
	}
	for _, name := range []string{"session", "cart", "watch"} {
		if value := b.cookie(name); value == "" || strings.Contains(read, value) {
			t.Errorf("the cookie %s is %q, and in the stream: %v", name, value, strings.Contains(read, value))
		}
	}
}

// A path with line ends cannot add fields or events of its own to the stream.
func TestLiveKeepsLines(t *testing.T) {
	b := open(t, watch(t, sessions.NewMemory()))
	b.get("/session")
	s := b.live()
	b.get("/x%0Devent:%20ended%0D%0D%0Aid:%20999999%0D%0Adata:%20%3Cp%3E")
	b.get("/")
	read := strings.ReplaceAll(s.until("visits is now 1"), "\r", "\n")
	expect(t, read, `(?m)^data: event: ended$`, `(?m)^data: id: 999999$`, `(?m)^data: data: &lt;p&gt;</code>`)
	for line := range strings.SplitSeq(read, "\n") {
		if strings.HasPrefix(line, "event:") || line == "id: 999999" {
			t.Errorf("the path has added the field %q", line)
		}
	}
}

// A browser that reconnects gets all changes since, and each only once.
func TestLiveGoesOn(t *testing.T) {
	b := open(t, watch(t, sessions.NewMemory()))
	b.get("/session")
	s := b.live()
	b.get("/")
	s.until("visits is now 1")
	b.get("/") // so that the event before is complete
	s.until("visits was counted from 1 to 2")
	s.leave()
	b.get("/")
	again := b.stream("/session/live?after=0", "Last-Event-ID", s.id)
	read := again.until("visits was counted from 2 to 3")
	if strings.Contains(read, "visits is now 1") {
		t.Errorf("an old event comes again:\n%s", read)
	}
	// The number of an earlier run of the program is too high. Then everything is sent again.
	later := b.stream("/session/live", "Last-Event-ID", "18446744073709551615")
	expect(t, later.until("visits was counted from 2 to 3"), "visits is now 1")
}

// Many new visitors do not displace a visitor whose page is open, nor one who still sends
// requests.
func TestVisitorsStay(t *testing.T) {
	server := watch(t, sessions.NewMemory())
	live, busy, idle := open(t, server), open(t, server), open(t, server)
	for _, b := range []*browser{live, busy, idle} {
		b.get("/cart")
	}
	s := live.live()
	for i := range 210 {
		open(t, server).get("/login")
		if i%50 == 0 {
			busy.get("/cart")
		}
	}
	live.get("/")
	s.until("visits is now 1")
	for b, want := range map[*browser]int{live: 1, busy: 6, idle: 0} {
		if _, page := b.get("/session"); strings.Count(page, "<code>GET /cart</code>") != want {
			t.Errorf("the page does not show %d requests of the cart\n%s", want, page)
		}
	}
}

// The script loads the two sides of the sessions again. They are as after the newest request,
// and the request for them is not shown.
func TestSidesAreLoadedAgain(t *testing.T) {
	b := open(t, watch(t, sessions.NewMemory()))
	b.get("/session")
	b.get("/")
	status, header, sides := b.request(http.MethodGet, "/session/now", nil)
	if status != 200 || header.Get("Cache-Control") != "no-store" || strings.Contains(sides, "<html") {
		t.Errorf("status %d, %q\n%s", status, header.Get("Cache-Control"), sides)
	}
	expect(t, sides, `^\s*<section[^>]* id="side-browser">`, `<section[^>]* id="side-server" data-user="">`, `<td><code>visits</code></td><td><code>1</code></td>`)
	_, page := b.get("/session")
	expect(t, page, ` data-now="/session/now"`, ` id="side-browser">`, ` id="side-server" data-user="">`)
	if strings.Contains(page, "/session/now</code>") {
		t.Errorf("the request is among the visits\n%s", page)
	}
}

// What the script loads changes nothing: an open page neither keeps a session alive nor
// overwrites a cart, and it leaves the traces of the pages where they are.
func TestSidesChangeNothing(t *testing.T) {
	var later atomic.Int64
	_, handler := watchedAt(t, sessions.NewMemory(), func() time.Time { return time.Now().Add(time.Duration(later.Load())) })
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	b := open(t, server)
	b.get("/session")
	b.post("/signup", "name", "ann", "password", "correct horse")
	_, page := b.get("/session")
	trace := regexp.MustCompile(`/trace/\w+`).FindString(page)
	seen := regexp.MustCompile(`<dt>Last seen</dt><dd><time datetime="[^"]+"`)
	_, _, before := b.request(http.MethodGet, "/session/now", nil)
	later.Store(int64(10 * time.Minute)) // the last use of the session is noted once in six minutes
	for range 101 {
		_, header, sides := b.request(http.MethodGet, "/session/now", nil)
		if set := header["Set-Cookie"]; set != nil {
			t.Fatalf("it sets %q", set)
		}
		if was, is := seen.FindString(before), seen.FindString(sides); was == "" || is != was {
			t.Fatalf("the session was used: %s, then %s", was, is)
		}
		expect(t, sides, `<dt>User</dt><dd>ann<span>id`)
	}
	if status, _ := b.get(trace); status != http.StatusOK {
		t.Errorf("the trace of the page, %s, has status %d", trace, status)
	}
}

// A cart that is nobody's gets its user from the first page after a login, not from what the
// script loads: its response could overwrite what another tab has put into the cart.
func TestSidesLeaveTheCart(t *testing.T) {
	b := open(t, watch(t, sessions.NewMemory()))
	b.get("/session")
	b.post("/cart", "action", "add", "product", "pencil")
	b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	b.post("/signup", "name", "ann", "password", "correct horse")
	if _, header, _ := b.request(http.MethodGet, "/session/now", nil); header["Set-Cookie"] != nil {
		t.Errorf("it sets %q", header["Set-Cookie"])
	}
}

// A logout is shown, and so is what comes after it.
func TestLiveGoesOnAfterALogout(t *testing.T) {
	b := open(t, watch(t, sessions.NewMemory()))
	b.get("/session")
	b.post("/signup", "name", "ann", "password", "correct horse")
	s := b.live()
	b.post("/logout")
	expect(t, s.until("the response deletes the cookie session"), `<b>destroyed</b> session`, `<b>user</b> session: was that of the user with the id \S{8}…, and is now that of nobody`)
	b.get("/account")
	s.until("GET /account</code> <strong>302")
}

// A session that another browser ends is looked at again at once.
func TestLiveLooksAfterAnEndFromElsewhere(t *testing.T) {
	server := watch(t, sessions.NewMemory())
	here, there := open(t, server), open(t, server)
	here.get("/session")
	here.post("/signup", "name", "ann", "password", "correct horse")
	s := here.live()
	there.get("/session")
	there.post("/login", "name", "ann", "password", "correct horse")
	there.post("/account", "action", "end-others")
	s.until("event: look")
	_, _, sides := here.request(http.MethodGet, "/session/now", nil)
	expect(t, sides, `<strong>gone</strong>`, `data-user=""`)
}

// Streams are bounded, and bad input is refused.
func TestLiveIsBounded(t *testing.T) {
	watch, handler := watched(t, sessions.NewMemory())
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	b := open(t, server)
	if s := b.stream("/session/live"); s.response.StatusCode != http.StatusNotFound {
		t.Errorf("a stranger: status %d", s.response.StatusCode)
	}
	b.get("/session")
	for _, after := range []string{"x", "-1", strings.Repeat("9", 30)} {
		if s := b.stream("/session/live?after=" + after); s.response.StatusCode != http.StatusBadRequest {
			t.Errorf("after %q: status %d", after, s.response.StatusCode)
		}
	}
	var streams []*stream
	for range 3 {
		streams = append(streams, b.stream("/session/live"))
	}
	if s := b.stream("/session/live"); s.response.StatusCode != http.StatusTooManyRequests {
		t.Errorf("the fourth stream: status %d", s.response.StatusCode)
	}
	// All visitors together have 50: each of these opens three.
	for range 16 {
		c := open(t, server)
		c.get("/session")
		for range 3 {
			streams = append(streams, c.stream("/session/live"))
		}
	}
	status := 0
	for _, s := range streams {
		if s.response.StatusCode != 200 {
			status = s.response.StatusCode
		}
	}
	if n := watch.Streams(); n != 50 || status != http.StatusServiceUnavailable {
		t.Errorf("%d streams are open, and the 51st has status %d", n, status)
	}
	for _, s := range streams {
		s.leave()
	}
	for deadline := time.Now().Add(10 * time.Second); watch.Streams() > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d streams stay open", watch.Streams())
		}
	}
	if response, err := b.Head(b.url + "/session/live"); err != nil || response.StatusCode != 200 {
		t.Errorf("HEAD: %v, %v", response, err)
	}
}

// A stream outlives the write timeout of the server, sends heartbeats, and ends when the server
// stops.
func TestLiveWithServer(t *testing.T) {
	watch, handler := watched(t, sessions.NewMemory())
	watch.SetHeartbeat(20 * time.Millisecond)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	server := framework.Server{Handler: handler, Listener: listener, WriteTimeout: 100 * time.Millisecond, DrainTimeout: time.Minute, Log: slog.New(slog.DiscardHandler)}
	go func() { ended <- server.Run(ctx) }()
	b := open(t, &httptest.Server{URL: "http://" + listener.Addr().String()})
	b.get("/session")
	s := b.live()
	for began := time.Now(); time.Since(began) < 300*time.Millisecond; {
		s.until(": alive")
	}
	b.get("/")
	s.until("visits is now 1")
	stop()
	s.rest()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if n := watch.Streams(); n != 0 {
		t.Errorf("%d streams are left", n)
	}
}

// Only the page /session may load a script, and only its own.
func TestScriptIsOnOnePage(t *testing.T) {
	b := open(t, watch(t, sessions.NewMemory()))
	for path, allowed := range map[string]bool{"/": false, "/cart": false, "/login": false, "/session": true} {
		_, header, page := b.request(http.MethodGet, path, nil)
		policy := header.Get("Content-Security-Policy")
		if strings.Contains(policy, "script-src 'self'") != allowed || strings.Contains(policy, "connect-src 'self'") != allowed || !strings.HasPrefix(policy, "default-src 'none'") {
			t.Errorf("%s: the policy is %s", path, policy)
		}
		if strings.Contains(page, "<script") != allowed {
			t.Errorf("%s: a script: %v", path, !allowed)
		}
		if allowed {
			expect(t, page, `<script src="/static/\w+/session\.js" defer></script>`)
		}
	}
}

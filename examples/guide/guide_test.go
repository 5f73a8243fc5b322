package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/sessions"
)

const (
	apiKey = "a key of the tests"
	png    = "\x89PNG\r\n\x1a\n and the rest"
)

// site returns the whole site, with its users and notes.
func site(t *testing.T) (app *framework.App, users auth.Backend, notes *Notes) {
	t.Helper()
	manager, err := sessions.New(sessions.Config{
		Keys:     []sessions.Key{sessions.RandomKey()},
		Sessions: []sessions.Spec{{Backend: sessions.NewMemory(), Insecure: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	users, notes = auth.NewMemory(), new(Notes)
	if app, err = newApp(manager, users, notes, apiKey); err != nil {
		t.Fatal(err)
	}
	if err := app.Check(); err != nil {
		t.Fatal(err)
	}
	return app, users, notes
}

// A page's test calls one handler, without a server: Init makes it, LogIn is the login.
func TestWriteShowsItsErrors(t *testing.T) {
	app, users, notes := site(t)
	ann := &auth.User{ID: "1", Name: "ann", Stamp: "any"}
	if err := users.Create(t.Context(), ann); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		text, photo string
		status      int
		want        string
	}{
		"good":       {"Hello", png, 302, ""},
		"no photo":   {"Hello", "", 302, ""},
		"no text":    {" ", "", 422, "A note needs a text."},
		"long text":  {strings.Repeat("ä", maxText+1), "", 422, "at most 500 characters"},
		"no picture": {"Hello", "<script>", 422, "must be a JPEG, PNG or WebP"},
		"large":      {"Hello", png + strings.Repeat("x", maxPhoto), 422, "at most 1 MB"},
	} {
		t.Run(name, func(t *testing.T) {
			var body bytes.Buffer
			form := multipart.NewWriter(&body)
			form.WriteField("text", test.text)
			if test.photo != "" {
				file, _ := form.CreateFormFile("photo", "photo.png")
				io.WriteString(file, test.photo)
			}
			form.Close()
			r := httptest.NewRequest("POST", "/write", &body)
			r.Header.Set("Content-Type", form.FormDataContentType())

			w := httptest.NewRecorder()
			h := &Write{Notes: notes}
			framework.Init(w, r, app, h)
			h.LogIn(ann, sessions.Login{})
			before := len(notes.List())
			if err := h.Dispatch(); err != nil {
				t.Fatal(err)
			}
			h.Response.Flush()

			if w.Code != test.status || !strings.Contains(w.Body.String(), test.want) {
				t.Errorf("status %d, want %d and %q\n%s", w.Code, test.status, test.want, w.Body)
			}
			if added := len(notes.List()) > before; added != (test.status == 302) {
				t.Errorf("a note was added: %t", added)
			}
		})
	}
}

// A browser keeps cookies and follows redirects.
func browser(t *testing.T, app *framework.App) (*http.Client, string) {
	t.Helper()
	server := httptest.NewServer(app)
	t.Cleanup(server.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, Timeout: 30 * time.Second}, server.URL
}

func body(t *testing.T, res *http.Response, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func signUp(t *testing.T, client *http.Client, site string) {
	t.Helper()
	res, err := client.PostForm(site+"/signup", url.Values{"name": {"ann"}, "password": {"correct horse battery"}, "next": {"/write"}})
	if page := body(t, res, err); !strings.Contains(page, "Write a note") {
		t.Fatal(page)
	}
}

// Another test sends requests to the whole site.
func TestNoteWithAPhoto(t *testing.T) {
	app, _, notes := site(t)
	client, site := browser(t, app)
	res, err := client.Get(site + "/write")
	if res.StatusCode != http.StatusUnauthorized && !strings.HasPrefix(res.Request.URL.Path, "/login") {
		t.Errorf("a stranger gets %s at %s, %v", res.Status, res.Request.URL, err)
	}
	body(t, res, err)
	signUp(t, client, site)
	notes.Add("ann", "<b>Hello</b>", Photo{"image/png", []byte(png)})

	res, err = client.Get(site + "/")
	page := body(t, res, err)
	for _, want := range []string{"&lt;b&gt;Hello&lt;/b&gt;", `<img src="/notes/1/photo"`, `data-live="/live"`} {
		if !strings.Contains(page, want) {
			t.Errorf("missing %s\n%s", want, page)
		}
	}
	if got := res.Header.Get("Content-Security-Policy"); !strings.HasPrefix(got, csp) || !strings.Contains(got, "frame-ancestors 'none'") {
		t.Errorf("policy %q", got)
	}
	if res.Uncompressed != true { // the client asked for gzip and has unpacked it
		t.Error("the page was not compressed")
	}
	res, err = client.Get(site + "/notes/1/photo")
	if body(t, res, err) != png || res.Header.Get("Content-Type") != "image/png" || res.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("photo: %v", res.Header)
	}
	for _, path := range []string{"/notes/2/photo", "/notes/x/photo"} {
		if res, err = client.Get(site + path); res.StatusCode != 404 {
			t.Errorf("%s: %s", path, res.Status)
		}
		body(t, res, err)
	}
}

func TestAPI(t *testing.T) {
	app, _, _ := site(t)
	client, site := browser(t, app)
	for _, test := range []struct {
		name, method, body string
		header             []string
		status             int
		want               string
	}{
		{"write", "POST", `{"author":"bert","text":"Hi"}`, []string{"Authorization", "Bearer " + apiKey}, 201, `"text":"Hi"`},
		{"write from the reader", "POST", `{"author":"bert","text":"Hi"}`, []string{"Authorization", "Bearer " + apiKey, "Origin", Reader, "Sec-Fetch-Site", "cross-site"}, 201, `"id":2`},
		{"write from elsewhere", "POST", `{"author":"bert","text":"Hi"}`, []string{"Authorization", "Bearer " + apiKey, "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}, 403, `"status":403`},
		{"no key", "POST", `{"author":"bert","text":"Hi"}`, nil, 401, `"status":401`},
		{"no key, from the reader", "POST", `{"author":"bert","text":"Hi"}`, []string{"Origin", Reader}, 401, `"status":401`},
		{"no text", "POST", `{"author":"bert"}`, []string{"Authorization", "Bearer " + apiKey}, 422, `"message":"author and text must have`},
		{"malformed", "POST", `{`, []string{"Authorization", "Bearer " + apiKey}, 400, `"status":400`},
		{"read", "GET", "", nil, 200, `[{"id":2,`},
		{"preflight", "OPTIONS", "", []string{"Origin", Reader, "Access-Control-Request-Method", "POST"}, 204, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := http.NewRequest(test.method, site+"/api/notes", strings.NewReader(test.body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			for i := 0; i < len(test.header); i += 2 {
				r.Header.Set(test.header[i], test.header[i+1])
			}
			res, err := client.Do(r)
			text := body(t, res, err)
			if res.StatusCode != test.status || !strings.Contains(text, test.want) {
				t.Errorf("%s %s, want %d and %q", res.Status, text, test.status, test.want)
			}
			want := ""
			if r.Header.Get("Origin") == Reader {
				want = Reader
			}
			if got := res.Header.Get("Access-Control-Allow-Origin"); got != want {
				t.Errorf("Access-Control-Allow-Origin is %q, want %q", got, want)
			}
		})
	}
}

func TestLive(t *testing.T) {
	app, _, notes := site(t)
	client, site := browser(t, app)
	res, err := client.Get(site + "/live") // returns when the header is there
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	notes.Add("ann", "Hello", Photo{})
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			var note Note
			if err := json.Unmarshal([]byte(text), &note); err != nil || note.Text != "Hello" {
				t.Errorf("%q, %v", text, err)
			}
			return
		}
	}
	t.Error("no event")
}

// A restart logs nobody out: users and sessions are in the file.
func TestRestart(t *testing.T) {
	t.Setenv("SESSION_KEYS", base64.StdEncoding.EncodeToString([]byte("a key of the tests, never another")))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address, file := listener.Addr().String(), filepath.Join(t.TempDir(), "board.db")
	listener.Close()
	start := func() (stop func()) {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- run(ctx, []string{"-insecure", "-addr=" + address, "-data=" + file}) }()
		for {
			connection, err := net.Dial("tcp", address)
			if err == nil {
				connection.Close()
				break
			}
			select {
			case err := <-ended:
				t.Fatal(err)
			case <-time.After(10 * time.Millisecond):
			}
		}
		return func() {
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar, Timeout: 30 * time.Second}

	stop := start()
	signUp(t, client, "http://"+address)
	stop()
	defer start()()
	res, err := client.Get("http://" + address + "/write")
	if page := body(t, res, err); !strings.Contains(page, "Write a note") {
		t.Errorf("after a restart:\n%s", page)
	}
}

// A HEAD of the stream gets its header, and is not kept waiting.
func TestLiveHead(t *testing.T) {
	app, _, _ := site(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	w := httptest.NewRecorder()
	app.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodHead, "/live", nil))
	if ctx.Err() != nil || w.Header().Get("Content-Type") != "text/event-stream" {
		t.Errorf("%v, %v", ctx.Err(), w.Header())
	}
}

func TestChat(t *testing.T) {
	app, _, notes := site(t)
	client, site := browser(t, app)
	_, res, err := websocket.Dial(t.Context(), site+"/chat", &websocket.DialOptions{HTTPClient: client})
	if err == nil || res.StatusCode != http.StatusUnauthorized {
		t.Fatalf("a stranger: %v", err)
	}
	signUp(t, client, site)
	connection, _, err := websocket.Dial(t.Context(), site+"/chat", &websocket.DialOptions{HTTPClient: client})
	if err != nil {
		t.Fatal(err)
	}
	defer connection.CloseNow()
	if err := wsjson.Write(t.Context(), connection, map[string]string{"Text": "Hello"}); err != nil {
		t.Fatal(err)
	}
	var note Note
	if err := wsjson.Read(t.Context(), connection, &note); err != nil || note.Author != "ann" || note.Text != "Hello" || len(notes.List()) != 1 {
		t.Errorf("%+v, %v", note, err)
	}
	if _, _, err := websocket.Dial(t.Context(), site+"/chat", &websocket.DialOptions{HTTPClient: client, HTTPHeader: http.Header{"Origin": {"https://evil.example"}}}); err == nil {
		t.Error("a page of another site can connect")
	}
}

func TestTheBoardIsBounded(t *testing.T) {
	var notes Notes
	follower, leave := notes.Follow()
	for range 2 * maxNotes {
		notes.Add("ann", "Hello", Photo{})
	}
	if n := len(notes.List()); n != maxNotes {
		t.Errorf("%d notes", n)
	}
	if (<-follower).ID != 1 || len(follower) > 8 {
		t.Error("a slow follower holds the others up")
	}
	leave()
	notes.Add("ann", "Hello", Photo{})
	if _, ok := notes.Find(1); ok || len(notes.followers) > 0 {
		t.Error("the oldest note, or a follower who left, is still there")
	}
}

func TestSlowRequests(t *testing.T) {
	for kind, want := range map[string]bool{"text/html": true, "text/event-stream": false} {
		var log bytes.Buffer
		h := slowRequests(slog.New(slog.NewTextHandler(&log, nil)), 0)(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
		}))
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
		if logged := strings.Contains(log.String(), "slow request"); logged != want {
			t.Errorf("%s: logged %t, want %t", kind, logged, want)
		}
	}
}

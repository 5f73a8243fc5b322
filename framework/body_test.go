package framework_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/mux"

	"github.com/webapp2go/webapp2go/framework"
)

const asForm, asJSON = "application/x-www-form-urlencoded", "application/json"

// send posts a body with a type, either chunked or with its length.
func send(t *testing.T, app *framework.App, method, kind, body string, chunked bool) (*http.Response, string) {
	t.Helper()
	r := request(t, method, start(t, app).URL+"/?query=yes", body)
	if chunked {
		r.ContentLength, r.Body = -1, io.NopCloser(strings.NewReader(body))
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	answer, text, err := fetch(t, r)
	if err != nil {
		t.Fatal(err)
	}
	return answer, text
}

func TestParseForm(t *testing.T) {
	for name, test := range map[string]struct {
		method, kind, body string
		status             int
	}{
		"a form":                 {"POST", asForm, "name=ann&x=1", 200},
		"a form with a charset":  {"POST", asForm + "; charset=utf-8", "name=ann", 200},
		"no body":                {"POST", "", "", 200},
		"an empty form":          {"POST", asForm, "", 200},
		"a GET":                  {"GET", "", "", 200},
		"a GET with a form":      {"GET", asForm, "name=ann", 400},
		"not a form":             {"POST", "text/plain", "name=ann", 415},
		"JSON":                   {"POST", asJSON, "{}", 415},
		"a type of nonsense":     {"POST", ";;", "name=ann", 415},
		"no type":                {"POST", "", "name=ann", 415},
		"a bad escape":           {"POST", asForm, "name=%zz", 400},
		"a semicolon":            {"POST", asForm, "a=b;c=d", 400},
		"exactly the limit":      {"POST", asForm, "name=" + strings.Repeat("x", 1<<10-5), 200},
		"too large":              {"POST", asForm, "name=" + strings.Repeat("x", 1<<10), 413},
		"multipart":              {"POST", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nann\r\n--b--\r\n", 200},
		"multipart, no boundary": {"POST", "multipart/form-data", "--b\r\n", 400},
		"multipart, cut":         {"POST", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nan", 400},
		"multipart, too large":   {"POST", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\n" + strings.Repeat("x", 2<<10) + "\r\n--b--\r\n", 413},
		"multipart, large file":  {"POST", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n" + strings.Repeat("x", 2<<10) + "\r\n--b--\r\n", 413},
	} {
		for _, chunked := range []bool{false, true} {
			if chunked && test.kind == "" && test.method == "POST" && test.body == "" {
				continue // a body of unknown length must have a Content-Type
			}
			t.Run(fmt.Sprint(name, " chunked ", chunked), func(t *testing.T) {
				app, log := appOf(t, func(h *action) error {
					if err := h.ParseForm(); err != nil {
						return err
					}
					_, err := fmt.Fprint(h, h.Request.Form.Get("name"), h.Request.Form.Get("query"))
					return err
				})
				app.MaxBodyBytes = 1 << 10
				answer, text := send(t, app, test.method, test.kind, test.body, chunked)
				if answer.StatusCode != test.status {
					t.Errorf("answer %d %q", answer.StatusCode, text)
				}
				if test.status == 200 && !strings.HasSuffix(text, "yes") || strings.Contains(test.body, "ann") && test.status == 200 && text != "annyes" {
					t.Errorf("form %q", text)
				}
				if log.String() != "" {
					t.Errorf("log:\n%s", log)
				}
			})
		}
	}
}

// The body of a DELETE is not read, and a form in it is refused, unless middleware has read the
// form of a POST and changed the method to DELETE.
func TestParseFormOfADelete(t *testing.T) {
	app, _ := newApp(t)
	app.Handle("/", framework.ToMethod(app, func(h *action) error {
		if err := h.ParseForm(); err != nil {
			return err
		}
		_, err := fmt.Fprint(h, h.Request.PostForm.Get("name"), h.Request.Form.Get("query"))
		return err
	})).Methods("DELETE")
	overridden := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.ParseMultipartForm(1 << 10)
		r.Method = "DELETE"
		app.ServeHTTP(w, r)
	})
	const parts = "--b\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nann\r\n--b--\r\n"
	for name, test := range map[string]struct {
		handler            http.Handler
		method, kind, body string
		status             int
		want               string
	}{
		"nothing":             {app, "DELETE", "", "", 200, "yes"},
		"JSON":                {app, "DELETE", asJSON, "{}", 200, "yes"},
		"a form":              {app, "DELETE", asForm, "name=ann", 400, "The form of a DELETE is not read: put the values into the query."},
		"a multipart form":    {app, "DELETE", "multipart/form-data; boundary=b", parts, 400, "The form of a DELETE is not read"},
		"overridden":          {overridden, "POST", asForm, "name=ann", 200, "annyes"},
		"overridden in parts": {overridden, "POST", "multipart/form-data; boundary=b", parts, 200, "annyes"},
	} {
		t.Run(name, func(t *testing.T) {
			r := request(t, test.method, start(t, test.handler).URL+"/?query=yes", test.body)
			r.Header.Set("Content-Type", test.kind)
			answer, body, err := fetch(t, r)
			if err != nil || answer.StatusCode != test.status || !strings.Contains(body, test.want) {
				t.Errorf("answer %d %q, %v", answer.StatusCode, body, err)
			}
		})
	}
}

// parse reads the form of a request as much code does, with an upload in a file.
func parse(t *testing.T, r *http.Request) {
	t.Helper()
	if err := r.ParseMultipartForm(1 << 10); err != nil {
		t.Error(err)
	}
	if files, err := os.ReadDir(os.TempDir()); err != nil || len(files) != 1 {
		t.Errorf("while the form is used: %v, %v", files, err)
	}
	r.Context().Value(parsedKey{}).(*atomic.Bool).Store(true)
}

type parsedKey struct{}
type requestKey struct{}

// Routing, limiting the body and most middleware serve a copy of the server's request, so
// that the server does not know the files of its form.
func TestUploadsLeaveNoFiles(t *testing.T) {
	plain := func(t *testing.T) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { parse(t, r) })
	}
	copying := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestKey{}, true)))
		})
	}
	for name, build := range map[string]func(t *testing.T, app *framework.App){
		"an action": func(t *testing.T, app *framework.App) {
			app.Handle("/up/load", do(app, func(h *action) error { parse(t, h.Request); return nil }))
		},
		"an action that fails": func(t *testing.T, app *framework.App) {
			app.Handle("/up/{name}", do(app, func(h *action) error { parse(t, h.Request); return h.Abort(500) }))
		},
		"an action that breaks off": func(t *testing.T, app *framework.App) {
			app.Handle("/up/load", do(app, func(h *action) error { parse(t, h.Request); panic(http.ErrAbortHandler) }))
		},
		"an action with another request": func(t *testing.T, app *framework.App) {
			app.Handle("/up/load", do(app, func(h *action) error {
				h.Request = h.Request.WithContext(context.WithValue(h.Context(), requestKey{}, true))
				parse(t, h.Request)
				return nil
			}))
		},
		"an action behind a wrapped writer": func(t *testing.T, app *framework.App) {
			app.Handle("/up/load", do(app, func(h *action) error { parse(t, h.Request); panic(http.ErrAbortHandler) }))
			app.Use(func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(wrapped{w}, r) })
			})
		},
		"a Fallback": func(t *testing.T, app *framework.App) {
			app.Fallback = func() framework.Handler {
				return &parsingFallback{parse: func(r *http.Request) { parse(t, r) }}
			}
		},
		"an http.Handler": func(t *testing.T, app *framework.App) { app.Handle("/up/load", plain(t)) },
		"an http.Handler that panics": func(t *testing.T, app *framework.App) {
			app.HandleFunc("/up/load", func(w http.ResponseWriter, r *http.Request) { parse(t, r); panic("broken") })
		},
		"an http.Handler in a subrouter": func(t *testing.T, app *framework.App) {
			app.PathPrefix("/up").Subrouter().Handle("/load", plain(t))
		},
		"an http.Handler below middleware": func(t *testing.T, app *framework.App) {
			below := app.PathPrefix("/up").Subrouter()
			below.Use(copying)
			below.Handle("/load", plain(t))
		},
		"another router": func(t *testing.T, app *framework.App) {
			other := mux.NewRouter()
			other.Handle("/up/load", plain(t))
			other.Use(copying)
			app.PathPrefix("/").Handler(other)
		},
		"middleware that goes on": func(t *testing.T, app *framework.App) {
			app.Handle("/up/load", plain(t))
			app.Use(func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { parse(t, r); next.ServeHTTP(w, r) })
			})
		},
		"middleware that answers": func(t *testing.T, app *framework.App) {
			below := app.PathPrefix("/up").Subrouter()
			below.Use(func(http.Handler) http.Handler { return plain(t) })
			below.Handle("/load", do(app, func(h *action) error { return nil }))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir())
			app, _ := newApp(t)
			build(t, app)
			var body bytes.Buffer
			form := multipart.NewWriter(&body)
			file, err := form.CreateFormFile("file", "a.bin")
			if err != nil {
				t.Fatal(err)
			}
			file.Write(make([]byte, 64<<10)) // more than parse keeps in memory
			form.Close()
			var parsed atomic.Bool
			server := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				app.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), parsedKey{}, &parsed)))
			}))
			r := request(t, "POST", server.URL+"/up/load", body.String())
			r.Header.Set("Content-Type", form.FormDataContentType())
			if answer, err := http.DefaultTransport.RoundTrip(r); err == nil { // otherwise the connection broke
				answer.Body.Close()
			}
			server.Close() // waits for the request
			if files, err := os.ReadDir(os.TempDir()); err != nil || len(files) != 0 || !parsed.Load() {
				t.Errorf("afterwards: %v, %v; parsed: %t", files, err, parsed.Load())
			}
		})
	}
}

// parsingFallback reads the form of a request that no route took.
type parsingFallback struct {
	framework.RequestHandler
	parse func(r *http.Request)
}

func (h *parsingFallback) Dispatch() error {
	h.parse(h.Request)
	return h.RequestHandler.Dispatch()
}

func TestDecodeJSON(t *testing.T) {
	for name, test := range map[string]struct {
		kind, body string
		status     int
	}{
		"an object":          {asJSON, `{"name":"ann"}`, 200},
		"with spaces":        {asJSON, " {\"name\":\"ann\"} \n", 200},
		"with a charset":     {asJSON + "; charset=utf-8", `{"name":"ann"}`, 200},
		"a kind of JSON":     {"application/merge-patch+json", `{"name":"ann"}`, 200},
		"another type":       {"text/plain", `{"name":"ann"}`, 415},
		"a form":             {asForm, `{"name":"ann"}`, 415},
		"no type":            {"", `{"name":"ann"}`, 415},
		"an image of JSON":   {"image/x+json", `{"name":"ann"}`, 415},
		"no body":            {asJSON, "", 400},
		"malformed":          {asJSON, `{"name":`, 400},
		"of another form":    {asJSON, `{"name":7}`, 400},
		"two values":         {asJSON, `{"name":"ann"}{}`, 400},
		"rubbish behind":     {asJSON, `{"name":"ann"}]`, 400},
		"too large":          {asJSON, `{"name":"` + strings.Repeat("x", 1<<10) + `"}`, 413},
		"too large behind":   {asJSON, `{"name":"ann"}` + strings.Repeat(" ", 1<<10), 413},
		"nested without end": {asJSON, strings.Repeat("[", 1000), 400},
	} {
		for _, chunked := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " chunked ", chunked), func(t *testing.T) {
				app, log := appOf(t, func(h *action) error {
					var v struct{ Name string }
					if err := h.DecodeJSON(&v); err != nil {
						return err
					}
					return h.JSON(v)
				})
				app.MaxBodyBytes = 1 << 10
				answer, text := send(t, app, "POST", test.kind, test.body, chunked)
				if answer.StatusCode != test.status {
					t.Errorf("answer %d %q", answer.StatusCode, text)
				}
				if test.status == 200 && (text != "{\"Name\":\"ann\"}\n" || answer.Header.Get("Content-Type") != asJSON) {
					t.Errorf("JSON %q of type %q", text, answer.Header.Get("Content-Type"))
				}
				if log.String() != "" {
					t.Errorf("log:\n%s", log)
				}
			})
		}
	}
}

// If the program misuses JSON, the response is 500.
func TestJSONMistakes(t *testing.T) {
	for name, f := range map[string]func(h *action) error{
		"into no pointer": func(h *action) error { return h.DecodeJSON(struct{}{}) },
		"into nil":        func(h *action) error { return h.DecodeJSON(nil) },
		"of a channel": func(h *action) error {
			io.WriteString(h, "half")
			return h.JSON(make(chan int))
		},
	} {
		t.Run(name, func(t *testing.T) {
			app, log := appOf(t, f)
			answer, text := send(t, app, "POST", asJSON, "{}", false)
			if answer.StatusCode != 500 || strings.Contains(text, "half") || log.records("framework: ") != 1 {
				t.Errorf("answer %d %q, log:\n%s", answer.StatusCode, text, log)
			}
		})
	}
}

func TestJSONKeepsAnotherType(t *testing.T) {
	app, _ := appOf(t, func(h *action) error {
		h.Response.Header().Set("Content-Type", "application/problem+json")
		return h.JSON(map[string]int{"a": 1})
	})
	answer, body := get(t, start(t, app).URL+"/")
	if answer.Header.Get("Content-Type") != "application/problem+json" || !json.Valid([]byte(body)) {
		t.Errorf("%q of type %q", body, answer.Header.Get("Content-Type"))
	}
}

// MaxBody limits every body, whichever way it is read. 0 is 32 MiB, and a negative value is no
// limit.
func TestMaxBody(t *testing.T) {
	for name, test := range map[string]struct {
		most   int64
		size   int
		status int
	}{
		"fits": {1000, 1000, 200}, "too large": {1000, 1001, 413},
		"the default": {0, 32<<20 + 1, 413}, "below the default": {0, 1 << 20, 200}, "no limit": {-1, 33 << 20, 200},
	} {
		t.Run(name, func(t *testing.T) {
			app, _ := appOf(t, func(h *action) error {
				_, err := io.Copy(io.Discard, h.Request.Body)
				return err
			})
			app.MaxBodyBytes = test.most
			if answer, text := send(t, app, "POST", "", strings.Repeat("x", test.size), false); answer.StatusCode != test.status {
				t.Errorf("answer %d %q", answer.StatusCode, text)
			}
		})
	}
}

// mime/multipart has its own limit for what it keeps in memory.
func TestMultipartOfLargeFields(t *testing.T) {
	app, _ := appOf(t, func(h *action) error { return h.ParseForm() })
	body := "--b\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\n" + strings.Repeat("x", 12<<20) + "\r\n--b--\r\n"
	answer, text := send(t, app, "POST", "multipart/form-data; boundary=b", body, false)
	if answer.StatusCode != 413 || !strings.Contains(text, "too large fields") {
		t.Errorf("answer %d %q", answer.StatusCode, text)
	}
}

// If there is no folder for temporary files, a large upload is a fault of the server, and the
// log says what to do.
func TestUploadWithoutATemporaryFolder(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()+"/none")
	var got error
	app, _ := appOf(t, func(h *action) error {
		got = h.ParseForm()
		return got
	})
	body := "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n" + strings.Repeat("x", 2<<20) + "\r\n--b--\r\n"
	answer, text := send(t, app, "POST", "multipart/form-data; boundary=b", body, false)
	if answer.StatusCode != 500 || got == nil || !strings.Contains(got.Error(), "such as /tmp or that of TMPDIR") {
		t.Errorf("answer %d %q, %v", answer.StatusCode, text, got)
	}
}

// If a client waits for 100 Continue and the response needs no body, the response is sent at
// once. So neither waits for the other.
func TestResponseBeforeTheBodyIsRead(t *testing.T) {
	app, _ := appOf(t, func(h *action) error { return h.Abort(403) })
	app.Handle("/reads", do(app, func(h *action) error {
		body, err := io.ReadAll(h.Request.Body)
		if err != nil {
			return err
		}
		_, err = h.Write(body)
		return err
	}))
	server := start(t, app)
	for path, want := range map[string]int{"/": 403, "/none": 404, "/reads": 100} {
		connection, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		connection.SetDeadline(time.Now().Add(20 * time.Second)) // in which the client sends nothing
		fmt.Fprintf(connection, "POST %s HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n", path)
		answers := bufio.NewReader(connection)
		answer, err := http.ReadResponse(answers, nil)
		if err != nil || answer.StatusCode != want {
			t.Errorf("%s: answer %v, %v", path, answer, err)
		} else if want == 100 {
			io.WriteString(connection, "body")
			if answer, err = http.ReadResponse(answers, nil); err != nil || answer.StatusCode != 200 {
				t.Errorf("%s: answer %v, %v after the body", path, answer, err)
			}
		}
		connection.Close()
	}
}

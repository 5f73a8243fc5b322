package framework_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/framework"
)

func TestFlushStreams(t *testing.T) {
	more := make(chan bool)
	app, _ := appOf(t, func(h *action) error {
		fmt.Fprint(h, "first ")
		if err := http.NewResponseController(h.Response).Flush(); err != nil {
			return err
		}
		<-more
		_, err := fmt.Fprint(h, "second")
		return err
	})
	answer, err := http.Get(start(t, app).URL + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	head := make([]byte, len("first "))
	if _, err := io.ReadFull(answer.Body, head); err != nil || string(head) != "first " {
		t.Fatalf("before the end: %q, %v", head, err)
	}
	close(more)
	if rest, err := io.ReadAll(answer.Body); err != nil || string(rest) != "second" {
		t.Errorf("the rest: %q, %v", rest, err)
	}
	if answer.ContentLength != -1 {
		t.Errorf("Content-Length %d of a stream", answer.ContentLength)
	}
}

// If an error comes after the header was written, it is logged, and the client can tell that
// the response is incomplete.
func TestErrorAfterSendingBreaksTheConnection(t *testing.T) {
	for name, test := range map[string]func(h *action) error{
		"error": func(h *action) error { return errors.New("broken") },
		"4xx":   func(h *action) error { return h.Abort(404) },
		"panic": func(h *action) error { panic("broken") },
		"redirect": func(h *action) error {
			if err := h.Redirect("/there"); !errors.Is(err, framework.ErrHeaderWritten) {
				t.Errorf("Redirect returned %v", err)
			}
			return h.RedirectAbort("/there", http.StatusFound)
		},
	} {
		t.Run(name, func(t *testing.T) {
			app, log := appOf(t, func(h *action) error {
				fmt.Fprint(h, "half")
				h.Response.Flush()
				return test(h)
			})
			app.Errors = map[int]framework.ErrorHandler{}
			for _, status := range []int{302, 404, 500} {
				app.Errors[status] = func(h framework.Handler, err error) error {
					t.Error("asked for an error page after half an answer")
					return nil
				}
			}
			answer, body, err := fetch(t, request(t, "GET", start(t, app).URL+"/", ""))
			if answer.StatusCode != 200 || body != "half" || err == nil {
				t.Errorf("answer %d %q, ended by %v", answer.StatusCode, body, err)
			}
			if log.records("level=ERROR", "sent=true") != 1 {
				t.Errorf("log:\n%s", log)
			}
		})
	}
}

func TestWrongContentLengthIsReported(t *testing.T) {
	app, log := appOf(t, func(h *action) error {
		h.Response.Header().Set("Content-Length", "2")
		_, err := io.WriteString(h, "page")
		return err
	})
	answer, body, _ := fetch(t, request(t, "GET", start(t, app).URL+"/", ""))
	if answer.ContentLength != 2 || len(body) > 2 {
		t.Errorf("answer of %d bytes %q", answer.ContentLength, body)
	}
	if log.records("level=ERROR", "Content-Length") != 1 {
		t.Errorf("log:\n%s", log)
	}
}

// If a client disconnects, the action gets an error, and the site logs none.
func TestClientHangsUp(t *testing.T) {
	ended := make(chan error, 1)
	app, log := appOf(t, func(h *action) (err error) {
		defer func() { ended <- err }()
		h.Response.Flush()
		<-h.Context().Done()
		for range 1000 {
			if _, err = h.Write(make([]byte, 32<<10)); err != nil {
				return fmt.Errorf("page: %w", err)
			}
		}
		return nil
	})
	server := start(t, app)
	answer, err := http.Get(server.URL + "/")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if err := <-ended; err == nil {
		t.Error("no Write returned an error")
	}
	server.Close() // waits for the request
	if log.records("level=INFO", "request failed") != 1 || log.records("level=ERROR") != 0 {
		t.Errorf("log:\n%s", log)
	}
}

// A big file is streamed through ReadFrom. A small one is buffered and gets its length.
func TestReadFrom(t *testing.T) {
	for _, size := range []int{0, 1, 4<<10 + 1, 64<<10 - 1, 64 << 10, 64<<10 + 1, 3 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "file")
			content := bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size]
			if err := os.WriteFile(name, content, 0o600); err != nil {
				t.Fatal(err)
			}
			app, _ := appOf(t, func(h *action) error {
				h.Response.BeforeSend(bake("session"))
				file, err := os.Open(name)
				if err != nil {
					return err
				}
				defer file.Close()
				n, err := h.Response.ReadFrom(file)
				if n != int64(size) {
					t.Errorf("ReadFrom returned %d", n)
				}
				return err
			})
			answer, body := get(t, start(t, app).URL+"/")
			if body != string(content) || len(answer.Cookies()) != 1 {
				t.Errorf("%d bytes, cookies %v", len(body), answer.Cookies())
			}
			if want := int64(size); size < 64<<10 && answer.ContentLength != want {
				t.Errorf("Content-Length %d", answer.ContentLength)
			}
		})
	}
}

func TestReadFromReturnsTheErrorOfItsSource(t *testing.T) {
	broken := errors.New("the disk is broken")
	app, _ := appOf(t, func(h *action) error {
		_, err := io.Copy(h.Response, io.MultiReader(strings.NewReader("half"), errorReader{broken}))
		return err
	})
	if answer := ask(app, "GET", "/"); answer.Code != 500 || strings.Contains(answer.Body.String(), "half") {
		t.Errorf("answer %d %q", answer.Code, answer.Body)
	}
}

type errorReader struct{ err error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.err }

func TestServeContentWithRanges(t *testing.T) {
	app, _ := appOf(t, func(h *action) error {
		http.ServeContent(h.Response, h.Request, "a.txt", time.Time{}, strings.NewReader("0123456789"))
		return nil
	})
	r := request(t, "GET", start(t, app).URL+"/", "")
	r.Header.Set("Range", "bytes=2-4")
	answer, body, err := fetch(t, r)
	if err != nil || answer.StatusCode != 206 || body != "234" || answer.ContentLength != 3 {
		t.Errorf("answer %d %q, %v", answer.StatusCode, body, err)
	}
}

// A deadline passes through to the server's own writer.
func TestResponseControllerSetsDeadlines(t *testing.T) {
	app, _ := appOf(t, func(h *action) error {
		return http.NewResponseController(h.Response).SetWriteDeadline(time.Now().Add(time.Minute))
	})
	if answer, body := get(t, start(t, app).URL+"/"); answer.StatusCode != 200 {
		t.Errorf("answer %d %q", answer.StatusCode, body)
	}
}

// A status that is set after the header was written is logged, as in net/http.
func TestStatusAfterSending(t *testing.T) {
	app, _ := appOf(t, func(h *action) error {
		h.Response.Flush()
		h.Response.WriteHeader(http.StatusTeapot)
		return nil
	})
	log := new(logbook)
	server := httptest.NewUnstartedServer(app)
	server.Config.ErrorLog = slog.NewLogLogger(slog.NewTextHandler(log, nil), slog.LevelError)
	server.Start()
	defer server.Close()
	if answer, _ := get(t, server.URL+"/"); answer.StatusCode != 200 || log.records("superfluous response.WriteHeader") != 1 {
		t.Errorf("answer %d, log:\n%s", answer.StatusCode, log)
	}
}

// Trailers arrive, whatever the size of the body and however they are declared.
func TestTrailers(t *testing.T) {
	for _, size := range []int{1, 2 << 10, 2<<10 + 1, 8 << 10} {
		app, _ := appOf(t, func(h *action) error {
			header := h.Response.Header()
			header.Set("Trailer", "Declared")
			_, err := io.WriteString(h, strings.Repeat("x", size))
			header.Set("Declared", "yes")
			return err
		})
		app.Handle("/prefixed", do(app, func(h *action) error {
			_, err := io.WriteString(h, strings.Repeat("x", size))
			h.Response.Header().Set(http.TrailerPrefix+"Prefixed", "yes")
			return err
		}))
		server := start(t, app)
		for path, name := range map[string]string{"/": "Declared", "/prefixed": "Prefixed"} {
			if answer, body := get(t, server.URL+path); answer.Trailer.Get(name) != "yes" || len(body) != size {
				t.Errorf("%d bytes, %s: trailers %v, %d bytes", size, path, answer.Trailer, len(body))
			}
		}
	}
}

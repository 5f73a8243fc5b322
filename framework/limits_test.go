package framework_test

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/internal/alloctest"
)

// A handler may lower App.MaxBodyBytes for itself, whichever way the body is read, and cannot
// raise it.
func TestLimitBody(t *testing.T) {
	for what, read := range map[string]func(h *action) error{
		"Read":       func(h *action) error { _, err := io.Copy(io.Discard, h.Request.Body); return err },
		"ParseForm":  func(h *action) error { return h.ParseForm() },
		"DecodeJSON": func(h *action) error { return h.DecodeJSON(new(string)) },
	} {
		kind, frame := asForm, "a=%s"
		if what == "DecodeJSON" {
			kind, frame = asJSON, `"%s"`
		}
		for _, test := range []struct {
			most, limit int64
			size        int
			status      int
		}{
			{1000, 100, 100, 200}, {1000, 100, 101, 413}, {1000, 0, 10, 413}, {1000, -1, 10, 413},
			{100, 1000, 100, 200}, {100, 1000, 101, 413}, {-1, 100, 100, 200}, {-1, 100, 101, 413},
		} {
			t.Run(fmt.Sprintf("%s MaxBody %d LimitBody %d size %d", what, test.most, test.limit, test.size), func(t *testing.T) {
				t.Parallel()
				app, _ := appOf(t, func(h *action) error { h.LimitBody(test.limit); return read(h) })
				app.MaxBodyBytes = test.most
				body := fmt.Sprintf(frame, strings.Repeat("x", test.size-len(fmt.Sprintf(frame, ""))))
				if answer, text := send(t, app, "POST", kind, body, false); answer.StatusCode != test.status {
					t.Errorf("response %d %q", answer.StatusCode, text)
				}
			})
		}
	}
	t.Run("no body", func(t *testing.T) {
		app, _ := appOf(t, func(h *action) error { h.LimitBody(0); return h.ParseForm() })
		if answer, text := get(t, start(t, app).URL+"/?a=b"); answer.StatusCode != 200 {
			t.Errorf("response %d %q", answer.StatusCode, text)
		}
	})
}

func TestParseFields(t *testing.T) {
	const mixed = "multipart/form-data; boundary=b"
	part := func(header, content string) string {
		return "--b\r\nContent-Disposition: form-data; name=\"name\"" + header + "\r\n\r\n" + content + "\r\n--b--\r\n"
	}
	for name, test := range map[string]struct {
		kind, body string
		status     int
	}{
		"a form":              {asForm, "name=ann", 200},
		"no form":             {asJSON, "{}", 415},
		"nothing":             {asForm, "", 200},
		"with the query":      {asForm, "name=" + strings.Repeat("x", 1000-len("query=yes")-len("name=")), 200},
		"one byte too large":  {asForm, "name=" + strings.Repeat("x", 1001-len("query=yes")-len("name=")), 413},
		"multipart":           {mixed, part("", "ann"), 200},
		"multipart, large":    {mixed, part("", strings.Repeat("x", 1000)), 413},
		"no file was chosen":  {mixed, part(`; filename=""`, ""), 200},
		"a file":              {mixed, part(`; filename="f"`, ""), 400},
		"a large file":        {mixed, part(`; filename="f"`, strings.Repeat("x", 1000)), 413},
		"255 fields":          {asForm, strings.Repeat("a&", 254) + "a", 200}, // and that of the query
		"256 fields":          {asForm, strings.Repeat("a&", 255) + "a", 413},
		"256 empty fields":    {asForm, strings.Repeat("&", 255), 413},
		"a value with many &": {mixed, part("", strings.Repeat("&", 500)), 200},
	} {
		for _, chunked := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " chunked ", chunked), func(t *testing.T) {
				t.Parallel()
				app, log := appOf(t, func(h *action) error {
					if err := h.ParseFields(1000); err != nil {
						return err
					}
					_, err := io.WriteString(h, h.Request.Form.Get("query"))
					return err
				})
				answer, text := send(t, app, "POST", test.kind, test.body, chunked)
				if answer.StatusCode != test.status || test.status == 200 && text != "yes" {
					t.Errorf("response %d %q", answer.StatusCode, text)
				}
				if log.String() != "" {
					t.Errorf("log:\n%s", log)
				}
			})
		}
	}
	for name, query := range map[string]string{"a long query": strings.Repeat("a", 1001), "a query of 257 fields": strings.Repeat("&", 256)} {
		t.Run(name, func(t *testing.T) {
			app, _ := appOf(t, func(h *action) error { return h.ParseFields(1000) })
			if answer, text := get(t, start(t, app).URL+"/?"+query); answer.StatusCode != 413 {
				t.Errorf("response %d %q", answer.StatusCode, text)
			}
		})
	}
	t.Run("257 parts", func(t *testing.T) {
		app, _ := appOf(t, func(h *action) error { return h.ParseFields(1 << 20) })
		body := strings.Repeat(strings.TrimSuffix(part("", "ann"), "--b--\r\n"), 256) + "--b--\r\n"
		if answer, text := send(t, app, "POST", mixed, body, false); answer.StatusCode != 413 {
			t.Errorf("response %d %q", answer.StatusCode, text)
		}
	})
}

// A large form without files is not written to the temporary folder before it is refused.
func TestParseFieldsWritesNoFile(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	app, _ := appOf(t, func(h *action) error {
		err := h.ParseFields(8 << 20)
		if files, wrong := os.ReadDir(os.TempDir()); wrong != nil || len(files) != 0 {
			t.Errorf("in the temporary folder: %v, %v", files, wrong)
		}
		return err
	})
	body := "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\n" + strings.Repeat("x", 4<<20) + "\r\n--b--\r\n"
	if answer, text := send(t, app, "POST", "multipart/form-data; boundary=b", body, false); answer.StatusCode != 400 {
		t.Errorf("response %d %q", answer.StatusCode, text)
	}
}

// spent returns the bytes that f allocates.
func spent(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// FuzzSafeNext checks that a browser resolves the result of SafeNext to a page of this site,
// that it fits in a header, and that SafeNext is cheap.
func FuzzSafeNext(f *testing.F) {
	for _, seed := range []string{
		"", "/", "/account?a=1&b=2", "//evil.example", `/\evil.example`, "/\t/evil.example", "https://evil.example", "/a/../..//evil.example",
		"/%2f/evil.example", "/./ /evil.example", "/@evil.example", "javascript:alert(1)", "/" + strings.Repeat("a", 3000), strings.Repeat("/", 1<<16), "/?" + strings.Repeat("%", 100), "/#/" + strings.Repeat("\xff", 100),
	} {
		f.Add(seed)
	}
	site, err := url.Parse("https://site.example/login")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, next string) {
		var got string
		start := time.Now()
		if allocated := spent(func() { got = framework.SafeNext(next, "") }); allocated > 256<<10 {
			t.Errorf("%d KiB for %d bytes", allocated>>10, len(next))
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%v for %d bytes", took, len(next))
		}
		if got == "" {
			return
		}
		if got != next || len(got) > 2048 {
			t.Errorf("%q became %q", next, got)
		}
		// Browsers drop tabs and line ends, and treat a backslash as a slash.
		seen := strings.NewReplacer("\t", "", "\r", "", "\n", "", `\`, "/").Replace(strings.TrimSpace(got))
		if u, err := site.Parse(seen); err != nil || u.Host != site.Host || u.Scheme != "https" || strings.HasPrefix(seen, "//") {
			t.Errorf("%q leads to %v, %v", got, u, err)
		}
	})
}

// FuzzParseForm parses any body as any kind of form. The result is fields or a 4xx, and the
// cost is bounded by the size.
func FuzzParseForm(f *testing.F) {
	f.Add(asForm, []byte("name=ann&x=%zz"))
	f.Add(asForm, []byte(strings.Repeat("a&", 8000)))
	f.Add("multipart/form-data; boundary=b", []byte("--b\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nann\r\n--b--\r\n"))
	f.Add("multipart/form-data; boundary=b", []byte("--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\nann\r\n--b--\r\n"))
	f.Add("multipart/form-data; boundary=b", []byte(strings.Repeat("--b\r\n\r\n\r\n", 1500)))
	f.Add("multipart/form-data; boundary=b", []byte("--b\r\n"+strings.Repeat("a:\r\n", 4000)))
	f.Add("multipart/form-data; boundary=\"", []byte("--b"))
	f.Add("text/plain", []byte("name=ann"))
	const limit = 16 << 10
	most := uint64(2 << 20)
	if alloctest.RaceEnabled {
		most *= 4
	}
	app := framework.New()
	app.Handle("/", framework.To[fields](app))
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		if strings.ContainsAny(kind, "\r\n\x00") {
			return // no server passes it on
		}
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(string(body)))
		r.Header.Set("Content-Type", kind)
		w := httptest.NewRecorder()
		start := time.Now()
		if allocated := spent(func() { app.ServeHTTP(w, r) }); allocated > most {
			t.Errorf("%d KiB for %d bytes", allocated>>10, len(body))
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%v for %d bytes", took, len(body))
		}
		base, _, _ := mime.ParseMediaType(kind)
		switch w.Code {
		case 200, 400, 413:
		case 415:
			if base == asForm {
				t.Error("a form is not taken for one")
			}
		default:
			t.Errorf("response %d %q", w.Code, w.Body)
		}
		if len(body) > limit && w.Code == 200 && base == asForm {
			t.Errorf("a form of %d bytes was read", len(body))
		}
	})
}

// fields reads a form of 16 KiB without files.
type fields struct{ framework.RequestHandler }

func (h *fields) Post() error {
	err := h.ParseFields(16 << 10)
	if form := h.Request.MultipartForm; err == nil && form != nil && len(form.File) > 0 {
		return errors.New("a file came through")
	}
	return err
}

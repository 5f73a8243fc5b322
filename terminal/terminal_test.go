package terminal_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/creack/pty"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/terminal"
)

// plain returns a logger without colours, and what it has written.
func plain(o terminal.Options) (*slog.Logger, *strings.Builder) {
	var out strings.Builder
	o.Plain = true
	return slog.New(terminal.NewHandler(&out, o)), &out
}

var noon = time.Date(2026, 11, 29, 12, 39, 35, 0, time.Local)

func TestLines(t *testing.T) {
	request := func(status int, path string, took time.Duration, more ...any) []any {
		return append([]any{"method", "GET", "route", "/", "path", path, "status", status, "duration", took}, more...)
	}
	for name, test := range map[string]struct {
		level   slog.Level
		message string
		args    []any
		want    string
	}{
		"a request":           {0, "request", request(200, "/", 400*time.Microsecond), "12:39:35  200  GET    /                            0.4 ms\n"},
		"a long path":         {0, "request", request(404, "/a/long/path/with/many/folders", 12*time.Millisecond), "12:39:35  404  GET    /a/long/path/with/many/folders 12 ms\n"},
		"a slow request":      {0, "request", request(503, "/", 2340*time.Millisecond), "12:39:35  503  GET    /                            2.3 s\n"},
		"a stream":            {0, "request", request(200, "/", 90*time.Second, "aborted", true), "12:39:35  200  GET    /                            1m30s  aborted\n"},
		"a static file":       {0, "request", request(200, "/static/a.css", 0), ""},
		"a lost static file":  {0, "request", request(404, "/static/a.css", 0), "12:39:35  404  GET    /static/a.css                0.0 ms\n"},
		"a hostile path":      {0, "request", request(200, "/\x1b[2J\r\n\u202e\xff", 0), "12:39:35  200  GET    /\\x1b[2J\\r\\n\\u202e\\xff       0.0 ms\n"},
		"another record":      {0, "saved", []any{"user", "ann", "text", "a b", "empty", "", "n", 7}, "12:39:35  INFO   saved  user=ann  text=\"a b\"  empty=\"\"  n=7\n"},
		"a warning":           {4, "slow", nil, "12:39:35  WARN   slow\n"},
		"an error":            {8, "request failed", []any{"error", errors.New("no disk"), "status", 500}, "12:39:35  ERROR  request failed: no disk  status=500\n"},
		"joined errors":       {8, "not started", []any{"error", errors.Join(errors.New("one"), errors.New("two"))}, "12:39:35  ERROR  not started: one\n                 two\n"},
		"hostile text":        {0, "a\x1b[31m", []any{"k\x1b", "v\x07"}, "12:39:35  INFO   a\\x1b[31m  k\\x1b=v\\a\n"},
		"a group":             {0, "m", []any{slog.Group("g", "a", 1, slog.Group("h", "b", 2))}, "12:39:35  INFO   m  g.a=1  g.h.b=2\n"},
		"debug":               {-4, "m", nil, ""},
		"not of framework":    {0, "request", []any{"to", "x"}, "12:39:35  INFO   request  to=x\n"},
		"not of a server":     {0, "listening", nil, "12:39:35  INFO   listening\n"},
		"a stack of no shape": {8, "m", []any{"stack", "one\ntwo\nthree\n"}, "12:39:35  ERROR  m\n    one\n    two\n    three\n"},
	} {
		t.Run(name, func(t *testing.T) {
			log, out := plain(terminal.Options{})
			record := slog.NewRecord(noon, test.level, test.message, 0)
			record.Add(test.args...)
			if log.Enabled(t.Context(), test.level) {
				if err := log.Handler().Handle(t.Context(), record); err != nil {
					t.Fatal(err)
				}
			}
			if out.String() != test.want {
				t.Errorf("got  %q\nwant %q", out, test.want)
			}
		})
	}
}

func TestWelcome(t *testing.T) {
	for address, want := range map[string]string{
		"http://127.0.0.1:8080": "http://127.0.0.1:8080\n",
		"http://[::]:8080":      "http://127.0.0.1:8080   (other machines can reach it too)\n",
		"http://0.0.0.0:8080":   "http://127.0.0.1:8080   (other machines can reach it too)\n",
		"https://10.0.0.7:8443": "https://10.0.0.7:8443   (other machines can reach it too)\n",
		"http://[::1]:8080":     "http://[::1]:8080\n",
	} {
		var out strings.Builder
		h := terminal.NewHandler(&out, terminal.Options{Name: "shop", Notes: [][2]string{{"data", "in memory"}}, Plain: true})
		h.Note("log in as", "admin")
		slog.New(h).Info("listening", "address", address)
		want = "\n  shop        " + want + "  data        in memory\n  log in as   admin\n  stop        Ctrl-C\n\n"
		if out.String() != want {
			t.Errorf("%s: got\n%swant\n%s", address, &out, want)
		}
	}
	var none *terminal.Handler
	none.Note("a", "b") // as without a terminal
}

// The colours say how a request ended.
func TestColours(t *testing.T) {
	t.Setenv("NO_COLOR", "")
	for status, code := range map[int]string{200: "32", 302: "36", 404: "33", 500: "1;31"} {
		var out strings.Builder
		slog.New(terminal.NewHandler(&out, terminal.Options{})).Info("request", "path", "/", "status", status)
		if want := fmt.Sprintf("\x1b[%sm%d\x1b[0m", code, status); !strings.Contains(out.String(), want) {
			t.Errorf("got %q, want %q", &out, want)
		}
	}
	t.Setenv("NO_COLOR", "1")
	var out strings.Builder
	slog.New(terminal.NewHandler(&out, terminal.Options{})).Error("m", "a", 1)
	if strings.Contains(out.String(), "\x1b") {
		t.Errorf("NO_COLOR is set: %q", &out)
	}
}

func panics() (stack string) {
	defer func() {
		recover()
		stack = string(debug.Stack())
	}()
	var none []int
	return fmt.Sprint(none[len(none)])
}

// The frames of the program come first, with a path from the working directory. What
// handles the panic is left out.
func TestStack(t *testing.T) {
	log, out := plain(terminal.Options{})
	log.Error("request failed", "stack", panics())
	lines := strings.Split(out.String(), "\n")
	if !regexp.MustCompile(`^    terminal_test\.go:\d+  \S+terminal_test\.panics$`).MatchString(lines[1]) ||
		!regexp.MustCompile(`^    terminal_test\.go:\d+  \S+terminal_test\.TestStack$`).MatchString(lines[2]) {
		t.Errorf("the program's frames are not first:\n%s", out)
	}
	if !regexp.MustCompile(`(?m)^      \S+testing\.go:\d+  testing\.tRunner$`).MatchString(out.String()) {
		t.Errorf("the other frames are missing:\n%s", out)
	}
	if strings.Contains(out.String(), "debug.Stack") || strings.Contains(out.String(), "panics.func1") {
		t.Errorf("it has the frames that handle the panic:\n%s", out)
	}
}

// A handler that panics is shown with its own line first.
func TestPanicOfAHandler(t *testing.T) {
	log, out := plain(terminal.Options{})
	app := framework.New()
	app.Log, app.RequestLog = log, log
	app.Handle("/boom", framework.To[boom](app))
	app.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/boom", nil))
	want := `(?m)^\S+  ERROR  request failed: framework: panic: out of pencils  status=500  id=\w+  method=GET  path=/boom  sent=false\n` +
		`    terminal_test\.go:\d+  \S+terminal_test\.\(\*boom\)\.Get\n`
	if !regexp.MustCompile(want).MatchString(out.String()) || !strings.Contains(out.String(), "  500  GET    /boom ") {
		t.Errorf("got\n%s", out)
	}
}

type boom struct{ framework.RequestHandler }

func (*boom) Get() error { panic("out of pencils") }

// A handler obeys the rules of log/slog.
func TestSlog(t *testing.T) {
	var out strings.Builder
	h := terminal.NewHandler(&out, terminal.Options{Plain: true})
	err := slogtest.TestHandler(h, func() (results []map[string]any) {
		for line := range strings.Lines(out.String()) {
			results = append(results, parse(t, line))
		}
		return results
	})
	if err != nil {
		t.Error(err)
	}
}

func parse(t *testing.T, line string) map[string]any {
	t.Helper()
	parts := regexp.MustCompile(`^(\S*) +([A-Z]+) +(.*?)((?:  \S+=\S+)*)\n$`).FindStringSubmatch(line)
	if parts == nil {
		t.Fatalf("%q", line)
	}
	result := map[string]any{slog.LevelKey: parts[2], slog.MessageKey: parts[3]}
	if parts[1] != "" {
		result[slog.TimeKey] = parts[1]
	}
	for pair := range strings.FieldsSeq(parts[4]) {
		key, value, _ := strings.Cut(pair, "=")
		group := result
		names := strings.Split(key, ".")
		for _, name := range names[:len(names)-1] {
			if group[name] == nil {
				group[name] = map[string]any{}
			}
			group = group[name].(map[string]any)
		}
		group[names[len(names)-1]] = value
	}
	return result
}

// Records of several goroutines are never mixed.
func TestConcurrent(t *testing.T) {
	log, out := plain(terminal.Options{})
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() { log.With("i", i).Info("m", "stack", "a\nb") })
	}
	all.Wait()
	if n := len(regexp.MustCompile(`(?m)^\S+  INFO   m  i=\d+\n    a\n    b\n`).FindAllString(out.String(), -1)); n != 50 {
		t.Errorf("%d records are whole\n%s", n, out)
	}
}

// On a terminal Use shows lines for a person, and Ctrl-C ends the program with status 0.
// Without one, the log is what it was.
func TestUse(t *testing.T) {
	const variable = "TERMINAL_PROGRAM"
	if os.Getenv(variable) != "" {
		terminal.Use(terminal.Options{Name: "shop"})
		app := framework.New()
		app.RequestLog = slog.Default()
		if err := framework.Serve(context.Background(), app); err != nil {
			slog.Error("not served", "error", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	program := func() *exec.Cmd {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		t.Cleanup(cancel)
		command := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestUse$")
		command.Env = append(os.Environ(), variable+"=1", "PORT=0", "TERM=xterm", "NO_COLOR=")
		return command
	}
	address := regexp.MustCompile(`http://[^\s\x1b]+`)

	t.Run("a terminal", func(t *testing.T) {
		command := program()
		screen, err := pty.Start(command)
		if err != nil {
			t.Fatal(err)
		}
		defer screen.Close()
		seen := readUntil(t, screen, "Ctrl-C\r\n")
		url := address.FindString(seen)
		if !strings.Contains(seen, "\x1b[1mshop\x1b[0m") || !strings.HasPrefix(url, "http://127.0.0.1:") {
			t.Fatalf("it shows %q", seen)
		}
		response, err := http.Get(url + "/nowhere")
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if seen := readUntil(t, screen, "ms\x1b[0m\r\n"); !strings.Contains(seen, "\x1b[33m404\x1b[0m  GET    /nowhere") {
			t.Errorf("it shows %q", seen)
		}
		if _, err := screen.WriteString("\x03"); err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, screen)
		if err := command.Wait(); err != nil {
			t.Errorf("after Ctrl-C: %v", err)
		}
	})
	t.Run("none", func(t *testing.T) {
		command := program()
		log, err := command.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		if seen := readUntil(t, log, "\n"); !regexp.MustCompile(`^[\d/]+ [\d:]+ INFO listening address=http://`).MatchString(seen) {
			t.Errorf("it shows %q", seen)
		}
		command.Process.Signal(os.Interrupt)
		if err := command.Wait(); err != nil {
			t.Error(err)
		}
	})
}

// readUntil reads until it has seen the text.
func readUntil(t *testing.T, r io.Reader, text string) string {
	t.Helper()
	var seen []byte
	for b := make([]byte, 1); !strings.Contains(string(seen), text); {
		if _, err := r.Read(b); err != nil {
			t.Fatalf("%q, %v", seen, err)
		}
		seen = append(seen, b[0])
	}
	return string(seen)
}

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestMain makes the test binary act as the program, because the program starts itself.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-test.") {
		if err := run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr); err != nil {
			panic(err)
		}
		return
	}
	os.Exit(m.Run())
}

// command runs the program in a folder of its own, and returns what it prints.
func command(t *testing.T, ctx context.Context, arguments ...string) (out, progress string, err error) {
	t.Helper()
	var o, p bytes.Buffer
	err = run(ctx, append([]string{"-time", "200us", "-rounds", "1"}, arguments...), strings.NewReader(""), &o, &p)
	return o.String(), p.String(), err
}

// hashing returns a handler that does n times the work of hashing(1).
func hashing(n int) http.Handler {
	var page [4096]byte
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for range n {
			sha256.Sum256(page[:])
		}
		writeText(w, helloBody)
	})
}

func TestPairsTellFastFromSlow(t *testing.T) {
	const run = 2 * time.Millisecond
	for name, pairOf := range map[string]func(fast, slow *client) pair{
		"processor time": func(fast, slow *client) pair { return servedPair(fast, slow, run, processorTime) },
		"passed time":    func(fast, slow *client) pair { return servedPair(fast, slow, run, passedTime) },
		"plain":          func(fast, slow *client) pair { return plainPair(fast, slow, run) },
	} {
		fast, slow, err := newClients(scenarios[0].newClient, hashing(1), hashing(16))
		if err != nil {
			t.Fatal(err)
		}
		p, r := pairOf(fast, slow), new(result)
		p.finish = allocations(fast, slow)
		if err := p.measure(t.Context(), 9, r); err != nil {
			t.Fatal(err)
		}
		if s := r.ratio(); len(r.Floor) != 9 || s.median < 4 || s.low > s.median || s.high < s.median {
			t.Errorf("%s: sixteen times the work is measured as %+v times", name, s)
		}
		if r.Allocations[0] != r.Allocations[1] {
			t.Errorf("%s: the same handler allocates %v times", name, r.Allocations)
		}
	}
}

func TestClientAllocatesNothing(t *testing.T) {
	body := []byte(helloBody)
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(body) })
	for _, form := range []string{"", loginForm} {
		c := &client{handler: handler, form: form, requests: []*http.Request{newRequest("POST", "/", "", "")}}
		if n := testing.AllocsPerRun(100, c.once); n != 0 {
			t.Errorf("with the form %q the client allocates %v times a request", form, n)
		}
	}
}

func TestPlainWriterOffersNothingElse(t *testing.T) {
	c := &client{bare: true, requests: []*http.Request{newRequest("GET", "/", "", "")}}
	c.handler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if _, ok := w.(io.StringWriter); ok {
			t.Error("the writer has WriteString")
		}
		if _, ok := w.(http.Flusher); ok {
			t.Error("the writer has Flush")
		}
	})
	c.once()
}

func TestClientSeesAWrongResponse(t *testing.T) {
	if _, err := sessionRead.newClient(floorPlain()); err == nil {
		t.Error("a site without sessions passes for one with them")
	}
	if _, err := scenarios[0].newClient(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { writeText(w, "Goodbye") })); err == nil {
		t.Error("a wrong body passes")
	}
}

func TestCommandsAreCounted(t *testing.T) {
	for _, s := range stores {
		t.Run(s.name, func(t *testing.T) {
			sites := s.need(t, true)
			for path, want := range wantCommands[s.name] {
				for i, site := range []http.Handler{sites.below, sites.above} {
					c, err := scenario{method: "GET", path: path, session: true}.newClient(site)
					if err != nil {
						t.Fatal(err)
					}
					n, err := sites.count(func() { c.run(20) })
					if got := n.text(20); err != nil || got != want[i] {
						t.Errorf("%s costs %q, %v, not %q", path, got, err, want[i])
					}
				}
			}
		})
	}
}

// wantCommands are the commands that a request sends to the store, by store and page:
// those of the site that webapp2go is compared with, then those of webapp2go.
var wantCommands = map[string]map[string][2]string{
	"memcached": {
		"/hello": {"none", "none"},
		"/read":  {"1 get", "1 get"},
		"/write": {"1 get + 1 cas", "1 get + 1 cas"},
		"/start": {"1 set or add", "1 get"}, // the session has these values already
	},
	"sqlite": {
		"/hello": {"1 SELECT", "none"}, // scs reads the session in each request
		"/read":  {"1 SELECT", "1 SELECT"},
		"/write": {"1 SELECT + 1 REPLACE", "1 SELECT + 1 UPDATE"},
	},
	"postgresql": {
		"/hello": {"1 SELECT", "none"},
		"/read":  {"1 SELECT", "1 SELECT"},
		"/write": {"1 SELECT + 1 INSERT", "1 SELECT + 1 UPDATE"},
	},
	"valkey": {
		"/hello": {"1 GET", "none"},
		"/read":  {"1 GET", "1 GET"},
		"/write": {"1 GET + 1 SET", "1 GET + 1 EVALSHA"},
	},
}

func TestLoadChecksResponses(t *testing.T) {
	s, err := startServer(floor.name)
	if err != nil {
		t.Fatal(err)
	}
	defer s.stop()
	if n, taken, err := s.load(20 * time.Millisecond); err != nil || n == 0 || taken < 20*time.Millisecond {
		t.Errorf("%d requests in %v, %v", n, taken, err)
	}
	s.cookie = ""
	if _, _, err := s.load(time.Millisecond); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("a wrong response is reported as %v", err)
	}
	if err := serve("nobody", strings.NewReader(""), io.Discard); err == nil {
		t.Error("an unknown contender is served")
	}
}

func TestEverythingIsMeasuredAndDocumented(t *testing.T) {
	for _, s := range stores {
		s.needServer(t)
	}
	folder := t.TempDir()
	t.Chdir(folder)
	if err := errors.Join(os.Mkdir("images", 0o755), os.WriteFile("performance.md", []byte("before\n"+beginMark+"\nold\n"+endMark+"\nafter\n"), 0o644)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := command(t, t.Context(), "-run", "hello/", "-doc", folder); err == nil || !strings.Contains(err.Error(), "-resume") {
		t.Errorf("an incomplete document: %v", err)
	}
	out, progress, err := command(t, t.Context(), "-resume", "-doc", folder)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(progress, "hello/") || !strings.Contains(progress, "left") {
		t.Errorf("-resume measures anew, or the progress has no estimate:\n%s", progress)
	}
	document, err := os.ReadFile("performance.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := "before\n" + beginMark + "\n\n" + out + "\n" + endMark + "\nafter\n"; string(document) != want {
		t.Errorf("the document is\n%s\nnot\n%s", document, want)
	}
	for _, row := range []string{controlName, "hello", "hello, Set", "routing, n = 1000, on a host", "memcached, session write", "sqlite, session read", "postgresql, session write", "valkey, session read", "gorilla", "login by LogIn", "hello, allocations", "end to end, requests a second to the fastest peer's"} {
		if !strings.Contains(out, "\n| "+row+" ") {
			t.Errorf("there is no row %q in\n%s", row, out)
		}
	}
	for _, name := range []string{"cost.svg", "routing.svg"} {
		data, err := os.ReadFile(filepath.Join("images", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := xml.Unmarshal(data, new(struct{ XMLName xml.Name })); err != nil || strings.Contains(string(data), "NaN") {
			t.Errorf("%s: %v\n%s", name, err, data)
		}
	}
}

func TestInterruptedRunKeepsWhatItMeasured(t *testing.T) {
	t.Chdir(t.TempDir())
	ctx, stop := context.WithCancel(t.Context())
	rec := newRecord(1, time.Millisecond)
	rows := slices.DeleteFunc(allRows(rec.Run), func(r row) bool { return r.name != "hello" })
	err := measureAll(ctx, rows, rec, func() error { stop(); return rec.save("results.json") }, io.Discard)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("it ends with %v", err)
	}
	kept, err := loadRecord("results.json")
	if err != nil || len(kept.Results) != 1 || kept.find("hello/served", webapp2go.name) == nil {
		t.Errorf("kept is %+v, %v", kept, err)
	}
	if _, _, err := command(t, t.Context(), "-resume"); err == nil || !strings.Contains(err.Error(), "-time 1ms") {
		t.Errorf("another length of runs is resumed: %v", err)
	}
	kept.Run, kept.Build = 200*time.Microsecond, "another"
	if err := kept.save("results.json"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := command(t, t.Context(), "-resume"); err == nil || !strings.Contains(err.Error(), "another build") {
		t.Errorf("another build's run is resumed: %v", err)
	}
	if out, _, err := command(t, t.Context(), "-resume", "-run", "hello/served", "-contenders", "^webapp2go$"); err != nil || !strings.Contains(out, "| hello ") {
		t.Errorf("what another build measured is not printed: %v\n%s", err, out)
	}
	if _, _, err := command(t, ctx, "-run", "hello/"); err == nil || !strings.Contains(err.Error(), "-resume") {
		t.Errorf("an interrupted program ends with %v", err)
	}
}

func TestTwoBuildsAreCompared(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	out, _, err := command(t, t.Context(), "-against", self, "-pairs", "2", "-run", "hello/served")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out, "| hello/served, webapp2go |") || !strings.Contains(out, "1 to 1") {
		t.Errorf("it prints\n%s", out)
	}
}

func TestWrongFlagsAreExplained(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, arguments := range [][]string{{"hello"}, {"-rounds", "0"}, {"-run", "("}, {"-contenders", "("}, {"-run", "nothing of that name"}, {"-resume"}, {"-against", "./nothing"}} {
		if _, _, err := command(t, t.Context(), arguments...); err == nil {
			t.Errorf("%q is no error", arguments)
		}
	}
}

func TestLimits(t *testing.T) {
	for _, test := range []struct {
		limit   limit
		verdict string
	}{
		{limit{"", 1.5, false, summary{1.5, 1.4, 1.6}}, "met"},
		{limit{"", 1.5, false, summary{1.6, 1.5, 1.7}}, "met"},
		{limit{"", 1.5, false, summary{1.6, 1.51, 1.7}}, "missed"},
		{limit{"", 1.1, true, summary{1.05, 1.0, 1.1}}, "met"},
		{limit{"", 1.1, true, summary{1.05, 1.0, 1.09}}, "missed"},
	} {
		if got := test.limit.verdict(); got != test.verdict {
			t.Errorf("%s: %+v is %s, not %s", test.limit, test.limit.measured, got, test.verdict)
		}
	}
}

func TestSummary(t *testing.T) {
	r := result{Floor: []float64{1, 1, 2, 1, 1}, Subject: []float64{1, 2, 6, 4, 5}}
	if s := r.ratio(); s.median != 3 || s.low >= 2.1 || s.high <= 3.9 {
		t.Errorf("the ratios 1 2 3 4 5 give %+v", s)
	}
	if s := r.speed(); s.median != 1/r.ratio().median || s.low != 1/r.ratio().high {
		t.Errorf("the speed is %+v", s)
	}
	for ratio, want := range map[float64]string{0.314: "0.31", 9.99: "9.99", 12.34: "12.3", 115.2: "115"} {
		if got := ratioText(ratio); got != want {
			t.Errorf("%v prints %q, not %q", ratio, got, want)
		}
	}
}

func TestTableIsAligned(t *testing.T) {
	table, b := newTable("Title", "floor", "limit"), new(bytes.Buffer)
	table.add("hello", "1.5µs", "≤ 2")
	table.add("a longer name")
	table.print(b)
	want := `
### Title

|               | floor | limit |
| ---           | ---:  | ---:  |
| hello         | 1.5µs | ≤ 2   |
| a longer name |       |       |
`
	if b.String() != want {
		t.Errorf("it prints\n%s\nnot\n%s", b, want)
	}
}

package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/internal/postgrestest"
)

var kills = flag.Int("kills", 2, "how often TestKilledUnderLoad kills the demo")

func TestData(t *testing.T) {
	home := t.TempDir()
	file := filepath.Join(home, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for _, test := range []struct {
		name      string
		args      string
		variables []string
		want      string // sessions, users and folder
		mistake   string
	}{
		{"nothing is said", "", nil, "sql sql " + home + "/webapp2go-demo", ""},
		{"no XDG_DATA_HOME", "", []string{"XDG_DATA_HOME", "", "HOME", home}, "sql sql " + home + "/.local/share/webapp2go-demo", ""},
		{"a folder", "-data=" + folder, nil, "sql sql " + folder, ""},
		{"a folder, by variable", "", []string{"DATA", folder}, "sql sql " + folder, ""},
		{"nothing is kept", "-data=memory", nil, "memory memory memory", ""},
		{"users are kept", "-sessions=memory", nil, "memory sql " + home + "/webapp2go-demo", ""},
		{"cookies", "-sessions=cookie -users=memory", nil, "cookie memory " + home + "/webapp2go-demo", ""},
		{"cookies with a key", "-sessions=cookie -users=memory", []string{"SESSION_KEYS", goodKey}, "cookie memory ", ""},
		{"PostgreSQL", "-sql=postgres://x", nil, "sql sql ", ""},
		{"PostgreSQL and nothing else", "-sql=postgres://x -data=memory", nil, "sql sql memory", ""},
		{"Valkey", "-sessions=valkey", nil, "valkey sql " + home + "/webapp2go-demo", ""},
		{"Datastore", "-sessions=datastore", nil, "datastore datastore ", ""},
		{"the cloud", "", []string{"K_SERVICE", "x"}, "datastore datastore ", ""},
		{"PostgreSQL in the cloud", "-sessions=sql -sql=postgres://x", []string{"K_SERVICE", "x"}, "sql sql ", ""},

		{"a file in memory", "-data=memory -sessions=sql", nil, "", "--data=memory keeps nothing"},
		{"no such folder", "-data=" + home + "/none", nil, "", "make it with mkdir -p"},
		{"not a folder", "-data=" + file, nil, "", "is not a folder"},
		{"a relative home", "", []string{"XDG_DATA_HOME", "data"}, "", "XDG_DATA_HOME"},
		{"no home", "", []string{"XDG_DATA_HOME", "", "HOME", ""}, "", "name a folder with --data=FOLDER"},
		{"a home that is read-only", "", []string{"XDG_DATA_HOME", "/proc"}, "", "name another with --data=FOLDER"},
		{"a file in the cloud", "-sessions=sql", []string{"K_SERVICE", "x"}, "", "not started on Cloud Run"},
		{"users in a file in the cloud", "-users=sql", []string{"GAE_ENV", "standard"}, "", "not started on App Engine"},
		{"a folder in the cloud", "-data=/tmp", []string{"K_SERVICE", "x"}, "", "leave it out"},
	} {
		t.Run(test.name, func(t *testing.T) {
			setenv(t, slices.Concat([]string{"XDG_DATA_HOME", home}, test.variables)...)
			c, err := configure(strings.Fields(test.args), io.Discard)
			switch {
			case test.mistake != "" && (err == nil || !strings.Contains(err.Error(), test.mistake)):
				t.Errorf("error %v, want %q", err, test.mistake)
			case test.mistake == "" && err != nil:
				t.Error(err)
			case test.mistake == "" && c.Sessions+" "+c.Users+" "+c.Data != test.want:
				t.Errorf("%s %s %s, want %s", c.Sessions, c.Users, c.Data, test.want)
			}
		})
	}
}

// The password in the URL of PostgreSQL is not logged.
func TestURLIsSecret(t *testing.T) {
	setenv(t)
	c, err := configure([]string{"-sql=postgres://ann:hush@host/db"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	c.logger(io.Discard, &text).Info("starting", "settings", c)
	if strings.Contains(text.String(), "hush") || !strings.Contains(text.String(), "settings.sql=(secret)") {
		t.Error(text.String())
	}
}

// If the demo starts twice at once for the first time, both use one key. Other users cannot
// read it.
func TestFirstKey(t *testing.T) {
	folder := t.TempDir()
	var keys [8]string
	var group sync.WaitGroup
	for i := range keys {
		group.Go(func() {
			found, err := fileKeys(folder)
			if err != nil {
				t.Error(err)
				return
			}
			keys[i] = string(found[0].Hash)
		})
	}
	group.Wait()
	if len(keys[0]) < 32 || slices.ContainsFunc(keys[:], func(key string) bool { return key != keys[0] }) {
		t.Errorf("the keys differ: %q", keys)
	}
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 1 {
		t.Fatalf("%v, %v", entries, err)
	}
	if info, err := entries[0].Info(); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := os.WriteFile(filepath.Join(folder, keyFile), []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := fileKeys(folder); err == nil || !strings.Contains(err.Error(), "delete the file") {
		t.Errorf("a broken key: %v", err)
	}
	if _, err := fileKeys("/proc"); err == nil || !strings.Contains(err.Error(), "--data=FOLDER") {
		t.Errorf("a folder that is read-only: %v", err)
	}
}

// A demonstration is the demo as another process, which can be killed and started again.
type demonstration struct {
	t       *testing.T
	args    []string
	env     []string
	url     string
	command *exec.Cmd
	log     strings.Builder
	read    chan struct{}
}

func newDemonstration(t *testing.T, args ...string) *demonstration {
	port := freePort(t)
	d := &demonstration{t: t, url: "http://127.0.0.1:" + port, args: append(args, "-addr=127.0.0.1:"+port, "-request-log=false")}
	t.Cleanup(func() {
		if d.command != nil {
			d.kill()
		}
	})
	return d
}

// start starts it, and returns how long it takes until it responds.
func (d *demonstration) start() time.Duration {
	d.t.Helper()
	d.command = exec.Command(os.Args[0], d.args...)
	d.command.Env = append([]string{"DEMO_TEST_MAIN=1", endsAtOnce, "PATH=" + os.Getenv("PATH")}, d.env...)
	errout, err := d.command.StderrPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	began := time.Now()
	if err := d.command.Start(); err != nil {
		d.t.Fatal(err)
	}
	d.log.Reset()
	d.read = make(chan struct{})
	go func() {
		defer close(d.read)
		io.Copy(&d.log, bufio.NewReader(errout))
	}()
	for {
		res, err := http.Get(d.url + "/login")
		if err == nil {
			res.Body.Close()
			return time.Since(began)
		}
		if time.Since(began) > time.Minute {
			d.kill()
			d.t.Fatalf("it does not start: %v\n%s", err, &d.log)
		}
		time.Sleep(time.Millisecond)
	}
}

func (d *demonstration) kill() {
	d.command.Process.Kill()
	d.command.Wait()
	<-d.read
	d.command = nil
}

// browser returns a new visitor of it.
func (d *demonstration) browser(t *testing.T) *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{t, d.url, http.Client{Jar: jar, Timeout: time.Minute}}
}

// databases are the flags for each place where the demo keeps users and sessions.
var databases = map[string]func(t *testing.T) []string{
	"SQLite":     func(t *testing.T) []string { return []string{"-data=" + t.TempDir()} },
	"PostgreSQL": func(t *testing.T) []string { return []string{"-sql=" + postgrestest.Shared(t), "-data=" + t.TempDir()} },
}

// Users stay logged in when the demo stops and starts again.
func TestStopAndStart(t *testing.T) {
	home := t.TempDir()
	d := newDemonstration(t)
	d.env = []string{"XDG_DATA_HOME=" + home}
	d.start()
	v := d.browser(t)
	v.sees(200, "/signup", "ann", "name", "ann", "password", "correct horse battery")
	v.sees(200, "/cart", "Field notebook is in your cart.", "product", "notebook", "action", "add")
	d.kill()
	if made := madeAdmin.FindString(d.log.String()); made == "" || !strings.Contains(d.log.String(), filepath.Join(home, "webapp2go-demo")) {
		t.Errorf("the first start logs\n%s", &d.log)
	}
	d.start()
	v.sees(200, "/account", "ann")
	v.sees(200, "/cart", "€ 12.50</strong>")
	d.kill()
	if strings.Contains(d.log.String(), "password=") {
		t.Errorf("the second start makes another user:\n%s", &d.log)
	}
	for _, name := range []string{"", dataFile, dataFile + "-wal", dataFile + "-shm", keyFile} {
		info, err := os.Stat(filepath.Join(home, "webapp2go-demo", name))
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%q: %v, %v", name, info, err)
		}
	}
}

// TestKilledUnderLoad kills the demo again and again while visitors read pages that count their
// visits, and others sign up. What was acknowledged is there after the restart, which takes
// less than a second. No visitor gets another visitor's session.
func TestKilledUnderLoad(t *testing.T) {
	for name, database := range databases {
		t.Run(name, func(t *testing.T) {
			d := newDemonstration(t, database(t)...)
			d.env = []string{"SESSION_KEYS=" + goodKey}
			d.start()
			counters := make([]*counter, 6)
			for i := range counters {
				counters[i] = &counter{visitor: d.browser(t), name: fmt.Sprintf("user-%d-", i)}
				counters[i].sees(200, "/signup", counters[i].name, "name", counters[i].name, "password", password, "next", "/account")
			}
			var starts []time.Duration
			counted, signedUp := 0, 0
			for round := range *kills {
				var group sync.WaitGroup
				for _, c := range counters {
					group.Go(func() {
						for {
							visits, _ := c.visit()
							if visits == 0 {
								return // it was killed
							}
							c.visits = visits
							c.counted++
						}
					})
				}
				var names []string
				var once sync.Once
				first := make(chan struct{}) // the first sign-up
				newcomer := d.browser(t)
				group.Go(func() {
					for i := 0; ; i++ {
						name := fmt.Sprintf("new-%d-%d", round, i)
						res, err := newcomer.PostForm(d.url+"/signup", url.Values{"name": {name}, "password": {password}, "next": {"/account"}})
						if err != nil {
							return
						}
						page, err := io.ReadAll(res.Body)
						res.Body.Close()
						if err != nil {
							return
						}
						if res.StatusCode == 200 && strings.Contains(string(page), name) {
							names = append(names, name)
							once.Do(func() { close(first) })
						}
						newcomer.Jar, _ = cookiejar.New(nil)
					}
				})
				select {
				case <-first:
				case <-time.After(10 * time.Second): // a hash of a password takes long on a busy machine
				}
				time.Sleep(time.Duration(round%10) * 30 * time.Millisecond)
				d.kill()
				group.Wait()
				starts = append(starts, d.start())
				for _, c := range counters {
					// The request that was under way when it was killed may have counted.
					visits, page := c.visit()
					if visits != c.visits+1 && visits != c.visits+2 {
						t.Fatalf("%s has %d visits after %d were acknowledged", c.name, visits, c.visits)
					}
					c.visits = visits
					if found := owner.FindString(page); found != c.name {
						t.Fatalf("%s is logged in as %q", c.name, found)
					}
					counted += c.counted
					c.counted = 0
				}
				for _, name := range names {
					d.browser(t).sees(200, "/login", name, "name", name, "password", password, "next", "/account")
				}
				signedUp += len(names)
			}
			slices.Sort(starts)
			t.Logf("%d kills, %d visits and %d sign-ups were acknowledged, none is lost; starts take %v to %v", *kills, counted, signedUp, starts[0], starts[len(starts)-1])
			if fastest := starts[0]; *kills >= 20 && fastest > time.Second { // with fewer kills, others use the machine too
				t.Errorf("a start takes %v", fastest)
			}
		})
	}
}

const password = "correct horse battery"

// A counter is a visitor who is logged in, and counts the visits of the first page.
type counter struct {
	*visitor
	name    string
	visits  int // the number on the last page
	counted int // since the last restart
}

var (
	visits = regexp.MustCompile(`id="visits">(\d+)<`)
	owner  = regexp.MustCompile(`user-\d+-`)
)

// visit returns the number on the page and the page, or 0 if it cannot be read.
func (c *counter) visit() (int, string) {
	res, err := c.Get(c.url + "/")
	if err != nil {
		return 0, ""
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	found := visits.FindSubmatch(page)
	if err != nil || found == nil {
		return 0, ""
	}
	n, _ := strconv.Atoi(string(found[1]))
	return n, string(page)
}

// If a SQL server or a Valkey is down, the error is one line that names the flag.
func TestDatabaseThatIsDown(t *testing.T) {
	for flag, args := range map[string][]string{
		"--sql":    {"-sql=postgres://ann:hush@127.0.0.1:1/db?sslmode=disable"},
		"--valkey": {"-sessions=valkey", "-users=memory", "-valkey=127.0.0.1:1"},
	} {
		t.Run(flag, func(t *testing.T) {
			t.Parallel()
			var errout strings.Builder
			command := program(t, args...)
			command.Env = append(command.Env, "DEMO_TEST_MAIN=impatient")
			command.Stderr = &errout
			if got := exitStatus(t, command.Run()); got != 1 || !strings.Contains(errout.String(), "demo: "+flag) || strings.Contains(errout.String(), "hush") {
				t.Errorf("status %d\n%s", got, &errout)
			}
		})
	}
}

// The tests run what the build tag servers links.
func TestServersAreTested(t *testing.T) {
	var code [2]string
	for i, name := range []string{"servers.go", "servers_test.go"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		_, code[i], _ = strings.Cut(string(text), "package main\n")
	}
	if code[0] != code[1] || code[0] == "" {
		t.Error("servers.go and servers_test.go differ below their first lines")
	}
}

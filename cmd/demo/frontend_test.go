package main

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// An instance is the program as App Engine runs it: the variables of its runtime, a
// port, and a working directory in which nothing can be made.
type instance struct {
	*exec.Cmd
	address  string
	out, err bytes.Buffer // to be read when it has ended
	ended    chan error
}

// startInstance starts the program and waits until it is warm.
func startInstance(t *testing.T, environment ...string) *instance {
	t.Helper()
	port := freePort(t)
	i := &instance{Cmd: program(t), address: "127.0.0.1:" + port, ended: make(chan error, 1)}
	i.Dir = filepath.Join(t.TempDir(), "srv")
	if err := os.Mkdir(i.Dir, 0o555); err != nil {
		t.Fatal(err)
	}
	i.Env = slices.Concat(i.Env, []string{
		"GAE_ENV=standard", "GAE_RUNTIME=go126", "GAE_SERVICE=default", "GAE_VERSION=1", "GAE_INSTANCE=" + port,
		"GAE_DEPLOYMENT_ID=1", "GAE_APPLICATION=e~shop", "GAE_MEMORY_MB=384", "HOME=/root", "PORT=" + port,
		"DRAIN_TIMEOUT=30s", // as this machine may be slow
	}, environment)
	i.Stdout, i.Stderr = &i.out, &i.err
	if err := i.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { i.ended <- i.Wait() }()
	t.Cleanup(func() { i.Process.Kill() })
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		answer, err := http.Get("http://" + i.address + "/_ah/warmup")
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode != http.StatusOK {
				t.Fatalf("/_ah/warmup: %s", answer.Status)
			}
			return i
		}
		select {
		case err := <-i.ended:
			t.Fatalf("the instance ended: %v\n%s%s", err, &i.out, &i.err)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// terminate sends SIGTERM and returns when the instance takes no connections any more.
func (i *instance) terminate(t *testing.T) {
	t.Helper()
	if err := i.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		connection, err := net.Dial("tcp", i.address)
		if err != nil {
			return
		}
		connection.Close()
	}
	t.Fatal("it goes on taking connections")
}

// logged waits for the end of the instance and returns all that it has written.
func (i *instance) logged(t *testing.T) string {
	t.Helper()
	if err := <-i.ended; err != nil {
		t.Errorf("%v\n%s", err, &i.err)
	}
	if i.err.Len() > 0 {
		t.Errorf("on stderr: %s", &i.err)
	}
	if left, err := os.ReadDir(i.Dir); err != nil || len(left) > 0 {
		t.Errorf("left in the working directory: %v, %v", left, err)
	}
	return i.out.String()
}

// A frontEnd passes a browser's requests to an instance as App Engine's front end does. It
// terminates TLS, and it removes and sets the headers that only it may set.
type frontEnd struct {
	mutex   sync.Mutex
	to      *instance
	cookies []string // all values that were ever set
}

type cron struct{} // in the context of a request: the cron service sends it

func (f *frontEnd) RoundTrip(r *http.Request) (*http.Response, error) {
	f.mutex.Lock()
	to := f.to
	f.mutex.Unlock()
	inner := r.Clone(r.Context())
	inner.Host = r.URL.Host
	inner.URL.Scheme, inner.URL.Host = "http", to.address
	f.rewrite(r.Context(), inner.Header)
	answer, err := http.DefaultTransport.RoundTrip(inner)
	if err != nil {
		return nil, err
	}
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for _, cookie := range answer.Cookies() {
		f.cookies = append(f.cookies, cookie.Value)
	}
	return answer, nil
}

func (f *frontEnd) rewrite(ctx context.Context, header http.Header) {
	for name := range header {
		if strings.HasPrefix(name, "X-Appengine-") || strings.HasPrefix(name, "X-Google-") {
			header.Del(name)
		}
	}
	for name, value := range map[string]string{
		"X-Appengine-Https": "on", "X-Appengine-User-IP": "203.0.113.7", "X-Appengine-Country": "DE",
		"X-Appengine-Default-Version-Hostname": "shop.appspot.com", "X-Appengine-Request-Log-Id": "5f0",
		"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7, 169.254.1.1",
		"X-Cloud-Trace-Context": "105445aa7843bc8bf206b12000100000/18;o=1", "Via": "1.1 google",
	} {
		header.Set(name, value)
	}
	if ctx.Value(cron{}) != nil {
		header.Set("X-Appengine-Cron", "true")
	}
}

// use sets the instance that gets the next requests.
func (f *frontEnd) use(i *instance) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.to = i
}

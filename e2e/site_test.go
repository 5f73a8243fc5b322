package e2e

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A demo is the real program, built and started, with users and sessions of its own.
type demo struct {
	url      string
	password string // of admin
}

// build builds the demo once for all tests.
var build = sync.OnceValues(func() (string, error) {
	binary := filepath.Join(buildFolder, "demo")
	command := exec.Command("go", "build", "-o", binary, "./cmd/demo")
	command.Dir = ".."
	out, err := command.CombinedOutput()
	if err != nil {
		return "", &buildError{string(out)}
	}
	return binary, nil
})

type buildError struct{ output string }

func (e *buildError) Error() string { return "building the demo: " + e.output }

var admin = regexp.MustCompile(`name=admin password=(\S+)`)

// start starts the demo on a free port, and stops it at the end of the test.
func start(t *testing.T, args ...string) *demo {
	t.Helper()
	binary, err := build()
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()

	command := exec.Command(binary, append([]string{"-addr=" + address, "-data=memory"}, args...)...)
	log, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	password := make(chan string, 1)
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		for lines := bufio.NewScanner(log); lines.Scan(); {
			if found := admin.FindStringSubmatch(lines.Text()); found != nil {
				password <- found[1]
			}
		}
	}()
	t.Cleanup(func() {
		command.Process.Signal(syscall.SIGTERM)
		<-drained
		if err := command.Wait(); err != nil {
			t.Errorf("the demo ended with %v", err)
		}
	})
	d := &demo{url: "http://" + strings.Replace(address, "127.0.0.1", "localhost", 1)}
	select {
	case d.password = <-password:
	case <-drained:
		t.Fatal("the demo did not start")
	case <-time.After(time.Minute):
		t.Fatal("the demo told no password within a minute")
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		res, err := http.Get(d.url)
		if err == nil {
			io.Copy(io.Discard, res.Body)
			res.Body.Close()
			return d
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

package e2e

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A site is a real program, built and started.
type site struct {
	url      string
	password string // of the demo's user admin

	mutex sync.Mutex
	log   strings.Builder // what the program has written to standard error
	ended chan struct{}
}

var builds sync.Map // maps a folder and a package to the function that builds the package once

// build builds a package of the module in a folder, once for all tests, and returns the
// program.
func build(t *testing.T, folder, pkg string) string {
	t.Helper()
	once, _ := builds.LoadOrStore(folder+" "+pkg, sync.OnceValues(func() (string, error) {
		programs, err := os.MkdirTemp(buildFolder, "")
		if err != nil {
			return "", err
		}
		binary := filepath.Join(programs, "program")
		command := exec.Command("go", "build", "-o", binary, pkg)
		command.Dir = folder
		if out, err := command.CombinedOutput(); err != nil {
			return "", &buildError{pkg, string(out)}
		}
		return binary, nil
	}))
	binary, err := once.(func() (string, error))()
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

type buildError struct{ pkg, output string }

func (e *buildError) Error() string { return "building " + e.pkg + ": " + e.output }

// freePort returns a port that nothing listens on.
func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port
}

// start starts the demo on a free port, with its own users and sessions, and stops it
// when the test ends.
func start(t *testing.T, args ...string) *site {
	t.Helper()
	return startWith(t, nil, args...)
}

// startWith is like start, with additional environment variables.
func startWith(t *testing.T, environment []string, args ...string) *site {
	t.Helper()
	port := freePort(t)
	command := exec.Command(build(t, "..", "./cmd/demo"), append([]string{"-addr=127.0.0.1:" + port, "-data=memory"}, args...)...)
	command.Env = append(os.Environ(), environment...)
	s := runSite(t, command, port)
	s.password = s.logged(t, `name=admin password=(\S+)`)
	return s
}

// startProgram starts a program that listens on $PORT, in a folder.
func startProgram(t *testing.T, folder, binary string, args ...string) *site {
	t.Helper()
	port := freePort(t)
	command := exec.Command(binary, args...)
	command.Dir = folder
	command.Env = append(os.Environ(), "PORT="+port)
	return runSite(t, command, port)
}

// runSite starts a program, waits until it responds, and stops it when the test ends.
func runSite(t *testing.T, command *exec.Cmd, port string) *site {
	t.Helper()
	s := &site{url: "http://localhost:" + port, ended: make(chan struct{})}
	log, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(s.ended)
		for lines := bufio.NewScanner(log); lines.Scan(); {
			s.mutex.Lock()
			s.log.WriteString(lines.Text() + "\n")
			s.mutex.Unlock()
		}
	}()
	t.Cleanup(func() {
		command.Process.Signal(syscall.SIGTERM)
		<-s.ended
		if err := command.Wait(); err != nil {
			t.Errorf("%s ended with %v", command, err)
		}
	})
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		res, err := http.Get(s.url)
		if err == nil {
			io.Copy(io.Discard, res.Body)
			res.Body.Close()
			return s
		}
		select {
		case <-s.ended:
			t.Fatalf("%s did not start:\n%s", command, &s.log)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// logged waits until the program has logged a text that the pattern matches, and returns
// the group in the last such text.
func (s *site) logged(t *testing.T, pattern string) string {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		s.mutex.Lock()
		log := s.log.String()
		s.mutex.Unlock()
		if found := regexp.MustCompile(pattern).FindAllStringSubmatch(log, -1); found != nil {
			return found[len(found)-1][1]
		}
		if time.Now().After(deadline) {
			t.Fatalf("the program has not written %s:\n%s", pattern, log)
		}
	}
}

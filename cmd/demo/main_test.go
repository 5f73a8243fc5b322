package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain runs the demo itself if a test has started this binary again.
func TestMain(m *testing.M) {
	switch os.Getenv("DEMO_TEST_MAIN") {
	case "":
	case "probed":
		os.Exit(serveProbed())
	case "impatient":
		startPatience = time.Second
		main()
		return
	default:
		main()
		return
	}
	os.Setenv("DATA", "memory")
	os.Exit(m.Run())
}

// endsAtOnce is a variable for a program with the race detector, which otherwise waits for a
// second before it ends.
const endsAtOnce = "GORACE=atexit_sleep_ms=50"

// program returns the demo, without the variables of this process that it reads. It keeps
// nothing.
func program(t *testing.T, args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	command := exec.CommandContext(ctx, os.Args[0], args...)
	command.Env = []string{"DEMO_TEST_MAIN=1", endsAtOnce, "DATA=memory", "PATH=" + os.Getenv("PATH")}
	return command
}

func exitStatus(t *testing.T, err error) int {
	t.Helper()
	if err == nil {
		return 0
	}
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		t.Fatal(err)
	}
	return exit.ExitCode()
}

func TestHelp(t *testing.T) {
	out, err := program(t, "-h").Output()
	if exitStatus(t, err) != 0 || !strings.Contains(string(out), "$SESSION_KEYS") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestRefusalIsOneLineAndStatus1(t *testing.T) {
	tests := []struct {
		name     string
		args     []string
		variable string
		want     string
	}{
		{"App Engine", nil, "GAE_ENV=standard", "demo: cloud: not started on App Engine without session keys: "},
		{"Cloud Run", nil, "K_SERVICE=demo", "demo: cloud: not started on Cloud Run without session keys: "},
		{"flag", []string{"-nope"}, "", "demo: unknown flag --nope"},
		{"short key", nil, "SESSION_KEYS=c2hvcnQ=", "demo: sessions: "},
		{"address", []string{"-addr=256.0.0.1:1"}, "", "demo: "},
		{"port", nil, "PORT=none", "demo: "},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			command := program(t, test.args...)
			command.Env = append(command.Env, test.variable)
			var errout strings.Builder
			command.Stderr = &errout
			if got := exitStatus(t, command.Run()); got != 1 {
				t.Errorf("status %d, want 1", got)
			}
			var lines []string
			for line := range strings.Lines(errout.String()) {
				if !strings.HasPrefix(line, "time=") {
					lines = append(lines, line)
				}
			}
			if len(lines) != 1 || !strings.HasPrefix(lines[0], test.want) {
				t.Errorf("got %q, want one line %q", lines, test.want)
			}
		})
	}
}

var madeAdmin = regexp.MustCompile(`name=(\S+) password=(\S+)`)

func TestServesUntilSIGTERM(t *testing.T) {
	port := freePort(t)
	command := program(t)
	command.Env = append(command.Env, "PORT="+port, "DRAIN_TIMEOUT=1m") // as this machine may be slow
	errout, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { command.Process.Kill() })
	var log strings.Builder
	read := make(chan struct{})
	go func() {
		defer close(read)
		io.Copy(&log, bufio.NewReader(errout))
	}()

	url := "http://127.0.0.1:" + port
	var res *http.Response
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if res, err = http.Get(url); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	page, err := io.ReadAll(res.Body)
	res.Body.Close()
	if err != nil || res.StatusCode != 200 || !strings.Contains(string(page), "Handlers, routes and sessions that fit together") {
		t.Errorf("status %d, %v\n%s", res.StatusCode, err, page)
	}

	// A request that is in progress when the signal comes is completed: the server asks for its
	// body, gets the signal, closes the port, and only then gets the body.
	connection, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if err := connection.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	io.WriteString(connection, "POST /login HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"+
		"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 6\r\n\r\n")
	answers := bufio.NewReader(connection)
	if ready, err := http.ReadResponse(answers, nil); err != nil || ready.StatusCode != http.StatusContinue {
		t.Fatalf("the server asks for no body: %v, %v", ready, err)
	}
	if err := command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		another, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err != nil {
			break
		}
		another.Close()
		if time.Now().After(deadline) {
			t.Fatal("the port stays open")
		}
	}
	io.WriteString(connection, "name=a")
	late, err := http.ReadResponse(answers, nil)
	if err != nil || late.StatusCode != http.StatusUnauthorized {
		t.Errorf("the request under way got %v, %v", late, err)
	}
	<-read
	if got := exitStatus(t, command.Wait()); got != 0 {
		t.Errorf("status %d, want 0", got)
	}
	for _, want := range []string{"random key", port, "made a user for /admin", "--addr=127.0.0.1:" + port + " is for this machine only"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("missing %q in the log\n%s", want, log.String())
		}
	}
	if madeAdmin.FindStringSubmatch(log.String()) == nil {
		t.Errorf("the log does not tell the password\n%s", log.String())
	}
}

// freePort returns a port that was free a moment ago.
func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

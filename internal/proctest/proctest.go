// Package proctest runs servers for tests, as processes that end with the test.
package proctest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Patience bounds every wait for a server. On an idle machine most start in some 10 ms.
const Patience = time.Minute

// Missing skips the test because a program is not installed, or fails it if CI is "true".
// Debian is the name of the program's package in Debian.
func Missing(t testing.TB, program, debian string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s must be installed if CI=true", program)
	}
	t.Skipf("install %s (apt-get install %s) to run this test", program, debian)
}

// A Process is a running server.
type Process struct {
	PID int

	shell  *exec.Cmd
	stdin  io.Closer // of the shell, which ends the server when it is closed
	output bytes.Buffer
}

// Start runs a server and returns when ready does, or an error with the output of the
// server. It uses the arguments, the folder and the user of command. The server runs below a
// shell that runs end when its own standard input ends, such as "kill -9 $!", so that no
// server outlives a test that crashes.
func Start(command *exec.Cmd, end string, ready func() bool) (*Process, error) {
	p := new(Process)
	p.shell = exec.Command("sh", append([]string{"-c", `"$@" >&2 & echo $!; read end; ` + end, "sh"}, command.Args...)...)
	p.shell.Dir, p.shell.SysProcAttr, p.shell.Stderr = command.Dir, command.SysProcAttr, &p.output
	stdin, err := p.shell.StdinPipe()
	if err != nil {
		return nil, err
	}
	p.stdin = stdin
	stdout, err := p.shell.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.shell.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err == nil {
		p.PID, err = strconv.Atoi(strings.TrimSpace(line))
	}
	if err != nil {
		p.Stop()
		return nil, fmt.Errorf("the shell has not printed the id of the process: %w", err)
	}
	for deadline := time.Now().Add(Patience); !ready(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) || !p.exists() {
			p.Stop()
			return nil, fmt.Errorf("%s does not respond:\n%s", command.Args[0], p.output.Bytes())
		}
	}
	return p, nil
}

// exists reports whether the process still exists.
func (p *Process) exists() bool {
	process, err := os.FindProcess(p.PID)
	if err != nil {
		return false
	}
	defer process.Release()
	return process.Signal(syscall.Signal(0)) == nil
}

// Stop ends the server and returns when it has ended. If it has ended before, or p is nil, it
// does nothing.
func (p *Process) Stop() {
	if p != nil && p.stdin != nil {
		p.stdin.Close()
		p.shell.Wait() // its error says that the server was killed
		p.stdin = nil
	}
}

// Signal sends a signal to the server, such as "STOP" or "CONT".
func (p *Process) Signal(t testing.TB, name string) {
	t.Helper()
	if output, err := exec.Command("kill", "-"+name, strconv.Itoa(p.PID)).CombinedOutput(); err != nil {
		t.Fatalf("kill -%s: %v: %s", name, err, output)
	}
}

// Listen serves each connection to a free port of 127.0.0.1 in a goroutine, until the test
// ends, and returns the address. It closes a connection when serve returns.
func Listen(t testing.TB, serve func(net.Conn)) (addr string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				serve(conn)
			}()
		}
	}()
	return listener.Addr().String()
}

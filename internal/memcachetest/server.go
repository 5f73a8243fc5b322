// Package memcachetest runs real memcached servers for tests.
package memcachetest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// patience bounds every wait for a server: it starts in some 10 ms on an idle machine.
const patience = 20 * time.Second

// A Server is one memcached process on a unix socket. Its methods end the test if
// they fail, so they are for the goroutine of the test.
type Server struct {
	Addr string // the path of the socket, which stays through Stop and Restart

	t      testing.TB
	args   []string
	pid    int
	alive  io.Closer // closing it kills the process
	shell  *exec.Cmd
	stderr bytes.Buffer
}

// Start runs memcached until the test ends, with more command line arguments if
// there are any. If memcached is not installed, the test is skipped, or fails if CI is "true".
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	if _, err := exec.LookPath("memcached"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("memcachetest: memcached must be installed if CI=true: %v", err)
		}
		t.Skipf("memcachetest: install memcached (apt-get install memcached) to run this test: %v", err)
	}
	// The path of a socket holds 104 bytes at most on some systems, and t.TempDir's
	// grow with the name of the test.
	dir, err := os.MkdirTemp("", "memcached")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, Addr: filepath.Join(dir, "socket"), args: args}
	t.Cleanup(func() {
		s.Stop()
		os.RemoveAll(dir)
	})
	s.start()
	return s
}

// start runs memcached below a shell that kills it when its own standard input
// ends, so that no server outlives a test that crashes.
func (s *Server) start() {
	s.t.Helper()
	args := []string{"-c", `"$@" & echo $!; read end; kill -9 $!`, "sh", "memcached", "-s", s.Addr, "-a", "0700", "-t", "2"}
	if os.Geteuid() == 0 {
		args = append(args, "-u", "root")
	}
	s.shell = exec.Command("sh", append(args, s.args...)...)
	s.stderr.Reset()
	s.shell.Stderr = &s.stderr
	stdin, err := s.shell.StdinPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	stdout, err := s.shell.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.shell.Start(); err != nil {
		s.t.Fatalf("memcachetest: %v", err)
	}
	s.alive = stdin
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err == nil {
		s.pid, err = strconv.Atoi(strings.TrimSpace(line))
	}
	if err != nil {
		s.t.Fatalf("memcachetest: the shell did not tell the process id: %v", err)
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		conn, err := net.Dial("unix", s.Addr)
		if err == nil {
			conn.Close()
			return
		}
		if time.Now().After(deadline) {
			s.Stop()
			s.t.Fatalf("memcachetest: memcached does not answer: %v\n%s", err, s.stderr.Bytes())
		}
	}
}

// Stop kills the server, and with it all it holds. Stopping it again does nothing.
func (s *Server) Stop() {
	if s.alive == nil {
		return
	}
	s.alive.Close()
	s.shell.Wait() // "signal: killed" or not, it is gone
	s.alive = nil
}

// Restart kills the server if it runs, and starts an empty one at the same address.
func (s *Server) Restart() {
	s.t.Helper()
	s.Stop()
	s.start()
}

// Pause stops the process without ending it: it takes connections and answers
// nothing, as a hung server does, until Resume or the end of the test.
func (s *Server) Pause() {
	s.t.Helper()
	s.signal("STOP")
	// The signal stops one thread after the other, and some may answer meanwhile.
	for deadline := time.Now().Add(patience); s.answers(); {
		if time.Now().After(deadline) {
			s.t.Fatal("memcachetest: memcached does not stop")
		}
	}
}

// Resume lets a paused server go on.
func (s *Server) Resume() { s.signal("CONT") }

func (s *Server) signal(name string) {
	s.t.Helper()
	if output, err := exec.Command("kill", "-"+name, strconv.Itoa(s.pid)).CombinedOutput(); err != nil {
		s.t.Fatalf("memcachetest: kill -%s: %v: %s", name, err, output)
	}
}

// answers reports whether the server replies within 50 ms.
func (s *Server) answers() bool {
	conn, err := net.DialTimeout("unix", s.Addr, patience)
	if err != nil {
		return false
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(50 * time.Millisecond))
	fmt.Fprint(conn, "version\r\n")
	_, err = conn.Read(make([]byte, 1))
	return err == nil
}

// Flush empties the server.
func (s *Server) Flush() {
	s.t.Helper()
	if got := s.command("flush_all", "OK"); got != "OK" {
		s.t.Fatalf("memcachetest: flush_all: %s", got)
	}
}

// Stats returns the numbers among the server's statistics, such as cmd_get, cmd_set
// (which counts every add and cas too), cas_hits, delete_hits and curr_items.
func (s *Server) Stats() map[string]int {
	s.t.Helper()
	stats := map[string]int{}
	for line := range strings.Lines(s.command("stats", "END")) {
		var name string
		var value int
		if n, _ := fmt.Sscanf(line, "STAT %s %d\r\n", &name, &value); n == 2 {
			stats[name] = value
		}
	}
	if _, ok := stats["cmd_get"]; !ok {
		s.t.Fatalf("memcachetest: stats without cmd_get: %v", stats)
	}
	return stats
}

// command sends a command and returns the reply up to its last line.
func (s *Server) command(command, last string) string {
	s.t.Helper()
	conn, err := net.DialTimeout("unix", s.Addr, patience)
	if err != nil {
		s.t.Fatalf("memcachetest: %v", err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	if _, err := fmt.Fprintf(conn, "%s\r\n", command); err != nil {
		s.t.Fatalf("memcachetest: %s: %v", command, err)
	}
	var reply strings.Builder
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		if reply.WriteString(lines.Text()); lines.Text() == last {
			return reply.String()
		}
		reply.WriteString("\r\n")
	}
	s.t.Fatalf("memcachetest: %s: the reply ended with %q: %v", command, reply.String(), lines.Err())
	return ""
}

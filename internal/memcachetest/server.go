// Package memcachetest runs real memcached servers for tests.
package memcachetest

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/internal/proctest"
)

// A Server is one memcached process on a unix socket. Its methods end the test if they fail,
// so only the goroutine of the test may call them.
type Server struct {
	Addr string // the path of the socket, which stays through Stop and Restart

	t       testing.TB
	args    []string
	process *proctest.Process
}

// Start runs memcached until the test ends, with these arguments in addition. If memcached is
// not installed, the test is skipped, or fails if CI is "true".
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	if _, err := exec.LookPath("memcached"); err != nil {
		proctest.Missing(t, "memcached", "memcached")
	}
	// On some systems the path of a socket has at most 104 bytes, and the paths of t.TempDir
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

func (s *Server) start() {
	s.t.Helper()
	command := exec.Command("memcached", "-s", s.Addr, "-a", "0700", "-t", "2")
	if os.Geteuid() == 0 {
		command.Args = append(command.Args, "-u", "root")
	}
	command.Args = append(command.Args, s.args...)
	process, err := proctest.Start(command, "kill -9 $!", func() bool {
		conn, err := net.Dial("unix", s.Addr)
		if err != nil {
			return false
		}
		conn.Close()
		return true
	})
	if err != nil {
		s.t.Fatalf("memcachetest: %v", err)
	}
	s.process = process
}

// Stop kills the server, which loses all of its data. Stopping it again does nothing.
func (s *Server) Stop() { s.process.Stop() }

// Restart kills the server if it runs, and starts an empty one at the same address.
func (s *Server) Restart() {
	s.t.Helper()
	s.Stop()
	s.start()
}

// Pause suspends the process until Resume or the end of the test: it accepts connections and
// does not respond, like a server that hangs.
func (s *Server) Pause() {
	s.t.Helper()
	s.process.Signal(s.t, "STOP")
	// The signal stops one thread after the other, and some may respond meanwhile.
	for deadline := time.Now().Add(proctest.Patience); s.answers(); {
		if time.Now().After(deadline) {
			s.t.Fatal("memcachetest: memcached does not stop")
		}
	}
}

// Resume lets a paused server go on.
func (s *Server) Resume() { s.process.Signal(s.t, "CONT") }

// answers reports whether the server replies within 50 ms.
func (s *Server) answers() bool {
	conn, err := net.DialTimeout("unix", s.Addr, proctest.Patience)
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
	conn, err := net.DialTimeout("unix", s.Addr, proctest.Patience)
	if err != nil {
		s.t.Fatalf("memcachetest: %v", err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(proctest.Patience))
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

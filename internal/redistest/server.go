// Package redistest runs real servers of Redis, whose protocol Valkey has, for tests.
package redistest

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/internal/proctest"
)

// A Server is one redis-server on a port of 127.0.0.1. Its methods end the test if they fail,
// so only the goroutine of the test may call them.
type Server struct {
	Addr string // host:port, which stays through Stop and Restart

	t       testing.TB
	dir     string
	args    []string
	process *proctest.Process
}

// Start runs redis-server until the test ends, with these settings in addition, such as
// "--maxmemory", "10mb". It writes to a file before it responds, so that nothing is lost if it
// is killed: with appendfsync everysec it may respond first. If redis-server is not installed,
// the test is skipped, or fails if CI is "true".
func Start(t testing.TB, settings ...string) *Server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		proctest.Missing(t, "redis-server", "redis-server")
	}
	s := &Server{t: t, dir: t.TempDir()}
	t.Cleanup(s.Stop)
	for tries := 5; ; tries-- {
		port := freePort(t)
		s.Addr = "127.0.0.1:" + port
		s.args = append([]string{"--port", port, "--bind", "127.0.0.1", "--dir", s.dir, "--save", "", "--appendonly", "yes", "--appendfsync", "no"}, settings...)
		err := s.start()
		if err == nil {
			return s
		}
		if tries == 1 {
			t.Fatal(err) // another program has taken the port, again and again
		}
	}
}

func freePort(t testing.TB) string {
	t.Helper()
	for {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ := net.SplitHostPort(l.Addr().String())
		l.Close()
		if n, _ := strconv.Atoi(port); n < 55_000 { // a cluster uses the port 10,000 above too
			return port
		}
	}
}

func (s *Server) start() (err error) {
	s.process, err = proctest.Start(exec.Command("redis-server", s.args...), "kill -9 $!", func() bool { return s.answers(time.Second) })
	if err != nil {
		return fmt.Errorf("redistest: %w", err)
	}
	return nil
}

// answers reports whether the server replies in time, and is ready.
func (s *Server) answers(timeout time.Duration) bool {
	conn, err := net.DialTimeout("tcp", s.Addr, timeout)
	if err != nil {
		return false
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(timeout))
	fmt.Fprint(conn, "PING\r\n")
	answer, err := bufio.NewReader(conn).ReadString('\n')
	return err == nil && !strings.HasPrefix(answer, "-LOADING")
}

// Stop kills the server. Stopping it again does nothing.
func (s *Server) Stop() { s.process.Stop() }

// Restart kills the server if it runs, and starts it with what it has kept.
func (s *Server) Restart() {
	s.t.Helper()
	s.Stop()
	for deadline := time.Now().Add(proctest.Patience); ; time.Sleep(20 * time.Millisecond) {
		err := s.start() // another program may hold the port for a moment
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatal(err)
		}
	}
}

// Pause suspends the process until Resume or the end of the test: it accepts connections and
// does not respond.
func (s *Server) Pause() {
	s.t.Helper()
	s.process.Signal(s.t, "STOP")
	for deadline := time.Now().Add(proctest.Patience); s.answers(50 * time.Millisecond); {
		if time.Now().After(deadline) {
			s.t.Fatal("redistest: redis-server does not stop")
		}
	}
}

// Resume lets a paused server go on.
func (s *Server) Resume() { s.process.Signal(s.t, "CONT") }

// Command sends a command and returns the reply as redis-cli prints it.
func (s *Server) Command(words ...string) string {
	s.t.Helper()
	host, port, _ := net.SplitHostPort(s.Addr)
	output, err := exec.Command("redis-cli", append([]string{"-h", host, "-p", port}, words...)...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("redistest: redis-cli %q: %v: %s", words, err, output)
	}
	return strings.TrimSpace(string(output))
}

// Cluster starts three servers that are a cluster.
func Cluster(t testing.TB) []*Server {
	t.Helper()
	nodes := []*Server{}
	for range 3 {
		nodes = append(nodes, Start(t, "--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-require-full-coverage", "no"))
	}
	for i, slots := range [][2]string{{"0", "5460"}, {"5461", "10922"}, {"10923", "16383"}} {
		nodes[i].Command("CLUSTER", "ADDSLOTSRANGE", slots[0], slots[1])
		host, port, _ := net.SplitHostPort(nodes[0].Addr)
		nodes[i].Command("CLUSTER", "MEET", host, port)
	}
	for _, node := range nodes {
		for deadline := time.Now().Add(proctest.Patience); ; time.Sleep(20 * time.Millisecond) {
			info := node.Command("CLUSTER", "INFO")
			if strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_known_nodes:3") && strings.Contains(info, "cluster_slots_ok:16384") {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("redistest: no cluster: %s", info)
			}
		}
	}
	return nodes
}

// Sentinel starts a Sentinel that watches a master under a name, and promotes a replica if
// the master does not answer for half a second.
func Sentinel(t testing.TB, name string, master *Server) *Server {
	t.Helper()
	s := &Server{t: t, dir: t.TempDir()}
	t.Cleanup(s.Stop)
	port := freePort(t)
	s.Addr = "127.0.0.1:" + port
	host, masterPort, _ := net.SplitHostPort(master.Addr)
	config := filepath.Join(s.dir, "sentinel.conf") // which it rewrites
	text := fmt.Sprintf("port %s\nbind 127.0.0.1\ndir %s\nsentinel monitor %s %s %s 1\nsentinel down-after-milliseconds %[3]s 500\nsentinel failover-timeout %[3]s 5000\n",
		port, s.dir, name, host, masterPort)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.args = []string{config, "--sentinel"}
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	return s
}

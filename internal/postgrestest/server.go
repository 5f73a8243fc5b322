// Package postgrestest runs real PostgreSQL servers for tests.
package postgrestest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait for a server.
const patience = 60 * time.Second

// A Server is one PostgreSQL on a unix socket, with an empty database. Its methods end the
// test if they fail, so they are for the goroutine of the test.
type Server struct {
	Socket string // its path, which stays through Kill and Restart

	t          testing.TB
	bin        string
	dir        string
	args       []string
	credential *syscall.Credential // PostgreSQL refuses to be root
	pid        int
	alive      io.Closer // closing it ends the process
	shell      *exec.Cmd
	log        bytes.Buffer
}

// Start makes a database and runs PostgreSQL until the test ends, with more settings such
// as "max_connections=20" if given. If there is no PostgreSQL the test is skipped, or fails
// if CI is "true".
func Start(t testing.TB, settings ...string) *Server {
	t.Helper()
	s := newServer(t, settings...)
	t.Cleanup(func() {
		s.Stop()
		os.RemoveAll(s.dir)
	})
	s.start("")
	return s
}

// newServer makes a database.
func newServer(t testing.TB, settings ...string) *Server {
	t.Helper()
	bin := find()
	if bin == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("postgrestest: PostgreSQL must be installed if CI=true")
		}
		t.Skip("postgrestest: install postgresql (apt-get install postgresql) to run this test")
	}
	// The path of a socket holds 104 bytes at most on some systems.
	dir, err := os.MkdirTemp("", "postgres")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, bin: bin, dir: dir, Socket: filepath.Join(dir, ".s.PGSQL.5432")}
	if os.Geteuid() == 0 {
		s.credential = postgresUser(t)
		if err := os.Chown(dir, int(s.credential.Uid), int(s.credential.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	initdb := s.command(filepath.Join(bin, "initdb"), "--no-sync", "--auth=trust", "--username=test", "--encoding=UTF8", "--locale=C", "--pgdata="+s.data())
	if output, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("postgrestest: initdb: %v\n%s", err, output)
	}
	// fsync=off loses nothing if a process is killed, only if the machine is.
	settings = append([]string{"fsync=off", "shared_buffers=16MB", "listen_addresses=", "unix_socket_directories=" + dir, "max_connections=60"}, settings...)
	for _, setting := range settings {
		s.args = append(s.args, "-c", setting)
	}
	return s
}

var shared struct {
	mu      sync.Mutex
	server  *Server
	schemas int
}

// Shared returns how to connect to an empty schema of a server that all tests of this
// process share: it takes seconds to start one. It ends with the process.
func Shared(t testing.TB) (url string) {
	t.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.server == nil {
		s := newServer(t)
		s.start("rm -rf " + s.dir)
		shared.server = s
	}
	s := shared.server
	shared.schemas++
	schema := fmt.Sprint("schema", shared.schemas)
	psql := s.command(filepath.Join(s.bin, "psql"), "-q", "-h", s.dir, "-U", "test", "-c", "CREATE SCHEMA "+schema, "postgres")
	if output, err := psql.CombinedOutput(); err != nil {
		t.Fatalf("postgrestest: psql: %v\n%s", err, output)
	}
	return s.URL() + " search_path=" + schema
}

func find() string {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if len(found) > 0 {
		slices.Sort(found)
		return filepath.Dir(found[len(found)-1])
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		return filepath.Dir(path)
	}
	return ""
}

func postgresUser(t testing.TB) *syscall.Credential {
	account, err := user.Lookup("postgres")
	if err != nil {
		t.Fatalf("postgrestest: PostgreSQL refuses to be root, and there is no user postgres: %v", err)
	}
	uid, _ := strconv.Atoi(account.Uid)
	gid, _ := strconv.Atoi(account.Gid)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) command(name string, args ...string) *exec.Cmd {
	c := exec.Command(name, args...)
	c.Dir = s.dir
	if s.credential != nil {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: s.credential}
	}
	return c
}

// URL returns how to connect to the server.
func (s *Server) URL() string { return "host=" + s.dir + " user=test dbname=postgres sslmode=disable" }

// URLAt returns how to connect to it through a proxy at addr.
func (s *Server) URLAt(addr string) string {
	return "postgres://test@" + addr + "/postgres?sslmode=disable"
}

// start runs the server below a shell that stops it when its own standard input ends, so
// that no server outlives a test that crashes. The shell then runs last.
func (s *Server) start(last string) {
	s.t.Helper()
	s.log.Reset()
	args := append([]string{"-c", `"$@" & echo $!; read end; kill -QUIT $!; wait $!; ` + last, "sh", filepath.Join(s.bin, "postgres"), "-D", s.data()}, s.args...)
	s.shell = s.command("sh", args...)
	s.shell.Stderr = &s.log
	stdin, err := s.shell.StdinPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	stdout, err := s.shell.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.shell.Start(); err != nil {
		s.t.Fatalf("postgrestest: %v", err)
	}
	s.alive = stdin
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err == nil {
		s.pid, err = strconv.Atoi(strings.TrimSpace(line))
	}
	if err != nil {
		s.t.Fatalf("postgrestest: the shell did not tell the process id: %v", err)
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if s.ready() {
			return
		}
		if time.Now().After(deadline) {
			s.Stop()
			s.t.Fatalf("postgrestest: PostgreSQL does not answer:\n%s", s.log.Bytes())
		}
	}
}

// ready reports whether the server lets in. It speaks just enough of the protocol.
func (s *Server) ready() bool {
	conn, err := net.DialTimeout("unix", s.Socket, time.Second)
	if err != nil {
		return false
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	startup := "\x00\x03\x00\x00user\x00test\x00database\x00postgres\x00\x00"
	fmt.Fprintf(conn, "\x00\x00\x00%c%s", byte(len(startup)+4), startup)
	kind := make([]byte, 1)
	_, err = io.ReadFull(conn, kind)
	return err == nil && kind[0] == 'R' // authentication, and not an error
}

// Stop ends the server at once, as a crash of it does, and its connections with it. What
// was committed is there after Restart. Stopping it again does nothing.
func (s *Server) Stop() {
	if s.alive == nil {
		return
	}
	s.alive.Close()
	s.shell.Wait()
	s.alive = nil
}

// Kill kills the server as the system does if it is out of memory.
func (s *Server) Kill() {
	s.t.Helper()
	s.Signal(syscall.SIGKILL)
	s.Stop()
}

// Restart stops the server if it runs, and starts it with the same data.
func (s *Server) Restart() {
	s.t.Helper()
	s.Stop()
	s.start("")
}

// Pause stops all processes of the server without ending them, until Resume: it takes
// connections and answers nothing.
func (s *Server) Pause() { s.signalAll("STOP") }

// Resume lets a paused server go on.
func (s *Server) Resume() { s.signalAll("CONT") }

// Signal sends a signal to the main process.
func (s *Server) Signal(signal syscall.Signal) {
	s.t.Helper()
	if err := syscall.Kill(s.pid, signal); err != nil {
		s.t.Fatalf("postgrestest: %v: %v", signal, err)
	}
}

func (s *Server) signalAll(name string) {
	s.t.Helper()
	pids := []string{strconv.Itoa(s.pid)}
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", s.pid, s.pid))
	if err != nil {
		s.t.Skipf("postgrestest: cannot list the processes of the server: %v", err)
	}
	pids = append(pids, strings.Fields(string(children))...)
	exec.Command("kill", append([]string{"-" + name}, pids...)...).Run() // one may have ended meanwhile
}

// Run runs another program as the user of the server. It returns a function that ends it.
func (s *Server) Run(name string, args ...string) (stop func()) {
	s.t.Helper()
	c := s.command(name, args...)
	var output bytes.Buffer
	c.Stdout, c.Stderr = &output, &output
	if err := c.Start(); err != nil {
		s.t.Fatalf("postgrestest: %s: %v", name, err)
	}
	return func() {
		c.Process.Kill()
		c.Wait()
		if s.t.Failed() {
			s.t.Logf("postgrestest: %s: %s", name, output.Bytes())
		}
	}
}

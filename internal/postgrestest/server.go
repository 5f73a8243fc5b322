// Package postgrestest runs real PostgreSQL servers for tests.
package postgrestest

import (
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

	"github.com/webapp2go/webapp2go/internal/proctest"
)

// A Server is one PostgreSQL on a unix socket, with an empty database. Its methods end the
// test if they fail, so only the goroutine of the test may call them.
type Server struct {
	Socket string // its path, which stays through Kill and Restart

	t          testing.TB
	bin        string
	dir        string
	args       []string
	credential *syscall.Credential // of another user, if this one is root, which PostgreSQL refuses
	process    *proctest.Process
}

// Start makes a database and runs PostgreSQL until the test ends, with these settings in
// addition, such as "max_connections=20". If PostgreSQL is not installed, the test is skipped,
// or fails if CI is "true".
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
		proctest.Missing(t, "PostgreSQL", "postgresql")
	}
	// On some systems the path of a socket has at most 104 bytes.
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

// start runs the server. The shell that ends it runs last after that.
func (s *Server) start(last string) {
	s.t.Helper()
	command := s.command(filepath.Join(s.bin, "postgres"), append([]string{"-D", s.data()}, s.args...)...)
	process, err := proctest.Start(command, "kill -QUIT $!; wait $!; "+last, s.ready)
	if err != nil {
		s.t.Fatalf("postgrestest: %v", err)
	}
	s.process = process
}

// ready reports whether the server accepts a connection, by the first message of its protocol.
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

// Stop ends the server and its connections at once, as a crash does. Committed data is there
// after Restart. Stopping it again does nothing.
func (s *Server) Stop() { s.process.Stop() }

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

// Pause suspends all processes of the server until Resume: it accepts connections and does not
// respond.
func (s *Server) Pause() { s.signalAll("STOP") }

// Resume lets a paused server go on.
func (s *Server) Resume() { s.signalAll("CONT") }

// Signal sends a signal to the main process.
func (s *Server) Signal(signal syscall.Signal) {
	s.t.Helper()
	if err := syscall.Kill(s.process.PID, signal); err != nil {
		s.t.Fatalf("postgrestest: %v: %v", signal, err)
	}
}

func (s *Server) signalAll(name string) {
	s.t.Helper()
	pids := []string{strconv.Itoa(s.process.PID)}
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", s.process.PID, s.process.PID))
	if err != nil {
		s.t.Skipf("postgrestest: cannot list the processes of the server: %v", err)
	}
	pids = append(pids, strings.Fields(string(children))...)
	exec.Command("kill", append([]string{"-" + name}, pids...)...).Run() // one may have ended meanwhile
}

// Pooler runs pgbouncer before the server until the test ends, in transaction mode with two
// connections. It returns its socket and how to connect to it, to which
// default_query_exec_mode=exec must be added. If there is no pgbouncer the test is skipped,
// or fails if CI is "true".
func (s *Server) Pooler() (socket, url string) {
	s.t.Helper()
	pgbouncer, err := exec.LookPath("pgbouncer")
	if err != nil {
		pgbouncer, err = exec.LookPath("/usr/sbin/pgbouncer")
	}
	if err != nil && os.Getenv("CI") == "true" {
		s.t.Fatal(err)
	} else if err != nil {
		s.t.Skip("postgrestest: install pgbouncer (apt-get install pgbouncer) to run this test")
	}
	dir, err := os.MkdirTemp("", "pgbouncer")
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil { // pgbouncer runs as another user
		s.t.Fatal(err)
	}
	config := fmt.Sprintf(`[databases]
postgres = host=%s user=test
[pgbouncer]
listen_addr=
unix_socket_dir=%s
listen_port=6432
auth_type=any
pool_mode=transaction
default_pool_size=2
server_login_retry=0.1
`, s.dir, dir)
	path := filepath.Join(dir, "pgbouncer.ini")
	if err := os.WriteFile(path, []byte(config), 0o644); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(s.Run(pgbouncer, path))
	socket = filepath.Join(dir, ".s.PGSQL.6432")
	for deadline := time.Now().Add(proctest.Patience); ; time.Sleep(5 * time.Millisecond) {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			conn.Close()
			break
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("postgrestest: pgbouncer: %v", err)
		}
	}
	return socket, "host=" + dir + " port=6432 user=test dbname=postgres sslmode=disable"
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

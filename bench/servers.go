package main

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// startProcess starts a server on the first core and waits until it is ready.
func startProcess(ready func() error, configure func(*exec.Cmd), arguments ...string) (stop func(), err error) {
	name := filepath.Base(arguments[0])
	command := onServerCore(arguments...)
	if configure != nil {
		configure(command)
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	stop = func() {
		command.Process.Signal(os.Interrupt)
		command.Wait()
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if err = ready(); err == nil {
			return stop, nil
		}
		if time.Now().After(deadline) {
			stop()
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
}

// freeAddress returns a loopback address that no server listens on.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}

// A memcached is a memcached server that this program started.
type memcached struct {
	addr string
	stop func()
}

// startMemcached starts a server with one thread.
func startMemcached() (*memcached, error) {
	addr, err := freeAddress()
	if err != nil {
		return nil, err
	}
	m := &memcached{addr: addr}
	_, port, _ := net.SplitHostPort(addr)
	arguments := []string{"memcached", "-l", "127.0.0.1", "-p", port, "-U", "0", "-t", "1", "-m", "64"}
	if me, err := user.Current(); err == nil && me.Uid == "0" {
		arguments = append(arguments, "-u", me.Username) // it refuses to run as root unless told so
	}
	m.stop, err = startProcess(func() error { _, err := m.stats(); return err }, nil, arguments...)
	return m, err
}

// stats asks the server for its counters.
func (m *memcached) stats() (map[string]int, error) {
	conn, err := net.DialTimeout("tcp", m.addr, time.Second)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	if _, err := fmt.Fprint(conn, "stats\r\n"); err != nil {
		return nil, err
	}
	counters := make(map[string]int)
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) == 1 && fields[0] == "END" {
			return counters, nil
		}
		if len(fields) == 3 {
			if n, err := strconv.Atoi(fields[2]); err == nil {
				counters[fields[1]] = n
			}
		}
	}
	return nil, errors.New("memcached: its stats have no end")
}

// count returns the commands that do sends, according to the server's own counters.
func (m *memcached) count(do func()) (counts, error) {
	before, err := m.stats()
	if err != nil {
		return nil, err
	}
	do()
	after, err := m.stats()
	if err != nil {
		return nil, err
	}
	more := func(names ...string) (sum int) {
		for _, name := range names {
			sum += after[name] - before[name]
		}
		return sum
	}
	return counts{
		"get":        more("cmd_get"),
		"cas":        more("cas_hits", "cas_badval", "cas_misses"),
		"set or add": more("cmd_set") - more("cas_hits"), // cmd_set counts every store
		"touch":      more("cmd_touch"),
		"delete":     more("delete_hits", "delete_misses"),
	}, nil
}

// A redis is a redis-server that this program started. It writes to no file.
type redis struct {
	addr string
	stop func()
}

func startRedis() (*redis, error) {
	addr, err := freeAddress()
	if err != nil {
		return nil, err
	}
	s := &redis{addr: addr}
	_, port, _ := net.SplitHostPort(addr)
	ready := func() error {
		conn, err := s.send("PING\r\n")
		if err == nil {
			conn.Close()
		}
		return err
	}
	s.stop, err = startProcess(ready, nil, "redis-server", "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no", "--loglevel", "warning", "--logfile", "/dev/null")
	return s, err
}

// send sends a command that the server answers with one line, discards the line, and
// returns the connection.
func (s *redis) send(command string) (*redisConn, error) {
	conn, err := net.DialTimeout("tcp", s.addr, time.Second)
	if err != nil {
		return nil, err
	}
	conn.SetDeadline(time.Now().Add(time.Minute))
	c := &redisConn{conn, bufio.NewReader(conn)}
	if _, err = fmt.Fprint(conn, command); err == nil {
		_, err = c.lines.ReadString('\n')
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return c, nil
}

type redisConn struct {
	net.Conn
	lines *bufio.Reader
}

// count returns the commands that do sends, as MONITOR reports them. It leaves out the
// commands that scripts run, because the client does not send them.
func (s *redis) count(do func()) (counts, error) {
	monitor, err := s.send("MONITOR\r\n")
	if err != nil {
		return nil, err
	}
	defer monitor.Close()
	const end = "the end of the count"
	result := make(chan error, 1)
	n := counts{}
	go func() { // otherwise the server closes the connection
		for {
			line, err := monitor.lines.ReadString('\n')
			_, words, ok := strings.Cut(line, `] "`)
			if err != nil || strings.Contains(line, end) {
				result <- err
				return
			}
			if name, _, _ := strings.Cut(words, `"`); ok && !strings.Contains(line, " lua] ") {
				n[strings.ToUpper(name)]++
			}
		}
	}()
	do()
	last, err := s.send("PING \"" + end + "\"\r\n")
	if err != nil {
		return nil, err
	}
	last.Close()
	return n, <-result
}

// A postgres is a PostgreSQL that this program started, with an empty database in the
// folder of temporary files. It waits for the disk at each commit.
type postgres struct {
	url  string
	stop func()
}

// startPostgres starts a server. If counting is true it counts statements, which costs
// time.
func startPostgres(counting bool) (*postgres, error) {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if len(found) == 0 {
		return nil, errors.New("there is no /usr/lib/postgresql/*/bin/postgres: install postgresql")
	}
	slices.Sort(found)
	server := found[len(found)-1]
	folder, err := os.MkdirTemp("", "bench") // a short path, because the path of a socket has at most 104 bytes
	if err != nil {
		return nil, err
	}
	remove := func() { os.RemoveAll(folder) }
	configure := func(*exec.Cmd) {}
	if os.Geteuid() == 0 { // PostgreSQL refuses to run as root
		account, err := user.Lookup("postgres")
		if err != nil {
			remove()
			return nil, err
		}
		uid, _ := strconv.Atoi(account.Uid)
		gid, _ := strconv.Atoi(account.Gid)
		if err := os.Chown(folder, uid, gid); err != nil {
			remove()
			return nil, err
		}
		configure = func(c *exec.Cmd) {
			c.Dir = folder
			c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
		}
	}
	data := filepath.Join(folder, "data")
	initdb := exec.Command(filepath.Join(filepath.Dir(server), "initdb"), "--auth=trust", "--username=bench", "--encoding=UTF8", "--locale=C", "--pgdata="+data)
	configure(initdb)
	if output, err := initdb.CombinedOutput(); err != nil {
		remove()
		return nil, fmt.Errorf("initdb: %w: %s", err, output)
	}
	p := &postgres{url: "host=" + folder + " user=bench dbname=postgres sslmode=disable"}
	arguments := []string{server, "-D", data, "-c", "listen_addresses=", "-c", "unix_socket_directories=" + folder, "-c", "log_min_messages=fatal"}
	setUp := "SELECT 1"
	if counting {
		arguments = append(arguments, "-c", "shared_preload_libraries=pg_stat_statements")
		setUp = "CREATE EXTENSION IF NOT EXISTS pg_stat_statements"
	}
	stop, err := startProcess(func() error { _, err := p.query(setUp); return err }, configure, arguments...)
	if err != nil {
		remove()
		return nil, err
	}
	p.stop = func() { stop(); remove() }
	return p, nil
}

// query returns the rows of a query that have a text and a number.
func (p *postgres) query(text string) (counts, error) {
	db, err := sql.Open("pgx", p.url)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	rows, err := db.QueryContext(ctx, text)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	n := counts{}
	for columns, _ := rows.Columns(); len(columns) == 2 && rows.Next(); {
		var name string
		var count int
		if err := rows.Scan(&name, &count); err != nil {
			return nil, err
		}
		n[name] = count
	}
	return n, rows.Err()
}

// count returns the statements that do sends, according to pg_stat_statements.
func (p *postgres) count(do func()) (counts, error) {
	if _, err := p.query("SELECT pg_stat_statements_reset()"); err != nil {
		return nil, err
	}
	do()
	return p.query(`SELECT upper(split_part(ltrim(query), ' ', 1)), sum(calls)::int FROM pg_stat_statements
		WHERE query NOT LIKE '%pg_stat_statements%' GROUP BY 1`)
}

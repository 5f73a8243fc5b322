package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
)

// memcachedRow measures a scenario on sites whose sessions are in a memcached.
func memcachedRow(s scenario, run time.Duration, most most) row {
	return row{"memcached, " + s.name, network, run, most, []contender{webapp2go}, func(contender) (pair, error) {
		server, err := startMemcached()
		if err != nil {
			return pair{}, err
		}
		below, above, err := newClients(s.newClient, floorSite(floorMemcached{memcache.New(server.addr)}), webapp2goMemcached(server.addr))
		if err != nil {
			server.stop()
			return pair{}, err
		}
		p := servedPair(below, above, run, passedTime)
		p.close = server.stop
		p.finish = func(r *result) error {
			for _, c := range []*client{below, above} {
				commands, err := server.commands(c, 1000)
				if err != nil {
					return err
				}
				r.Commands = append(r.Commands, commands)
			}
			return nil
		}
		return p, nil
	}}
}

// A memcached is a memcached server that this program started on loopback.
type memcached struct {
	addr    string
	command *exec.Cmd
}

// startMemcached starts a server with one thread on a free port and waits until it answers.
func startMemcached() (*memcached, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	m := &memcached{addr: listener.Addr().String()}
	listener.Close()
	_, port, _ := net.SplitHostPort(m.addr)
	arguments := []string{"memcached", "-l", "127.0.0.1", "-p", port, "-U", "0", "-t", "1", "-m", "64"}
	if me, err := user.Current(); err == nil && me.Uid == "0" {
		arguments = append(arguments, "-u", me.Username) // it refuses to run as root unless told so
	}
	m.command = onServerCore(arguments...)
	m.command.Stderr = os.Stderr
	if err := m.command.Start(); err != nil {
		return nil, fmt.Errorf("start memcached: %w", err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, err = m.stats(); err == nil {
			return m, nil
		}
		if time.Now().After(deadline) {
			m.stop()
			return nil, fmt.Errorf("memcached: %w", err)
		}
	}
}

func (m *memcached) stop() {
	m.command.Process.Kill()
	m.command.Wait()
}

// stats asks the server for its counters.
func (m *memcached) stats() (map[string]int, error) {
	conn, err := net.DialTimeout("tcp", m.addr, time.Second)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
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

// commands returns the commands that a request costs, by the server's own counters over n
// requests of the client: "1 get + 1 cas". A command that not every request sends is a
// fraction.
func (m *memcached) commands(c *client, n int) (string, error) {
	before, err := m.stats()
	if err != nil {
		return "", err
	}
	c.run(n)
	after, err := m.stats()
	if err != nil {
		return "", err
	}
	more := func(names ...string) (sum int) {
		for _, name := range names {
			sum += after[name] - before[name]
		}
		return sum
	}
	var parts []string
	for _, command := range []struct {
		name  string
		count int
	}{
		{"get", more("cmd_get")},
		{"cas", more("cas_hits", "cas_badval", "cas_misses")},
		{"set or add", more("cmd_set") - more("cas_hits")}, // cmd_set counts every store
		{"touch", more("cmd_touch")},
		{"delete", more("delete_hits", "delete_misses")},
	} {
		if command.count != 0 {
			parts = append(parts, strconv.FormatFloat(float64(command.count)/float64(n), 'g', 3, 64)+" "+command.name)
		}
	}
	if parts == nil {
		return "none", nil
	}
	return strings.Join(parts, " + "), nil
}

package memcache_test

import (
	"bufio"
	"errors"
	"io"
	"math"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/internal/memcachetest"
	"github.com/webapp2go/webapp2go/internal/proctest"
	"github.com/webapp2go/webapp2go/sessions/memcache"
)

// TestHungServer counts how many calls wait for a server that accepts connections and never
// responds. Each of those takes its caller the timeout.
func TestHungServer(t *testing.T) {
	var waited atomic.Int64
	addr := proctest.Listen(t, func(conn net.Conn) {
		waited.Add(1)
		io.Copy(io.Discard, conn)
	})
	b := newBackend(t, memcache.Config{Servers: []string{addr}, Timeout: 200 * time.Millisecond})
	began := time.Now()
	const calls = 500
	for range calls {
		if _, err := b.Load(t.Context(), newID()); !isUnknown(err) || !strings.Contains(err.Error(), addr) {
			t.Fatalf("error %v, want one that names the server", err)
		}
	}
	// Three open the circuit, and then one tries the server after each pause of 100 ms or more.
	if n, most := waited.Load(), 3+int64(time.Since(began)/(100*time.Millisecond)); n < 3 || n > most {
		t.Errorf("%d of %d calls have waited, want 3 to %d", n, calls, most)
	}
}

// TestPausedServer checks that a server that hangs for a while is used again when it responds,
// and still has its sessions.
func TestPausedServer(t *testing.T) {
	server := memcachetest.Start(t)
	b := newBackend(t, memcache.Config{Timeout: 200 * time.Millisecond}, server)
	id := newID()
	eventually(t, func() error { return b.Create(t.Context(), id, record("data")) })
	server.Pause()
	for range 5 {
		if _, err := b.Load(t.Context(), id); !isUnknown(err) {
			t.Fatalf("error %v of a paused server", err)
		}
	}
	server.Resume()
	eventually(t, func() error {
		r, err := b.Load(t.Context(), id)
		if err == nil && string(r.Data) != "data" {
			t.Errorf("data %q", r.Data)
		}
		return err
	})
	eventually(t, func() error { return b.Ping(t.Context()) })
}

// TestShortStall stops the server until a request of each of 16 busy visitors has timed out,
// and no longer. The stall may fail that request of each visitor, and one more if the signal
// comes late. It fails no request that began after it was over.
func TestShortStall(t *testing.T) {
	server := memcachetest.Start(t)
	site := newSite(t, newBackend(t, memcache.Config{Timeout: time.Second}, server))
	const visitors, after = 16, 200
	var refused atomic.Int64
	var waited, group sync.WaitGroup
	waited.Add(visitors)
	for range visitors {
		visitor := site.browser(t)
		eventually(t, func() error {
			if status, body := visitor.get(t, "/count"); status != 200 {
				return errors.New(body)
			}
			return nil
		})
		group.Go(func() {
			hasWaited := sync.OnceFunc(waited.Done)
			defer hasWaited()
			for left := math.MaxInt; left > 0; left-- {
				switch status, body := visitor.get(t, "/read"); {
				case status == 503:
					refused.Add(1)
					hasWaited()
					left = min(left, after)
				case status != 200:
					t.Errorf("status %d: %s", status, body)
					return
				}
			}
		})
	}
	server.Pause()
	waited.Wait()
	server.Resume()
	group.Wait()
	if n := refused.Load(); n > 2*visitors {
		t.Errorf("a stall refused %d of some %d requests, want %d at most: two for each visitor", n, visitors*after, 2*visitors)
	}
}

// eventually waits until f succeeds.
func eventually(t *testing.T, f func() error) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("still failing: %v", err)
		}
	}
}

// TestDrippingServer checks that the time for a whole reply is limited if it arrives byte by
// byte. It counts the bytes that the server could send before the connection was closed.
func TestDrippingServer(t *testing.T) {
	for name, drop := range map[string]func(key string, i int) string{
		"a byte at a time": func(key string, i int) string {
			if i == 0 {
				return "VALUE " + key + " 0 100000 1\r\n"
			}
			return "x"
		},
		"items without end": func(key string, _ int) string { return "VALUE " + key + " 0 1 1\r\nx\r\n" },
		"a line without end": func(_ string, i int) string {
			if i == 0 {
				return "VALUE "
			}
			return "x"
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			drops := make(chan int, 1)
			addr := proctest.Listen(t, func(conn net.Conn) {
				line, _ := bufio.NewReader(conn).ReadString('\n')
				key := strings.TrimSpace(strings.TrimPrefix(line, "gets "))
				for i := 0; ; i++ {
					if _, err := io.WriteString(conn, drop(key, i)); err != nil || i == 100_000 {
						drops <- i
						return
					}
					time.Sleep(5 * time.Millisecond)
				}
			})
			b := newBackend(t, memcache.Config{Servers: []string{addr}, Timeout: 50 * time.Millisecond})
			if _, err := b.Load(t.Context(), newID()); !isUnknown(err) {
				t.Errorf("error %v", err)
			}
			if n := <-drops; n > 1000 {
				t.Errorf("%d drops were taken", n)
			}
		})
	}
}

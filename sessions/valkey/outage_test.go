package valkey_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/internal/redistest"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/valkey"
)

// TestHungServer checks that if a server does not respond, three calls time out. Then calls
// fail at once until it responds again.
func TestHungServer(t *testing.T) {
	server := redistest.Start(t)
	b := newBackend(t, valkey.Config{Timeout: 200 * time.Millisecond}, server)
	id := newID()
	eventually(t, func() error { return b.Create(t.Context(), id, record("data")) })
	server.Pause()
	const calls = 500
	began := time.Now()
	for range calls {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		_, err := b.Load(ctx, id)
		cancel()
		if err == nil || errors.Is(err, sessions.ErrNotFound) {
			t.Fatalf("error %v", err)
		}
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("%d calls have waited for %v", calls, took)
	}
	server.Resume()
	eventually(t, func() error {
		_, err := b.Load(t.Context(), id)
		return err
	})
}

// TestDeadline checks that a call ends with its context.
func TestDeadline(t *testing.T) {
	server := redistest.Start(t)
	b := newBackend(t, valkey.Config{}, server)
	id := create(t, b, record("data"))
	r := load(t, b, id)
	calls := map[string]func(ctx context.Context, b *valkey.Backend) error{
		"Load":     func(ctx context.Context, b *valkey.Backend) error { _, err := b.Load(ctx, id); return err },
		"Create":   func(ctx context.Context, b *valkey.Backend) error { return b.Create(ctx, newID(), r) },
		"Update":   func(ctx context.Context, b *valkey.Backend) error { _, err := b.Update(ctx, id, r); return err },
		"Delete":   func(ctx context.Context, b *valkey.Backend) error { return b.Delete(ctx, id) },
		"Sessions": func(ctx context.Context, b *valkey.Backend) error { _, err := b.Sessions(ctx, "ann"); return err },
		"EndUser":  func(ctx context.Context, b *valkey.Backend) error { return b.EndUser(ctx, "ann") },
	}
	// Each has a backend of its own, because a backend with three timeouts does not call the
	// server.
	backends := map[string]*valkey.Backend{}
	for method := range calls {
		backends[method] = newBackend(t, valkey.Config{}, server)
	}
	server.Pause()
	for method, call := range calls {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		began := time.Now()
		if err := call(ctx, backends[method]); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 5*time.Second {
			t.Errorf("%s: error %v after %v", method, err, time.Since(began))
		}
		cancel()
	}
	server.Resume()
	eventually(t, func() error { _, err := b.Update(t.Context(), id, r); return err })
}

// TestRestartUnderLoad kills the server three times while eight writers are busy. No
// acknowledged write is lost, and a short restart fails no call.
func TestRestartUnderLoad(t *testing.T) {
	server := redistest.Start(t)
	b := newBackend(t, valkey.Config{}, server)
	var stop atomic.Bool
	var failed atomic.Int64
	var mu sync.Mutex
	var ids []string
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for !stop.Load() {
				id := newID()
				if err := b.Create(t.Context(), id, record(id)); err != nil {
					failed.Add(1)
					continue
				}
				mu.Lock()
				ids = append(ids, id)
				mu.Unlock()
			}
		})
	}
	for range 3 {
		time.Sleep(100 * time.Millisecond)
		server.Restart()
		eventually(t, func() error { return b.Delete(t.Context(), newID()) })
	}
	stop.Store(true)
	group.Wait()
	for _, id := range ids {
		if r := load(t, b, id); string(r.Data) != id {
			t.Fatalf("%s has the data %q", id, r.Data)
		}
	}
	t.Logf("%d creates were acknowledged, %d failed, none is lost", len(ids), failed.Load())
}

// TestScriptsForgotten checks that scripts are sent again after the server has dropped them.
func TestScriptsForgotten(t *testing.T) {
	server := redistest.Start(t)
	b := newBackend(t, valkey.Config{}, server)
	id := create(t, b, record("data"))
	server.Command("SCRIPT", "FLUSH")
	if _, err := b.Update(t.Context(), id, load(t, b, id)); err != nil {
		t.Error(err)
	}
}

// TestEviction checks that a full server evicts sessions by its policy, and never the index, so
// that EndUser ends all remaining sessions of a user.
func TestEviction(t *testing.T) {
	for _, policy := range []string{"volatile-ttl", "volatile-lru", "volatile-lfu", "volatile-random"} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t, "--maxmemory", "4mb", "--maxmemory-policy", policy)
			b := newBackend(t, valkey.Config{}, server)
			var anns []string
			for range 20 {
				anns = append(anns, create(t, b, sessions.Record{Data: []byte("ann's"), User: "ann", Expires: time.Now().Add(30 * 24 * time.Hour)}))
			}
			if err := b.EndUser(t.Context(), "ann", anns...); err != nil { // which completes the index
				t.Fatal(err)
			}
			for i := range 1500 { // some end sooner, some later
				create(t, b, sessions.Record{Data: make([]byte, 4000), Expires: time.Now().Add(time.Duration(i%60) * 24 * time.Hour)})
			}
			if evicted := server.Command("INFO", "stats"); strings.Contains(evicted, "evicted_keys:0\r") {
				t.Fatal("nothing was evicted: this test shows nothing")
			}
			alive := 0
			for _, id := range anns {
				if _, err := b.Load(t.Context(), id); err == nil {
					alive++
				}
			}
			t.Logf("%d of %d sessions were left", alive, len(anns))
			if err := b.EndUser(t.Context(), "ann"); err != nil {
				t.Fatal(err)
			}
			for _, id := range anns {
				if _, err := b.Load(t.Context(), id); !errors.Is(err, sessions.ErrNotFound) {
					t.Errorf("a session is alive after EndUser: %v", err)
				}
			}
		})
	}
}

// TestEndUserSearchesOnce checks that the first EndUser completes a new set of the index. The
// next calls read no other session.
func TestEndUserSearchesOnce(t *testing.T) {
	server := redistest.Start(t)
	b := newBackend(t, valkey.Config{}, server)
	searches := func() int {
		_, calls, _ := strings.Cut(server.Command("INFO", "commandstats"), "cmdstat_scan:calls=")
		calls, _, _ = strings.Cut(calls, ",")
		n, _ := strconv.Atoi(calls)
		return n
	}
	for round, want := range []int{1, 1, 1, 2} {
		kept := create(t, b, sessions.Record{Data: []byte("data"), User: "ann", Expires: time.Now().Add(time.Hour)})
		ended := create(t, b, sessions.Record{Data: []byte("data"), User: "ann", Expires: time.Now().Add(time.Hour)})
		if round == 3 {
			valkey.LoseIndex(t, b, "ann")
		}
		if err := b.EndUser(t.Context(), "ann", kept); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Load(t.Context(), ended); !errors.Is(err, sessions.ErrNotFound) {
			t.Errorf("round %d: a session is alive after EndUser: %v", round, err)
		}
		load(t, b, kept)
		if n := searches(); n != want {
			t.Errorf("round %d: %d searches, want %d", round, n, want)
		}
	}
}

// TestEntryFirst checks that in a cluster a session is written after its entry. An EndUser in
// between keeps the entry, so that the next one ends the session.
func TestEntryFirst(t *testing.T) {
	server := redistest.Start(t)
	b := newBackend(t, valkey.Config{}, server)
	create(t, b, sessions.Record{Data: []byte("data"), User: "ann", Expires: time.Now().Add(time.Hour)})
	for range 2 { // the first one completes the index
		valkey.Enter(t, b, "ann", newID())
		if err := b.EndUser(t.Context(), "ann"); err != nil {
			t.Fatal(err)
		}
	}
	if n := valkey.Entries(t, b, "ann"); n != 2 {
		t.Errorf("%d entries are left, want 2", n)
	}
}

// TestEntriesLost checks that saving a session that the index does not list marks that others
// may be lost too.
func TestEntriesLost(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(t testing.TB) []*redistest.Server{
		"one server": func(t testing.TB) []*redistest.Server { return []*redistest.Server{redistest.Start(t)} },
		"a cluster":  func(t testing.TB) []*redistest.Server { return redistest.Cluster(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBackend(t, valkey.Config{}, start(t)...)
			var ids []string
			for range 3 {
				ids = append(ids, create(t, b, sessions.Record{Data: []byte("data"), User: "ann", Expires: time.Now().Add(time.Hour)}))
			}
			if err := b.EndUser(t.Context(), "ann", ids...); err != nil { // which completes the index
				t.Fatal(err)
			}
			valkey.LoseEntries(t, b, "ann", ids[:2]...)
			r := load(t, b, ids[0])
			stale := r
			stale.Version++
			if _, err := b.Update(t.Context(), ids[0], stale); !errors.Is(err, sessions.ErrConflict) {
				t.Fatal(err)
			}
			if _, err := b.Update(t.Context(), ids[0], r); err != nil {
				t.Fatal(err)
			}
			if err := b.EndUser(t.Context(), "ann"); err != nil {
				t.Fatal(err)
			}
			for _, id := range ids {
				if _, err := b.Load(t.Context(), id); !errors.Is(err, sessions.ErrNotFound) {
					t.Errorf("a session is alive after EndUser: %v", err)
				}
			}
		})
	}
}

// TestEntryOfRefusedSave checks that in a cluster, where a save writes the entry first, the
// entry lasts as long as the session even if the save is then refused.
func TestEntryOfRefusedSave(t *testing.T) {
	t.Parallel()
	b := newBackend(t, valkey.Config{}, redistest.Cluster(t)...)
	expires := time.Now().Add(30 * 24 * time.Hour)
	id := create(t, b, sessions.Record{Data: []byte("data"), User: "ann", Expires: expires})
	stale := load(t, b, id)
	stale.Version, stale.Expires = stale.Version+1, time.Now().Add(time.Minute)
	if _, err := b.Update(t.Context(), id, stale); !errors.Is(err, sessions.ErrConflict) {
		t.Fatal(err)
	}
	if end := valkey.EntryEnd(t, b, "ann", id); end.Before(expires) {
		t.Errorf("the entry ends at %v, and the session at %v", end, expires)
	}
}

// TestIndexLostInSearch checks that a set that is lost while EndUser searches does not count as
// complete.
func TestIndexLostInSearch(t *testing.T) {
	server := redistest.Start(t)
	b := newBackend(t, valkey.Config{}, server)
	var id string
	valkey.InSearch(t, b, "ann", func() {
		id = create(t, b, sessions.Record{Data: []byte("data"), User: "ann", Expires: time.Now().Add(time.Hour)})
		valkey.LoseIndex(t, b, "ann")
	})
	if err := b.EndUser(t.Context(), "ann"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Load(t.Context(), id); !errors.Is(err, sessions.ErrNotFound) {
		t.Errorf("a session is alive after EndUser: %v", err)
	}
}

// TestForeignKeys checks that EndUser still searches if a key of another program looks like
// that of a session.
func TestForeignKeys(t *testing.T) {
	server := redistest.Start(t)
	b := newBackend(t, valkey.Config{}, server)
	server.Command("HSET", "session:"+newID(), "field", "value")
	server.Command("SET", "session:"+newID(), "value")
	id := create(t, b, sessions.Record{Data: []byte("data"), User: "ann", Expires: time.Now().Add(time.Hour)})
	valkey.LoseIndex(t, b, "ann")
	if err := b.EndUser(t.Context(), "ann"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Load(t.Context(), id); !errors.Is(err, sessions.ErrNotFound) {
		t.Errorf("a session is alive after EndUser: %v", err)
	}
}

// TestPassingTroubles checks that no call fails if the server cannot write for a moment.
func TestPassingTroubles(t *testing.T) {
	server := redistest.Start(t)
	for name, trouble := range map[string]func(b *valkey.Backend) (end func()){
		"no replica": func(*valkey.Backend) func() {
			server.Command("CONFIG", "SET", "min-replicas-to-write", "1")
			return func() { server.Command("CONFIG", "SET", "min-replicas-to-write", "0") }
		},
		"too many clients": func(*valkey.Backend) func() {
			admin, err := net.Dial("tcp", server.Addr)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprint(admin, "CLIENT KILL TYPE normal SKIPME yes\r\nCONFIG SET maxclients 1\r\n")
			buffer := make([]byte, 100)
			for read := 0; !strings.Contains(string(buffer[:read]), "OK"); {
				n, err := admin.Read(buffer[read:])
				if err != nil {
					t.Fatal(err)
				}
				read += n
			}
			return func() {
				fmt.Fprint(admin, "CONFIG SET maxclients 1000\r\n")
				admin.Read(buffer)
				admin.Close()
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBackend(t, valkey.Config{}, server)
			id := create(t, b, record("data"))
			r := load(t, b, id)
			end := trouble(b)
			result := make(chan error, 1)
			go func() {
				_, err := b.Update(t.Context(), id, r)
				result <- err
			}()
			select {
			case err := <-result:
				t.Errorf("Update in the trouble: %v", err)
				end()
			case <-time.After(200 * time.Millisecond):
				end()
				if err := <-result; err != nil {
					t.Errorf("Update: %v", err)
				}
			}
		})
	}
}

// TestMovingSlot checks that sessions on both nodes work while a slot moves from one to the
// other.
func TestMovingSlot(t *testing.T) {
	t.Parallel()
	nodes := redistest.Cluster(t)
	b := newBackend(t, valkey.Config{Prefix: "{here}:"}, nodes...) // all keys in one slot
	const key = "{here}:x"
	var from, to *redistest.Server
	slot := nodes[0].Command("CLUSTER", "KEYSLOT", key)
	number, err := strconv.Atoi(slot)
	if err != nil {
		t.Fatal(slot)
	}
	from = nodes[number/5461]
	to = nodes[(number/5461+1)%3]
	id := func(s *redistest.Server) string { return s.Command("CLUSTER", "MYID") }

	record := func() sessions.Record {
		return sessions.Record{Data: []byte("data"), User: "ann", Expires: time.Now().Add(time.Hour)}
	}
	stays, moves := create(t, b, record()), create(t, b, record())
	to.Command("CLUSTER", "SETSLOT", slot, "IMPORTING", id(from))
	from.Command("CLUSTER", "SETSLOT", slot, "MIGRATING", id(to))
	host, port, _ := net.SplitHostPort(to.Addr)
	if answer := from.Command("MIGRATE", host, port, "{here}:"+moves, "0", "5000"); answer != "OK" {
		t.Fatal(answer)
	}
	begins := create(t, b, record())
	for name, id := range map[string]string{"stays": stays, "moves": moves, "begins": begins} {
		if _, err := b.Update(t.Context(), id, load(t, b, id)); err != nil {
			t.Errorf("the session that %s: %v", name, err)
		}
	}
	for _, key := range strings.Fields(from.Command("KEYS", "*")) {
		if answer := from.Command("MIGRATE", host, port, key, "0", "5000"); answer != "OK" {
			t.Fatal(answer)
		}
	}
	for _, node := range nodes {
		node.Command("CLUSTER", "SETSLOT", slot, "NODE", id(to))
	}
	for name, id := range map[string]string{"stays": stays, "moves": moves, "begins": begins} {
		if _, err := b.Update(t.Context(), id, load(t, b, id)); err != nil {
			t.Errorf("the session that %s, after the move: %v", name, err)
		}
	}
	if infos, err := b.Sessions(t.Context(), "ann"); len(infos) != 3 || err != nil {
		t.Errorf("%d sessions are listed, %v", len(infos), err)
	}
	if err := b.EndUser(t.Context(), "ann"); err != nil {
		t.Error(err)
	}
	for _, id := range []string{stays, moves, begins} {
		if _, err := b.Load(t.Context(), id); !errors.Is(err, sessions.ErrNotFound) {
			t.Errorf("a session is alive after EndUser: %v", err)
		}
	}
}

// TestIndexIsBounded checks that a user who logs in and out again and again leaves no entries.
func TestIndexIsBounded(t *testing.T) {
	server := redistest.Start(t)
	b := newBackend(t, valkey.Config{}, server)
	end := map[int]func(id string) error{
		0: func(id string) error { return b.Delete(t.Context(), id) },
		1: func(id string) error { return b.EndUser(t.Context(), "ann") },
		2: func(id string) error { // a logout
			r := load(t, b, id)
			_, err := b.Update(t.Context(), id, sessions.Record{Data: []byte("ended"), Expires: time.Now().Add(time.Minute), Version: r.Version})
			return err
		},
		3: func(id string) error { // a login of another
			r := load(t, b, id)
			r.User = "bob"
			_, err := b.Update(t.Context(), id, r)
			return err
		},
	}
	for i := range 40 {
		id := create(t, b, sessions.Record{Data: []byte("data"), User: "ann", Expires: time.Now().Add(time.Hour)})
		if err := end[i%4](id); err != nil {
			t.Fatal(err)
		}
	}
	create(t, b, sessions.Record{Data: []byte("data"), User: "ann", Expires: time.Now().Add(time.Hour)})
	if n := valkey.Entries(t, b, "ann"); n != 1 {
		t.Errorf("the index has %d entries of 1 session", n)
	}
}

// TestIndexOfEvicted checks that the index does not keep the entries of evicted sessions. They
// would fill the memory in the end, because the index itself is never evicted.
func TestIndexOfEvicted(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, "--maxmemory", "4mb", "--maxmemory-policy", "volatile-lru")
	b := newBackend(t, valkey.Config{}, server)
	const users, each = 50, 120
	for i := range users * each {
		err := b.Create(t.Context(), newID(), sessions.Record{Data: make([]byte, 2000), User: fmt.Sprint("user", i%users), Expires: time.Now().Add(30 * 24 * time.Hour)})
		if err != nil {
			t.Fatalf("login %d: %v", i, err)
		}
	}
	size, err := strconv.Atoi(server.Command("DBSIZE"))
	if err != nil {
		t.Fatal(err)
	}
	if n := valkey.IndexSize(t, b); n > 3*int64(size) {
		t.Errorf("the index has %d entries of some %d sessions", n, size)
	}
}

// TestFarExpiry checks that a session that expires in centuries is kept.
func TestFarExpiry(t *testing.T) {
	b := newBackend(t, valkey.Config{}, redistest.Start(t))
	id := create(t, b, sessions.Record{Data: []byte("data"), Expires: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)})
	time.Sleep(5 * time.Millisecond)
	load(t, b, id)
}

func TestMistakes(t *testing.T) {
	cluster := redistest.Cluster(t)
	sentinel := redistest.Sentinel(t, "main", redistest.Start(t))
	evicts := redistest.Start(t, "--maxmemory-policy", "allkeys-lru")
	locked := redistest.Start(t, "--requirepass", "secret")
	down := redistest.Start(t)
	down.Stop()
	for name, c := range map[string]struct {
		config valkey.Config
		want   string
	}{
		"no address":                {valkey.Config{}, "Addrs is empty"},
		"no port":                   {valkey.Config{Addrs: []string{"localhost"}}, "host:port"},
		"a prefix":                  {valkey.Config{Addrs: []string{"localhost:1"}, Prefix: strings.Repeat("x", 201)}, "Prefix"},
		"a timeout":                 {valkey.Config{Addrs: []string{"localhost:1"}, Timeout: -1}, "Timeout"},
		"connections":               {valkey.Config{Addrs: []string{"localhost:1"}, MaxConns: -1}, "MaxConns"},
		"a policy":                  {valkey.Config{Addrs: []string{evicts.Addr}}, "noeviction or volatile-ttl"},
		"no password":               {valkey.Config{Addrs: []string{locked.Addr}}, "Config.Password"},
		"a wrong password":          {valkey.Config{Addrs: []string{locked.Addr}, Password: "wrong"}, "Config.Password"},
		"a server that is down":     {valkey.Config{Addrs: []string{down.Addr}}, "refused"},
		"a server is no cluster":    {valkey.Config{Addrs: []string{evicts.Addr}, Cluster: true}, "not a cluster"},
		"one address of a cluster":  {valkey.Config{Addrs: []string{cluster[0].Addr}}, "Config.Cluster"},
		"a cluster, any policy":     {valkey.Config{Addrs: []string{cluster[0].Addr}, AnyPolicy: true}, "Config.Cluster"},
		"a Sentinel":                {valkey.Config{Addrs: []string{sentinel.Addr}}, "Config.Master"},
		"a password, any policy":    {valkey.Config{Addrs: []string{locked.Addr}, AnyPolicy: true}, "Config.Password"},
		"a cluster, down as it was": {valkey.Config{Addrs: []string{down.Addr}, Cluster: true}, "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			c.config.Timeout = max(c.config.Timeout, -1)
			b, err := valkey.New(t.Context(), c.config)
			if b != nil {
				b.Close()
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one that says %q", err, c.want)
			}
		})
	}
	for name, config := range map[string]valkey.Config{
		"any policy":               {Addrs: []string{evicts.Addr}, AnyPolicy: true},
		"a password":               {Addrs: []string{locked.Addr}, Password: "secret"},
		"one address of a cluster": {Addrs: []string{cluster[0].Addr}, Cluster: true},
		"credentials": {Addrs: []string{locked.Addr}, Credentials: func(context.Context) (string, string, error) {
			return "default", "secret", nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBackend(t, config)
			for range 5 {
				create(t, b, record("data"))
			}
			if err := b.Probe(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestTLS has a server whose certificate is signed by an authority of its own.
func TestTLS(t *testing.T) {
	dir := t.TempDir()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	cert, keyFile := write("cert.pem", "CERTIFICATE", certificate), write("key.pem", "PRIVATE KEY", private)
	plain := redistest.Start(t)
	host, port, _ := net.SplitHostPort(plain.Addr)
	plain.Command("CONFIG", "SET", "tls-cert-file", cert, "tls-key-file", keyFile, "tls-ca-cert-file", cert, "tls-auth-clients", "no")
	if answer := plain.Command("CONFIG", "SET", "port", "0", "tls-port", port); answer != "OK" {
		t.Skipf("this redis-server has no TLS: %s", answer)
	}
	roots := x509.NewCertPool()
	roots.AddCert(must(x509.ParseCertificate(certificate)))
	addr := net.JoinHostPort(host, port)
	b := newBackend(t, valkey.Config{Addrs: []string{addr}, TLS: &tls.Config{RootCAs: roots}})
	load(t, b, create(t, b, record("data")))

	if _, err := valkey.New(t.Context(), valkey.Config{Addrs: []string{addr}, TLS: &tls.Config{}}); err == nil {
		t.Error("a certificate of an unknown authority is accepted")
	}
	if _, err := valkey.New(t.Context(), valkey.Config{Addrs: []string{addr}}); err == nil || !strings.Contains(err.Error(), "Config.TLS") {
		t.Errorf("without TLS: %v", err)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// eventually waits until f succeeds.
func eventually(t *testing.T, f func() error) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		err := f()
		if err == nil || errors.Is(err, sessions.ErrExists) { // of an earlier try that took too long
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("still failing: %v", err)
		}
	}
}

// TestNodeOfCluster checks that a node that hangs does not affect the sessions of the others.
func TestNodeOfCluster(t *testing.T) {
	nodes := redistest.Cluster(t)
	b := newBackend(t, valkey.Config{Timeout: 300 * time.Millisecond}, nodes...)
	var ids []string
	for range 60 {
		id := newID()
		eventually(t, func() error { return b.Create(t.Context(), id, record("data")) })
		ids = append(ids, id)
	}
	nodes[1].Pause()
	defer nodes[1].Resume()
	failed := 0
	for _, id := range ids {
		if _, err := b.Load(t.Context(), id); err != nil {
			failed++
		}
	}
	if failed == 0 || failed > 45 {
		t.Errorf("%d of %d sessions cannot be read, want about a third", failed, len(ids))
	}
}

// TestRights checks that a user of the server with the rights that docs/stores.md names can do
// everything that a Backend and a Counter do.
func TestRights(t *testing.T) {
	text, err := os.ReadFile("../../docs/stores.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "ACL SETUSER app on '>secret' ")
	rights, _, found := strings.Cut(rest, "\n\n")
	if !found {
		t.Fatal("docs/stores.md does not name the rights")
	}
	server := redistest.Start(t)
	if answer := server.Command(append([]string{"ACL", "SETUSER", "app", "on", ">secret"}, strings.Fields(strings.ReplaceAll(rights, "\\", ""))...)...); answer != "OK" {
		t.Fatal(answer)
	}
	b := newBackend(t, valkey.Config{Username: "app", Password: "secret"}, server)
	id := create(t, b, sessions.Record{Data: []byte("data"), User: "ann", Expires: time.Now().Add(time.Hour)})
	if _, err := b.Update(t.Context(), id, load(t, b, id)); err != nil {
		t.Error(err)
	}
	if infos, err := b.Sessions(t.Context(), "ann"); len(infos) != 1 || err != nil {
		t.Errorf("Sessions: %v, %v", infos, err)
	}
	valkey.LoseIndex(t, b, "ann")
	if err := b.EndUser(t.Context(), "ann"); err != nil {
		t.Error(err)
	}
	if err := b.Delete(t.Context(), id); err != nil {
		t.Error(err)
	}
	if err := b.Probe(t.Context()); err != nil {
		t.Error(err)
	}
	counter, err := valkey.NewCounter(valkey.Config{Addrs: []string{server.Addr}, Username: "app", Password: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	defer counter.Close()
	if err := counter.Add(t.Context(), "key", time.Hour); err != nil {
		t.Error(err)
	}
	if _, err := counter.Counts(t.Context(), []string{"key"}); err != nil {
		t.Error(err)
	}
}

// TestSentinel kills a master. The replica that replaces it has the sessions and accepts
// changes.
func TestSentinel(t *testing.T) {
	t.Parallel()
	master := redistest.Start(t)
	host, port, _ := net.SplitHostPort(master.Addr)
	replica := redistest.Start(t, "--replicaof", host+" "+port)
	eventually(t, func() error {
		if info := replica.Command("INFO", "replication"); !strings.Contains(info, "master_link_status:up") {
			return errors.New(info)
		}
		return nil
	})
	sentinel := redistest.Sentinel(t, "sessions", master)
	eventually(t, func() error {
		if info := sentinel.Command("SENTINEL", "replicas", "sessions"); !strings.Contains(info, replica.Addr) {
			return errors.New(info)
		}
		return nil
	})
	b := newBackend(t, valkey.Config{Addrs: []string{sentinel.Addr}, Master: "sessions", Timeout: 2 * time.Second})
	var ids []string
	for range 100 {
		ids = append(ids, create(t, b, record("data")))
	}
	eventually(t, func() error { // replication is asynchronous
		if n := replica.Command("DBSIZE"); n != "100" {
			return errors.New(n)
		}
		return nil
	})
	master.Stop()
	eventually(t, func() error {
		r, err := b.Load(t.Context(), ids[0])
		if err == nil {
			_, err = b.Update(t.Context(), ids[0], r)
		}
		return err
	})
	for _, id := range ids {
		load(t, b, id)
	}
}

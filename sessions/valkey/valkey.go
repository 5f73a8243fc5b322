// Package valkey keeps sessions in Valkey, or in Redis 7 and later.
//
//	backend, err := valkey.New(ctx, valkey.Config{Addrs: []string{"10.0.0.5:6379"}})
//	if err != nil {
//		log.Fatal(err)
//	}
//	defer backend.Close()
//	manager, err := sessions.New(sessions.Config{
//		Keys:     keys,
//		Sessions: []sessions.Spec{{Backend: backend}},
//	})
//
// # What it promises
//
// As long as the server keeps what it has acknowledged, no update is lost, and no update
// brings a session back after its end. What the server keeps is the operator's choice. If
// the sessions are nowhere else, set appendonly to yes. If a crash must not lose any of
// them, set appendfsync to always: everysec can lose two seconds. Replication is
// asynchronous, so a failover may lose the newest sessions, and bring back one that was
// just logged out. Set min-replicas-to-write to 1, or use package cached with a store
// that lasts.
//
// EndUser returns nil only if no session of the user is left that had begun before, also if
// the server has lost the index of users, or some sets of it. A failover that loses the
// newest changes may lose an entry and keep its session, in a cluster: then EndUser misses
// that session until it is saved.
//
// If memory is short the server may evict sessions, whose visitors are then logged out. It
// must not evict the index. The keys of the index have no expiry, so that noeviction and the
// policies that begin with volatile- never do that. [New] reads maxmemory-policy, and returns
// an error if it is another one. With volatile-ttl what ends soonest goes first. Memorystore
// for Valkey has volatile-lru: where logins must last, use package cached there, with a store
// of package sqlstore or datastore.
//
// With noeviction a full server refuses new sessions and changes, with 503, and carries out
// logouts and EndUser. It does not make room for logins at the expense of visitors.
//
// # Keys
//
// A session is one string, whose key is Config.Prefix and the hash of the id. It expires by
// itself. The index of users is 4096 sorted sets, whose keys are Config.Prefix, "user:" and
// the first two characters of the user's hash. Each lists the sessions of many users, until a
// day after their end; a write to a set removes what is older. On a single server each new
// entry also removes some of sessions that were evicted or have ended, so that less than half
// of the entries are of these. In a cluster they stay until that day: set noeviction there.
// No command touches two slots of a cluster.
//
// A set that lists every session of its users says so by an entry of its own. A set that was
// made anew, because it was lost or is the first of its kind, does not; nor does one after a
// save of a session that it did not list. EndUser then looks at all sessions of the server
// and completes the set: three seconds for a hundred thousand sessions on a busy machine,
// once for each set. The EndUser of a Manager has ten seconds: with more sessions than it can
// look at in that time, call that of the Backend. While slots of a cluster move to other nodes
// EndUser may miss a session, until that is saved. Sessions does not look further than the
// index, and so may list too few until then.
//
// # Costs
//
// Load is one GET. Create, Update and Delete are one script each, Sessions and EndUser one
// script and then one or two pipelines. A change that takes a session from its user, as a
// logout does, is one command more; in a cluster every change of a user's session is.
//
// # Failures
//
// A command that fails because the connection broke is sent again within its time. A
// change may then have been carried out the first time, which the script recognizes by
// its own version. If it finds that of another writer, Update returns another error than
// [sessions.ErrConflict]. The client library repeats no change by itself. It prints a
// line for each dial that fails; redis.SetLogger sends these elsewhere.
//
// A server that does not respond three times in a row is not asked for a while, except by
// one command after 100 ms, and then after pauses that double up to a second. In a
// cluster that holds for each node.
//
// The package example is a site with such a Backend.
package valkey

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// A Config says which server keeps the sessions, and how long to wait for it.
type Config struct {
	// Addrs are the addresses of the server, host:port, at least one. Several are nodes
	// of one cluster, which know the others, or Sentinels if Master is set.
	Addrs []string
	// Cluster says that a single address is that of a cluster, such as the discovery
	// endpoint of Memorystore.
	Cluster bool
	// Master is the name of the master that the Sentinels at Addrs watch. If empty, Addrs
	// are not Sentinels.
	Master string

	// TLS encrypts the connections, if not nil. A server whose certificate is signed by an
	// authority of its own, as Memorystore's is, needs RootCAs.
	TLS *tls.Config
	// Username and Password are sent on each new connection, unless Credentials is set.
	Username, Password string
	// Credentials returns the two for a new connection: for passwords that change, such as
	// access tokens.
	Credentials func(ctx context.Context) (username, password string, err error)

	// Prefix begins every key. If empty, "session:", and "count:" for a [Counter].
	Prefix string
	// Timeout bounds a dial, and each command with its reply. If 0, it is 1 second.
	Timeout time.Duration
	// MaxConns is the most connections to each node. If 0, it is 64.
	MaxConns int
	// AnyPolicy accepts a server that may evict the index of users: for a cache before a
	// store that lasts, and for a [Counter].
	AnyPolicy bool
}

// complete returns c with defaults for its zero values, or an error with every mistake in
// it.
func (c Config) complete() (Config, error) {
	c.Prefix = cmp.Or(c.Prefix, "session:")
	c.Timeout = cmp.Or(c.Timeout, time.Second)
	c.MaxConns = cmp.Or(c.MaxConns, 64)
	var errs []error
	mistake := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if len(c.Addrs) == 0 {
		mistake("Addrs is empty: name one server, such as 127.0.0.1:6379")
	}
	for i, addr := range c.Addrs {
		if host, port, err := net.SplitHostPort(addr); err != nil || host == "" || port == "" {
			mistake("Addrs[%d] is %q: write host:port, such as 127.0.0.1:6379", i, addr)
		}
	}
	if c.Cluster && c.Master != "" {
		mistake("Cluster and Master are both set: Sentinels watch servers that are not a cluster")
	}
	if len(c.Prefix) > 200 {
		mistake("Prefix has %d bytes: give 200 at most", len(c.Prefix))
	}
	if c.Timeout < 0 {
		mistake("Timeout is %v: give a positive one, or 0 for 1s", c.Timeout)
	}
	if c.MaxConns < 0 {
		mistake("MaxConns is %d: give a positive number, or 0 for 64", c.MaxConns)
	}
	return c, errors.Join(errs...)
}

func (c Config) client() redis.UniversalClient {
	return redis.NewUniversalClient(&redis.UniversalOptions{
		Addrs:         c.Addrs,
		IsClusterMode: c.Cluster,
		MasterName:    c.Master,
		TLSConfig:     c.TLS,
		Username:      c.Username,
		Password:      c.Password,

		CredentialsProviderContext: c.Credentials,

		// The method run bounds and repeats commands. Without ContextTimeoutEnabled the
		// deadline of a context is ignored.
		ContextTimeoutEnabled: true,
		MaxRetries:            -1,
		DialerRetries:         1,
		DialTimeout:           c.Timeout,
		ReadTimeout:           c.Timeout,
		WriteTimeout:          c.Timeout,
		PoolTimeout:           c.Timeout,
		PoolSize:              c.MaxConns,
		ConnMaxIdleTime:       5 * time.Minute,
		ReadBufferSize:        4 << 10, // of each connection
		WriteBufferSize:       4 << 10,
	})
}

// New returns the Backend that c describes, or an error with all mistakes in c. It asks
// the server what it is, and for its maxmemory-policy. It returns an error if there is
// no reply before ctx ends, or if sessions would not be safe there.
func New(ctx context.Context, c Config) (*Backend, error) {
	s, err := open(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("sessions/valkey: %w", err)
	}
	return &Backend{s}, nil
}

func open(ctx context.Context, c Config) (*server, error) {
	c, err := c.complete()
	if err != nil {
		return nil, err
	}
	s := newServer(c)
	if err := s.each(ctx, c.check); err != nil {
		s.client.Close()
		return nil, explain(err)
	}
	return s, nil
}

// newServer makes a server. It does not connect.
func newServer(c Config) *server {
	s := &server{client: c.client(), prefix: c.Prefix, timeout: c.Timeout}
	s.cluster, _ = s.client.(*redis.ClusterClient)
	return s
}

// check returns an error if the node needs Config.Cluster or Config.Master, or if it may evict
// keys that have no expiry. With AnyPolicy, a node that does not answer INFO is accepted.
func (c Config) check(ctx context.Context, node *redis.Client) error {
	addr := node.Options().Addr
	if err := node.Ping(ctx).Err(); err != nil {
		return err
	}
	info, err := node.Info(ctx).Result()
	if err != nil && !c.AnyPolicy {
		return fmt.Errorf("cannot read maxmemory_policy of %s with INFO: %w", addr, err)
	}
	policy := ""
	for line := range strings.Lines(info) {
		switch name, value, _ := strings.Cut(strings.TrimSpace(line), ":"); name {
		case "redis_mode", "server_mode": // the second one of Valkey
			switch {
			case value == "sentinel":
				return fmt.Errorf("%s is a Sentinel: set Config.Master to the name of the master that it watches", addr)
			case value == "cluster" && !c.Cluster && len(c.Addrs) == 1:
				return fmt.Errorf("%s is a node of a cluster: set Config.Cluster", addr)
			}
		case "maxmemory_policy":
			policy = value
		}
	}
	switch {
	case c.AnyPolicy, policy == "noeviction", strings.HasPrefix(policy, "volatile-"):
		return nil
	case policy == "":
		return fmt.Errorf("%s does not tell its maxmemory_policy: set Config.AnyPolicy if it is noeviction or begins with volatile-, or if the server is before a store that lasts", addr)
	}
	return fmt.Errorf("%s has maxmemory-policy %s, with which EndUser could leave sessions alive: set it to noeviction or volatile-ttl, or another that begins with volatile-; or put the server before a store that lasts, with package cached, and set Config.AnyPolicy", addr, policy)
}

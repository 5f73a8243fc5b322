package valkey

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/webapp2go/webapp2go/internal/circuit"
	"github.com/webapp2go/webapp2go/sessions"
)

// A server is one server or cluster, with the client for it.
type server struct {
	client  redis.UniversalClient
	cluster *redis.ClusterClient // nil if it is not a cluster
	prefix  string
	timeout time.Duration

	circuit  circuit.Circuit // of a single server
	circuits sync.Map        // of the nodes of a cluster, by address
	down     atomic.Bool     // the server refused connections the last time
}

// circuitOf returns the circuit of the node that has a key.
func (s *server) circuitOf(ctx context.Context, key string) *circuit.Circuit {
	if s.cluster == nil {
		return &s.circuit
	}
	node, err := s.cluster.MasterForKey(ctx, key)
	if err != nil {
		return &s.circuit
	}
	addr := node.Options().Addr
	c, ok := s.circuits.Load(addr)
	if !ok {
		c, _ = s.circuits.LoadOrStore(addr, new(circuit.Circuit))
	}
	return c.(*circuit.Circuit)
}

// each calls f for every master.
func (s *server) each(ctx context.Context, f func(ctx context.Context, node *redis.Client) error) error {
	if s.cluster != nil {
		return s.cluster.ForEachMaster(ctx, f)
	}
	return f(ctx, s.client.(*redis.Client))
}

func (s *server) probe(ctx context.Context) error {
	return s.each(ctx, func(ctx context.Context, node *redis.Client) error { return node.Ping(ctx).Err() })
}

const (
	firstPause   = 5 * time.Millisecond // between two tries; it doubles
	longestPause = 100 * time.Millisecond
	// outage is how long a call tries a server that refuses connections. A restart takes
	// less time.
	outage = 1500 * time.Millisecond
	// giveUp is how long a call must have waited before its end counts as silence of the
	// server.
	giveUp = 100 * time.Millisecond
)

// errOpen is the error of a command that was not sent.
var errOpen = fmt.Errorf("it was silent %d times in a row and is asked again within %v", circuit.TripAfter, circuit.MaxPause)

// run calls do, which sends commands for key, and calls it again if the connection broke.
// Again is true if an earlier try may have been carried out. An error of package sessions
// is returned as it is.
func (s *server) run(ctx context.Context, doing, key string, do func(ctx context.Context, again bool) error) error {
	c := s.circuitOf(ctx, key)
	began := time.Now()
	again := false
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		err := s.once(ctx, c, func() error { return do(ctx, again) })
		if err == nil || isAnswer(err) {
			if s.down.Load() {
				s.down.Store(false)
			}
			return err
		}
		if ctx.Err() != nil {
			return failure(doing, ended(ctx, err))
		}
		switch class(err) {
		case refused:
			return failure(doing, err)
		case notSent:
			if s.down.Load() || time.Since(began) > outage {
				s.down.Store(true)
				return failure(doing, err)
			}
		case broken:
			if again && time.Since(began) > outage {
				return failure(doing, err)
			}
			again = true
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause/2 + rand.N(pause)):
		}
	}
}

// once calls do and reports the result to the circuit.
func (s *server) once(ctx context.Context, c *circuit.Circuit, do func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	began, ok := c.Allow()
	if !ok {
		return errOpen
	}
	reported := false
	defer func() {
		if !reported { // do has panicked
			c.Leave()
		}
	}()
	err := do()
	switch silent := timedOut(err); {
	case silent && ctx.Err() != nil && time.Since(began) < giveUp, errors.Is(err, context.Canceled):
		c.Leave()
	default:
		c.Report(began, silent)
	}
	reported = true
	return err
}

// isAnswer reports whether err is a reply of the server.
func isAnswer(err error) bool {
	return errors.Is(err, sessions.ErrNotFound) || errors.Is(err, sessions.ErrExists) || errors.Is(err, sessions.ErrConflict)
}

func timedOut(err error) bool {
	network, ok := errors.AsType[net.Error](err)
	return ok && network.Timeout() || errors.Is(err, context.DeadlineExceeded)
}

// ended returns the error of a call whose context has ended.
func ended(ctx context.Context, err error) error {
	if errors.Is(err, ctx.Err()) {
		return err
	}
	return fmt.Errorf("%w: %w", ctx.Err(), err)
}

// What an error says about the command that has failed.
type outcome int

const (
	refused outcome = iota // the server has refused it, and would refuse it again
	notSent                // it was not carried out, but another try may be
	broken                 // it may have been carried out
)

func class(err error) outcome {
	var network *net.OpError
	var reply redis.Error
	switch {
	case errors.Is(err, errUnknown), errors.Is(err, errOpen), errors.Is(err, redis.ErrClosed):
		return refused
	case errors.Is(err, redis.ErrPoolTimeout), errors.As(err, &network) && network.Op == "dial":
		return notSent
	case errors.As(err, &reply):
		word, _, _ := strings.Cut(reply.Error(), " ")
		switch word {
		case "LOADING", "BUSY", "TRYAGAIN", "CLUSTERDOWN", "MASTERDOWN", "READONLY", "NOREPLICAS":
			return notSent // for a while
		}
		return refused
	default:
		return broken
	}
}

func failure(doing string, err error) error {
	return fmt.Errorf("sessions/valkey: %s: %w", doing, explain(err))
}

// explain adds to an error how to fix its usual cause.
func explain(err error) error {
	switch text := err.Error(); {
	case strings.Contains(text, "MOVED "):
		return fmt.Errorf("%w (the address is that of a cluster: set Config.Cluster)", err)
	case strings.Contains(text, "NOAUTH"), strings.Contains(text, "WRONGPASS"):
		return fmt.Errorf("%w (set Config.Password, and Config.Username if it has one)", err)
	case strings.Contains(text, "OOM "):
		return fmt.Errorf("%w (the server is full: give it more memory, or let sessions of visitors end sooner)", err)
	case errors.Is(err, io.EOF):
		return fmt.Errorf("%w (if this is always so, the server may want TLS: set Config.TLS)", err)
	case strings.Contains(text, "cluster support disabled"):
		return fmt.Errorf("%w (the server is not a cluster: leave Config.Cluster false and give one address)", err)
	}
	return err
}

// A change is a command that the client library must not repeat, because it would not say
// so.
type change struct{ *redis.Cmd }

// NoRetry implements [redis.Cmder].
func (change) NoRetry() bool { return true }

// A script is sent as its hash, and as its text if the server does not know the hash.
type script struct{ hash, text string }

func newScript(text string) script { return script{redis.NewScript(text).Hash(), text} }

func (s *server) eval(ctx context.Context, script script, keys []string, args ...any) (answer any, err error) {
	for _, how := range [][2]string{{"evalsha", script.hash}, {"eval", script.text}} {
		words := []any{how[0], how[1], len(keys)}
		for _, key := range keys {
			words = append(words, key)
		}
		cmd := change{redis.NewCmd(ctx, append(words, args...)...)}
		if err = s.client.Process(ctx, cmd); !redis.HasErrorPrefix(err, "NOSCRIPT") {
			return cmd.Val(), err
		}
	}
	return nil, err
}

// Package datastoretest serves the API of Google Cloud Datastore
// (google.datastore.v1) from the memory of a test, so that the real client can be
// tested without an account or a network:
//
//	server := datastoretest.Start(t)
//	client := server.Client(t.Context())
//
// It keeps the promises that code relies on: transactions read one snapshot and
// abort when what they looked up has changed, even if nothing was found;
// commits are all or nothing; the limits of sizes hold. It is optimistic only, and
// knows of queries what [database.query] says; what it does not know it refuses as
// Unimplemented instead of answering wrongly.
//
// If DATASTORE_EMULATOR_HOST is set, [Start] hands out that emulator instead,
// each time under a project of its own. Tests that count calls or inject faults
// are skipped then.
package datastoretest

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"path"
	"strings"
	"sync"
	"testing"

	"cloud.google.com/go/datastore"
	pb "cloud.google.com/go/datastore/apiv1/datastorepb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// A Server is one running Datastore. Safe for concurrent use.
type Server struct {
	Addr    string // host:port, as DATASTORE_EMULATOR_HOST wants it, also for other processes
	Project string // a project id that no other Server has

	t        testing.TB // nil for a server of New
	emulator bool
	database *database
	grpc     *grpc.Server

	mu     sync.Mutex // guards what follows
	calls  map[string]int
	before func(method string) error
	after  func(method string) error
}

// Start starts a server on a free port of 127.0.0.1 and stops it when t ends.
func Start(t testing.TB) *Server {
	t.Helper()
	s, err := New()
	if err != nil {
		t.Fatal(err)
	}
	s.t = t
	if s.emulator {
		t.Logf("datastoretest: using the emulator at %s", s.Addr)
	}
	t.Cleanup(s.Close)
	return s
}

// New is [Start] for examples, which have no test to speak to. Of its methods they
// may call Close, no other.
func New() (*Server, error) {
	s := &Server{
		Addr:     os.Getenv("DATASTORE_EMULATOR_HOST"),
		Project:  "test-" + strings.ToLower(rand.Text()[:12]),
		database: newDatabase(),
		calls:    make(map[string]int),
	}
	if s.Addr != "" {
		s.emulator = true
		return s, nil
	}
	return s, s.serve("127.0.0.1:0")
}

// Close stops the server for good.
func (s *Server) Close() {
	if !s.emulator {
		s.grpc.Stop()
	}
}

func (s *Server) serve(addr string) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("datastoretest: %w", err)
	}
	s.Addr = listener.Addr().String()
	// The server's own default of 4 MB is below what Datastore takes, which commit checks.
	s.grpc = grpc.NewServer(grpc.MaxRecvMsgSize(4*maxRequest), grpc.UnaryInterceptor(s.intercept))
	pb.RegisterDatastoreServer(s.grpc, &service{database: s.database})
	go s.grpc.Serve(listener) // ends with Stop, and its error is of no use to a test
	return nil
}

// Client returns a client of the server, with the retry policy of production. It
// is closed when the test ends.
func (s *Server) Client(ctx context.Context) *datastore.Client {
	s.t.Helper()
	client, err := datastore.NewClient(ctx, s.Project,
		option.WithEndpoint("passthrough:///"+s.Addr),
		option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	if err != nil {
		s.t.Fatalf("datastoretest: %v", err)
	}
	s.t.Cleanup(func() { client.Close() })
	return client
}

// Calls returns how many calls of each method ("Lookup", "Commit", ...) have come
// in, the client's own retries included.
func (s *Server) Calls() map[string]int {
	s.inProcess()
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.calls)
}

// Fail has f asked before each call: an error of it is the answer, and the call
// does nothing. Give it a gRPC status to say which. An f that waits makes a slow or
// hung server. Nil ends it.
func (s *Server) Fail(f func(method string) error) {
	s.inProcess()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = f
}

// LoseReply has f asked after each call that did its work: an error of it is the
// answer instead, as when the connection breaks before the reply arrives. Nil ends it.
func (s *Server) LoseReply(f func(method string) error) {
	s.inProcess()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.after = f
}

// Stop cuts all connections and refuses new ones until [Server.Restart]. The data
// stays.
func (s *Server) Stop() {
	s.inProcess()
	s.grpc.Stop()
}

// Restart serves again after [Server.Stop], on the same address.
func (s *Server) Restart() {
	s.t.Helper()
	if err := s.serve(s.Addr); err != nil {
		s.t.Fatal(err)
	}
}

// inProcess skips a test that needs what no emulator offers.
func (s *Server) inProcess() {
	s.t.Helper()
	if s.emulator {
		s.t.Skip("datastoretest: counting calls and injecting faults needs the server in this process; unset DATASTORE_EMULATOR_HOST")
	}
}

func (s *Server) intercept(ctx context.Context, request any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	method := path.Base(info.FullMethod)
	s.mu.Lock()
	s.calls[method]++
	before, after := s.before, s.after
	s.mu.Unlock()
	if err := checkRouting(ctx, request); err != nil {
		return nil, err
	}
	if before != nil {
		if err := before(method); err != nil {
			return nil, err
		}
	}
	reply, err := handle(ctx, request)
	if err == nil && after != nil {
		if err := after(method); err != nil {
			return nil, err
		}
	}
	return reply, err
}

// checkRouting returns an error if the header by which Google's front end finds a database
// leads elsewhere than the request, or is not there though the request needs it: only the
// default database is found without.
func checkRouting(ctx context.Context, request any) error {
	r, ok := request.(interface {
		GetProjectId() string
		GetDatabaseId() string
	})
	if !ok {
		return nil
	}
	if r.GetDatabaseId() == "(default)" {
		return status.Error(codes.InvalidArgument, "the default database has no id in a request")
	}
	header := strings.Join(metadata.ValueFromIncomingContext(ctx, "x-goog-request-params"), "&")
	if header == "" && r.GetDatabaseId() == "" {
		return nil
	}
	to, err := url.ParseQuery(header)
	if err != nil || to.Get("project_id") != r.GetProjectId() || to.Get("database_id") != r.GetDatabaseId() {
		return status.Errorf(codes.InvalidArgument, "x-goog-request-params is %q in a request for the database %q of %s", header, r.GetDatabaseId(), r.GetProjectId())
	}
	return nil
}

package datastoretest

import (
	"context"
	"crypto/rand"

	pb "cloud.google.com/go/datastore/apiv1/datastorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// A transaction reads the database as it was when it began, and remembers every
// address it asked for, even if nothing was found: a change of any of them
// aborts its commit.
type transaction struct {
	snapshot int64
	readOnly bool
	read     map[string]bool
}

// begin starts a transaction and returns its id. The caller holds the lock.
func (d *database) begin(options *pb.TransactionOptions) ([]byte, error) {
	if options.GetReadOnly().GetReadTime() != nil {
		return nil, status.Error(codes.Unimplemented, "read_time")
	}
	id := rand.Text()
	d.transactions[id] = &transaction{
		snapshot: d.revision,
		readOnly: options.GetReadOnly() != nil,
		read:     make(map[string]bool),
	}
	return []byte(id), nil
}

// transaction returns the open transaction of id. The caller holds the lock.
func (d *database) transaction(id []byte) (*transaction, error) {
	t := d.transactions[string(id)]
	if t == nil {
		return nil, status.Error(codes.InvalidArgument, "The referenced transaction has expired or is no longer valid.")
	}
	return t, nil
}

// conflict reports that something t read has changed since. The caller holds the lock.
func (d *database) conflict(t *transaction) error {
	if t.readOnly {
		return nil
	}
	for address := range t.read {
		if d.latest(address).number > t.snapshot {
			return status.Error(codes.Aborted, "too much contention on these datastore entities. please try again.")
		}
	}
	return nil
}

func (s *service) BeginTransaction(_ context.Context, r *pb.BeginTransactionRequest) (*pb.BeginTransactionResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, err := s.begin(r.TransactionOptions)
	return &pb.BeginTransactionResponse{Transaction: id}, err
}

// Rollback never fails, also for a transaction that is over: the client tries a
// conflict again only after a rollback that went well.
func (s *service) Rollback(_ context.Context, r *pb.RollbackRequest) (*pb.RollbackResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.transactions, string(r.Transaction))
	return &pb.RollbackResponse{}, nil
}

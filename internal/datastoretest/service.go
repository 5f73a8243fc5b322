package datastoretest

import (
	"context"

	pb "cloud.google.com/go/datastore/apiv1/datastorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// A service answers the calls of the API out of a database.
type service struct {
	pb.UnimplementedDatastoreServer
	*database
}

func (s *service) Lookup(_ context.Context, r *pb.LookupRequest) (*pb.LookupResponse, error) {
	if n := len(r.Keys); n == 0 || n > maxLookup {
		return nil, status.Errorf(codes.InvalidArgument, "a lookup has 1 to %d keys, not %d", maxLookup, n)
	}
	if r.PropertyMask != nil || r.ReadOptions.GetReadTime() != nil {
		return nil, status.Error(codes.Unimplemented, "property_mask and read_time")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	reply := new(pb.LookupResponse)
	open := r.ReadOptions.GetTransaction()
	if begin, ok := r.ReadOptions.GetConsistencyType().(*pb.ReadOptions_NewTransaction); ok {
		id, err := s.begin(begin.NewTransaction)
		if err != nil {
			return nil, err
		}
		open, reply.Transaction = id, id
	}
	snapshot, read := s.revision, make(map[string]bool)
	if open != nil {
		t, err := s.transaction(open)
		if err != nil {
			return nil, err
		}
		snapshot, read = t.snapshot, t.read
	}
	for _, key := range r.Keys {
		key, address, err := partition{project: r.ProjectId, database: r.DatabaseId}.locate(key, false)
		if err != nil {
			return nil, err
		}
		read[address] = true
		revision, known := s.at(address, snapshot)
		switch {
		case !known:
			return nil, status.Error(codes.Aborted, "the snapshot is too old")
		case revision.entity == nil:
			reply.Missing = append(reply.Missing, &pb.EntityResult{Entity: &pb.Entity{Key: key}, Version: revision.number})
		default:
			reply.Found = append(reply.Found, revision.result())
		}
	}
	return reply, nil
}

func (s *service) AllocateIds(_ context.Context, r *pb.AllocateIdsRequest) (*pb.AllocateIdsResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	reply := new(pb.AllocateIdsResponse)
	for _, key := range r.Keys {
		key, address, err := partition{project: r.ProjectId, database: r.DatabaseId}.locate(key, true)
		if err != nil {
			return nil, err
		}
		if address != "" {
			return nil, status.Error(codes.InvalidArgument, "the key is complete already")
		}
		reply.Keys = append(reply.Keys, s.newID(key))
	}
	return reply, nil
}

// ReserveIds has nothing to reserve beyond what it checks: the ids given out here
// are far above those that people choose.
func (s *service) ReserveIds(_ context.Context, r *pb.ReserveIdsRequest) (*pb.ReserveIdsResponse, error) {
	for _, key := range r.Keys {
		if _, _, err := (partition{project: r.ProjectId, database: r.DatabaseId}).locate(key, false); err != nil {
			return nil, err
		}
	}
	return &pb.ReserveIdsResponse{}, nil
}

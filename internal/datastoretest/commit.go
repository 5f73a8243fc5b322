package datastoretest

import (
	"context"

	pb "cloud.google.com/go/datastore/apiv1/datastorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

func (s *service) Commit(_ context.Context, r *pb.CommitRequest) (*pb.CommitResponse, error) {
	if size := proto.Size(r); size > maxRequest {
		return nil, status.Errorf(codes.InvalidArgument, "the request has %d bytes, more than %d", size, maxRequest)
	}
	transactional := r.Mode == pb.CommitRequest_TRANSACTIONAL
	if transactional != (r.TransactionSelector != nil) || r.GetSingleUseTransaction() != nil {
		return nil, status.Error(codes.InvalidArgument, "a transactional commit, and no other, names an open transaction")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if transactional {
		t, err := s.transaction(r.GetTransaction())
		if err != nil {
			return nil, err
		}
		// Over in any case: a commit that failed is not tried again under the same id.
		delete(s.transactions, string(r.GetTransaction()))
		if t.readOnly && len(r.Mutations) > 0 {
			return nil, status.Error(codes.InvalidArgument, "a read-only transaction cannot write")
		}
		if err := s.conflict(t); err != nil {
			return nil, err
		}
	}
	c := changes{
		service:   s,
		partition: partition{project: r.ProjectId, database: r.DatabaseId},
		once:      !transactional,
		revision:  s.revision + 1,
		entities:  make(map[string]*pb.Entity),
	}
	reply := new(pb.CommitResponse)
	for _, mutation := range r.Mutations {
		result, err := c.add(mutation)
		if err != nil {
			return nil, err
		}
		reply.MutationResults = append(reply.MutationResults, result)
	}
	s.revision = c.revision
	for address, entity := range c.entities {
		s.append(address, entity)
	}
	return reply, nil
}

// changes collects what a commit will do, so that nothing is done when any part
// of it is refused.
type changes struct {
	*service
	partition partition
	once      bool // no key twice, which Datastore asks of commits outside a transaction
	revision  int64
	entities  map[string]*pb.Entity // by address; nil: deleted
}

// add checks one mutation against the database and the mutations before it.
func (c *changes) add(m *pb.Mutation) (*pb.MutationResult, error) {
	if m.PropertyMask != nil || len(m.PropertyTransforms) > 0 || m.GetUpdateTime() != nil || m.ConflictResolutionStrategy != 0 {
		return nil, status.Error(codes.Unimplemented, "property_mask, property_transforms, update_time and conflict_resolution_strategy")
	}
	var entity *pb.Entity
	key := m.GetDelete()
	switch operation := m.Operation.(type) {
	case *pb.Mutation_Insert:
		entity = operation.Insert
	case *pb.Mutation_Update:
		entity = operation.Update
	case *pb.Mutation_Upsert:
		entity = operation.Upsert
	}
	if entity != nil {
		if err := checkEntity(entity); err != nil {
			return nil, err
		}
		key = entity.Key
	}
	key, address, err := c.partition.locate(key, m.GetInsert() != nil || m.GetUpsert() != nil)
	if err != nil {
		return nil, err
	}
	result := &pb.MutationResult{Version: c.revision}
	if address == "" { // only keys that the server completed are named in the answer
		result.Key = c.newID(key)
		if key, address, err = c.partition.locate(result.Key, false); err != nil {
			return nil, err
		}
	}
	latest := c.latest(address)
	current, again := c.entities[address]
	switch {
	case again && c.once:
		return nil, status.Error(codes.InvalidArgument, "cannot modify an entity twice in one commit without a transaction")
	case !again:
		current = latest.entity
	}
	switch {
	case m.GetInsert() != nil && current != nil:
		return nil, status.Errorf(codes.AlreadyExists, "entity already exists: %v", key)
	case m.GetUpdate() != nil && current == nil:
		return nil, status.Errorf(codes.NotFound, "no entity to update: %v", key)
	}
	if base, ok := m.ConflictDetectionStrategy.(*pb.Mutation_BaseVersion); ok && base.BaseVersion != latest.number {
		return &pb.MutationResult{Version: latest.number, ConflictDetected: true}, nil
	}
	if entity != nil {
		entity = proto.CloneOf(entity)
		entity.Key = key
	}
	c.entities[address] = entity
	return result, nil
}

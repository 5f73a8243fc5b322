package datastoretest_test

import (
	"testing"

	pb "cloud.google.com/go/datastore/apiv1/datastorepb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/webapp2go/webapp2go/internal/datastoretest"
)

// TestBaseVersion speaks the protocol itself: the client cannot ask for it.
func TestBaseVersion(t *testing.T) {
	server := datastoretest.Start(t)
	connection, err := grpc.NewClient(server.Addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	client := pb.NewDatastoreClient(connection)
	entity := &pb.Entity{Key: &pb.Key{Path: []*pb.Key_PathElement{{Kind: "Note", IdType: &pb.Key_PathElement_Name{Name: "n"}}}}}
	commit := func(m *pb.Mutation) *pb.MutationResult {
		t.Helper()
		reply, err := client.Commit(t.Context(), &pb.CommitRequest{
			ProjectId: server.Project, Mode: pb.CommitRequest_NON_TRANSACTIONAL, Mutations: []*pb.Mutation{m},
		})
		if err != nil {
			t.Fatal(err)
		}
		return reply.MutationResults[0]
	}
	update := func(base int64) *pb.Mutation {
		return &pb.Mutation{
			Operation:                 &pb.Mutation_Update{Update: entity},
			ConflictDetectionStrategy: &pb.Mutation_BaseVersion{BaseVersion: base},
		}
	}
	first := commit(&pb.Mutation{Operation: &pb.Mutation_Insert{Insert: entity}}).Version
	second := commit(update(first))
	if second.ConflictDetected || second.Version <= first {
		t.Errorf("an update over version %d: %v", first, second)
	}
	if third := commit(update(first)); !third.ConflictDetected || third.Version != second.Version {
		t.Errorf("a second update over version %d: %v, want a conflict with version %d", first, third, second.Version)
	}
}

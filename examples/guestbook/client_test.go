package main

import (
	"context"
	"slices"
	"testing"

	gcds "cloud.google.com/go/datastore"
	pb "cloud.google.com/go/datastore/apiv1/datastorepb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"

	"github.com/webapp2go/webapp2go/internal/datastoretest"
)

// newClient returns the real client of a test's Datastore.
func newClient(t *testing.T, server *datastoretest.Server) *gcds.Client {
	t.Helper()
	connection, err := grpc.NewClient("passthrough:///"+server.Addr,
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithUnaryInterceptor(ancestors))
	if err != nil {
		t.Fatal(err)
	}
	client, err := gcds.NewClient(t.Context(), server.Project, option.WithGRPCConn(connection))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// ancestors answers queries of an ancestor from a server that knows none: it asks for
// all of the kind, and keeps what lies below the ancestor.
func ancestors(ctx context.Context, method string, request, reply any, c *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	run, ok := request.(*pb.RunQueryRequest)
	filter := run.GetQuery().GetFilter().GetPropertyFilter()
	if !ok || filter.GetOp() != pb.PropertyFilter_HAS_ANCESTOR {
		return invoke(ctx, method, request, reply, c, opts...)
	}
	all := proto.CloneOf(run)
	all.GetQuery().Filter, all.GetQuery().Limit = nil, nil
	if err := invoke(ctx, method, all, reply, c, opts...); err != nil {
		return err
	}
	batch := reply.(*pb.RunQueryResponse).Batch
	above := filter.Value.GetKeyValue().Path
	batch.EntityResults = slices.DeleteFunc(batch.EntityResults, func(r *pb.EntityResult) bool {
		path := r.Entity.Key.Path
		return len(path) < len(above) || !slices.EqualFunc(path[:len(above)], above, func(a, b *pb.Key_PathElement) bool { return proto.Equal(a, b) })
	})
	if limit := run.GetQuery().GetLimit(); limit != nil && len(batch.EntityResults) > int(limit.Value) {
		batch.EntityResults = batch.EntityResults[:limit.Value]
		batch.MoreResults = pb.QueryResultBatch_MORE_RESULTS_AFTER_LIMIT
	}
	return nil
}

package ndb

import (
	"bytes"
	"compress/zlib"
	"context"
	"fmt"
	"io"
	"strings"

	pb "cloud.google.com/go/datastore/apiv1/datastorepb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// The meanings of values that ndb acts on. They are in ndb's model.py, and in that of the Cloud
// NDB library.
const (
	meaningUser       = 20 // an embedded entity is a user of the users API
	meaningCompressed = 22 // a blob is compressed by zlib
)

// maxInflated bounds what a compressed value may become. An entity has 1 MiB.
const maxInflated = 32 << 20

// A User is what a UserProperty holds, for a field such as
//
//	Author *ndb.User `datastore:"author"`
//
// of an entity that is read and written by a client with [ClientOption].
type User struct {
	Email      string `datastore:"email,noindex"`
	AuthDomain string `datastore:"auth_domain,noindex"` // "gmail.com", unless the application was of another domain
	UserID     string `datastore:"user_id,noindex"`
}

// Nickname returns what users.User.nickname of Python returned: the address, without its
// domain if that is the AuthDomain.
func (u User) Nickname() string { return strings.TrimSuffix(u.Email, "@"+u.AuthDomain) }

// ClientOption makes a Datastore client treat the marks of values as ndb does: a compressed
// value is read as what it holds, and is written as that, which ndb reads too; a user of the
// users API, an embedded entity with email, auth_domain and user_id, stays one. Without it,
// ndb can no longer read such properties after the client has written the entity.
//
// An entity with a compressed value that is damaged, or becomes larger than 32 MiB, is an
// error with code DataLoss. The option sees every entity that the client reads and writes,
// and is safe for concurrent use.
func ClientOption() option.ClientOption {
	return option.WithGRPCDialOption(grpc.WithChainUnaryInterceptor(intercept))
}

func intercept(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	if commit, ok := request.(*pb.CommitRequest); ok {
		for _, m := range commit.Mutations {
			for _, e := range []*pb.Entity{m.GetInsert(), m.GetUpdate(), m.GetUpsert()} {
				for _, v := range e.GetProperties() {
					markUsers(v)
				}
			}
		}
	}
	if err := invoke(ctx, method, request, reply, conn, options...); err != nil {
		return err
	}
	var results []*pb.EntityResult
	switch r := reply.(type) {
	case *pb.LookupResponse:
		results = r.Found
	case *pb.RunQueryResponse:
		results = r.GetBatch().GetEntityResults()
	}
	for _, result := range results {
		for name, v := range result.GetEntity().GetProperties() {
			if err := inflate(v); err != nil {
				return status.Error(codes.DataLoss, fmt.Sprintf("ndb: property %q: %v", name, err))
			}
		}
	}
	return nil
}

// inflate decompresses compressed values, also those in lists and embedded entities.
func inflate(v *pb.Value) error {
	switch kind := v.GetValueType().(type) {
	case *pb.Value_ArrayValue:
		for _, element := range kind.ArrayValue.GetValues() {
			if err := inflate(element); err != nil {
				return err
			}
		}
	case *pb.Value_EntityValue:
		for _, part := range kind.EntityValue.GetProperties() {
			if err := inflate(part); err != nil {
				return err
			}
		}
	case *pb.Value_BlobValue:
		if v.Meaning != meaningCompressed {
			return nil
		}
		r, err := zlib.NewReader(bytes.NewReader(kind.BlobValue))
		if err != nil {
			return fmt.Errorf("a compressed value is damaged: %w", err)
		}
		plain, err := io.ReadAll(io.LimitReader(r, maxInflated+1))
		if err != nil {
			return fmt.Errorf("a compressed value is damaged: %w", err)
		}
		if len(plain) > maxInflated {
			return fmt.Errorf("a compressed value has more than %d bytes", maxInflated)
		}
		kind.BlobValue, v.Meaning = plain, 0
	}
	return nil
}

// markUsers marks embedded entities that are users, also in lists and in embedded entities.
func markUsers(v *pb.Value) {
	switch kind := v.GetValueType().(type) {
	case *pb.Value_ArrayValue:
		for _, element := range kind.ArrayValue.GetValues() {
			markUsers(element)
		}
	case *pb.Value_EntityValue:
		if isUser(kind.EntityValue) {
			v.Meaning = meaningUser
			return
		}
		for _, part := range kind.EntityValue.GetProperties() {
			markUsers(part)
		}
	}
}

func isUser(e *pb.Entity) bool {
	if e.GetKey() != nil {
		return false
	}
	required := 0
	for name := range e.GetProperties() {
		switch name {
		case "email", "auth_domain":
			required++
		case "user_id":
		default:
			return false
		}
	}
	return required == 2
}

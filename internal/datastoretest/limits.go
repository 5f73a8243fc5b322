package datastoretest

import (
	pb "cloud.google.com/go/datastore/apiv1/datastorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// The limits of https://cloud.google.com/datastore/docs/concepts/limits, in bytes.
const (
	maxEntity    = 1_048_572
	maxUnindexed = 1_048_487
	maxIndexed   = 1500
	maxKey       = 6 << 10
	maxRequest   = 10 << 20
	maxLookup    = 1000 // keys
)

// checkEntity returns an InvalidArgument for what Datastore would not keep.
func checkEntity(entity *pb.Entity) error {
	if size := proto.Size(entity); size > maxEntity {
		return status.Errorf(codes.InvalidArgument, "the entity has %d bytes, more than %d", size, maxEntity)
	}
	for name, value := range entity.Properties {
		if name == "" || len(name) > maxIndexed || reserved.MatchString(name) {
			return status.Errorf(codes.InvalidArgument, "bad property name %q", name)
		}
		if err := checkValue(name, value); err != nil {
			return err
		}
	}
	return nil
}

func checkValue(name string, value *pb.Value) error {
	for _, element := range value.GetArrayValue().GetValues() {
		if err := checkValue(name, element); err != nil {
			return err
		}
	}
	size, limit := max(len(value.GetStringValue()), len(value.GetBlobValue())), maxIndexed
	if value.GetExcludeFromIndexes() {
		limit = maxUnindexed
	}
	if size > limit {
		return status.Errorf(codes.InvalidArgument, "the value of property %q has %d bytes, more than %d", name, size, limit)
	}
	return nil
}

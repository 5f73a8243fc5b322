package datastoretest

import (
	"fmt"
	"regexp"
	"strings"

	pb "cloud.google.com/go/datastore/apiv1/datastorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

var (
	reserved  = regexp.MustCompile(`^__.*__$`)
	namespace = regexp.MustCompile(`^[0-9A-Za-z._-]{0,100}$`)
)

// A partition is where keys and queries live: project, database, namespace.
type partition struct{ project, database, namespace string }

func (p partition) proto() *pb.PartitionId {
	return &pb.PartitionId{ProjectId: p.project, DatabaseId: p.database, NamespaceId: p.namespace}
}

func (p partition) String() string {
	return fmt.Sprintf("%q/%q/%q", p.project, p.database, p.namespace)
}

// in returns the partition of a request as narrowed by id, which may be nil.
func (p partition) in(id *pb.PartitionId) (partition, error) {
	switch {
	case id.GetProjectId() != "" && id.GetProjectId() != p.project, id.GetDatabaseId() != "" && id.GetDatabaseId() != p.database:
		return p, status.Errorf(codes.InvalidArgument, "mismatched databases within request: %v", id)
	case !namespace.MatchString(id.GetNamespaceId()) || reserved.MatchString(id.GetNamespaceId()):
		return p, status.Errorf(codes.InvalidArgument, "bad namespace %q", id.GetNamespaceId())
	}
	p.namespace = id.GetNamespaceId()
	return p, nil
}

// locate checks a key and returns it in full, and where its row is. The last
// element may lack id and name if incomplete is allowed; its address is "" then.
func (p partition) locate(key *pb.Key, incomplete bool) (*pb.Key, string, error) {
	p, err := p.in(key.GetPartitionId())
	if err != nil {
		return nil, "", err
	}
	if n := len(key.GetPath()); n == 0 || n > 100 {
		return nil, "", status.Errorf(codes.InvalidArgument, "a key has 1 to 100 path elements, not %d", n)
	}
	if size := proto.Size(key); size > maxKey {
		return nil, "", status.Errorf(codes.InvalidArgument, "the key has %d bytes, more than %d", size, maxKey)
	}
	var address strings.Builder
	address.WriteString(p.String())
	for i, element := range key.Path {
		switch {
		case element.Kind == "" || len(element.Kind) > maxIndexed || reserved.MatchString(element.Kind):
			return nil, "", status.Errorf(codes.InvalidArgument, "bad kind %q", element.Kind)
		case len(element.GetName()) > maxIndexed || reserved.MatchString(element.GetName()):
			return nil, "", status.Errorf(codes.InvalidArgument, "bad name %q", element.GetName())
		case element.GetName() == "" && element.GetId() == 0:
			if !incomplete || i != len(key.Path)-1 {
				return nil, "", status.Error(codes.InvalidArgument, "the key is incomplete")
			}
			return &pb.Key{PartitionId: p.proto(), Path: key.Path}, "", nil
		}
		fmt.Fprintf(&address, "/%q:%d:%q", element.Kind, element.GetId(), element.GetName())
	}
	return &pb.Key{PartitionId: p.proto(), Path: key.Path}, address.String(), nil
}

// newID returns key with a number of its own as the last id. The caller holds the lock.
func (d *database) newID(key *pb.Key) *pb.Key {
	d.lastID++
	key = proto.CloneOf(key)
	key.Path[len(key.Path)-1].IdType = &pb.Key_PathElement_Id{Id: 5_000_000_000_000_000 + d.lastID}
	return key
}

package datastoretest

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	pb "cloud.google.com/go/datastore/apiv1/datastorepb"
)

// indexed returns the values that the index of a property has for e: each element
// of an array, or the value itself.
func indexed(e *pb.Entity, property *pb.PropertyReference) []*pb.Value {
	value, ok := e.Properties[property.GetName()]
	if !ok {
		return nil
	}
	values := []*pb.Value{value}
	if array, ok := value.ValueType.(*pb.Value_ArrayValue); ok {
		values = array.ArrayValue.GetValues()
	}
	return slices.DeleteFunc(slices.Clone(values), (*pb.Value).GetExcludeFromIndexes)
}

func holds(v *pb.Value, f *pb.PropertyFilter) bool {
	if rank(v) != rank(f.Value) {
		return false
	}
	return compared(compareValues(v, f.Value), f.Op)
}

// compared reports whether two values that compare as c satisfy a filter.
func compared(c int, op pb.PropertyFilter_Operator) bool {
	switch op {
	case pb.PropertyFilter_EQUAL:
		return c == 0
	case pb.PropertyFilter_LESS_THAN:
		return c < 0
	case pb.PropertyFilter_LESS_THAN_OR_EQUAL:
		return c <= 0
	case pb.PropertyFilter_GREATER_THAN:
		return c > 0
	default:
		return c >= 0
	}
}

func compareEntities(a, b *pb.Entity, orders []*pb.PropertyOrder) int {
	for _, o := range orders {
		c := compareValues(indexed(a, o.Property)[0], indexed(b, o.Property)[0])
		if o.Direction == pb.PropertyOrder_DESCENDING {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return compareKeys(a.Key, b.Key)
}

func compareKeys(a, b *pb.Key) int {
	return slices.CompareFunc(a.Path, b.Path, func(a, b *pb.Key_PathElement) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.GetName(), b.GetName()), cmp.Compare(a.GetId(), b.GetId()))
	})
}

// unranked is the rank of values that are not compared: keys, points, entities.
const unranked = 7

// rank is the order of types in an index.
func rank(v *pb.Value) int {
	switch v.ValueType.(type) {
	case *pb.Value_NullValue, nil:
		return 0
	case *pb.Value_IntegerValue:
		return 1
	case *pb.Value_TimestampValue:
		return 2
	case *pb.Value_BooleanValue:
		return 3
	case *pb.Value_BlobValue:
		return 4
	case *pb.Value_StringValue:
		return 5
	case *pb.Value_DoubleValue:
		return 6
	default:
		return unranked
	}
}

func compareValues(a, b *pb.Value) int {
	boolean := func(v *pb.Value) int {
		if v.GetBooleanValue() {
			return 1
		}
		return 0
	}
	return cmp.Or(
		cmp.Compare(rank(a), rank(b)),
		cmp.Compare(a.GetIntegerValue(), b.GetIntegerValue()),
		a.GetTimestampValue().AsTime().Compare(b.GetTimestampValue().AsTime()),
		cmp.Compare(boolean(a), boolean(b)),
		bytes.Compare(a.GetBlobValue(), b.GetBlobValue()),
		strings.Compare(a.GetStringValue(), b.GetStringValue()),
		cmp.Compare(a.GetDoubleValue(), b.GetDoubleValue()),
	)
}

package datastoretest

import (
	"context"
	"slices"
	"strings"

	pb "cloud.google.com/go/datastore/apiv1/datastorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func (s *service) RunQuery(_ context.Context, r *pb.RunQueryRequest) (*pb.RunQueryResponse, error) {
	p, err := partition{project: r.ProjectId, database: r.DatabaseId}.in(r.PartitionId)
	if err != nil {
		return nil, err
	}
	q := r.GetQuery()
	if r.ReadOptions.GetTransaction() != nil || r.ReadOptions.GetNewTransaction() != nil || r.ReadOptions.GetReadTime() != nil || r.ExplainOptions != nil {
		return nil, status.Error(codes.Unimplemented, "queries in transactions, read_time and explain_options")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	batch, err := s.query(p, q)
	return &pb.RunQueryResponse{Batch: batch}, err
}

// query knows one kind, filters of indexed properties and of keys joined by AND, orders,
// offset, limit and keys only: no cursors, projections, ancestors or GQL.
func (d *database) query(p partition, q *pb.Query) (*pb.QueryResultBatch, error) {
	keysOnly := len(q.GetProjection()) == 1 && q.Projection[0].GetProperty().GetName() == "__key__"
	if len(q.GetKind()) != 1 || q.StartCursor != nil || q.EndCursor != nil || len(q.DistinctOn) > 0 ||
		q.FindNearest != nil || len(q.Projection) > 0 && !keysOnly {
		return nil, status.Error(codes.Unimplemented, "a query of one kind, without cursors and projections, is all there is")
	}
	filters, err := flatten(q.Filter)
	if err != nil {
		return nil, err
	}
	orders := q.Order
	// Entities that are equal otherwise are in the order of their keys, so that an ascending
	// order by key needs nothing.
	if n := len(orders); n > 0 && orders[n-1].Property.GetName() == "__key__" && orders[n-1].Direction != pb.PropertyOrder_DESCENDING {
		orders = orders[:n-1]
	}
	if slices.ContainsFunc(orders, func(o *pb.PropertyOrder) bool { return o.Property.GetName() == "__key__" }) {
		return nil, status.Error(codes.Unimplemented, "other orders by key")
	}
	if len(orders) == 0 { // an inequality walks the index of its property
		for _, f := range filters {
			if f.Op != pb.PropertyFilter_EQUAL && !ofKey(f) {
				orders = []*pb.PropertyOrder{{Property: f.Property}}
				break
			}
		}
	}
	var found []revision
	for address := range d.rows {
		r := d.latest(address)
		if r.entity != nil && strings.HasPrefix(address, p.String()+"/") &&
			r.entity.Key.Path[len(r.entity.Key.Path)-1].Kind == q.Kind[0].Name && matches(r.entity, filters, orders) {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b revision) int { return compareEntities(a.entity, b.entity, orders) })
	skipped := min(int(q.Offset), len(found))
	found = found[skipped:]
	batch := &pb.QueryResultBatch{
		EntityResultType: pb.EntityResult_FULL,
		MoreResults:      pb.QueryResultBatch_NO_MORE_RESULTS,
		SkippedResults:   int32(skipped),
	}
	if keysOnly {
		batch.EntityResultType = pb.EntityResult_KEY_ONLY
	}
	if q.Limit != nil && len(found) > int(q.Limit.Value) {
		found, batch.MoreResults = found[:q.Limit.Value], pb.QueryResultBatch_MORE_RESULTS_AFTER_LIMIT
	}
	for _, r := range found {
		if keysOnly {
			r.entity = &pb.Entity{Key: r.entity.Key}
		}
		batch.EntityResults = append(batch.EntityResults, r.result())
	}
	return batch, nil
}

// flatten returns the property filters of f, all of which must hold.
func flatten(f *pb.Filter) ([]*pb.PropertyFilter, error) {
	switch f := f.GetFilterType().(type) {
	case nil:
		return nil, nil
	case *pb.Filter_CompositeFilter:
		if f.CompositeFilter.Op != pb.CompositeFilter_AND {
			return nil, status.Error(codes.Unimplemented, "OR")
		}
		var all []*pb.PropertyFilter
		for _, part := range f.CompositeFilter.Filters {
			more, err := flatten(part)
			if err != nil {
				return nil, err
			}
			all = append(all, more...)
		}
		return all, nil
	case *pb.Filter_PropertyFilter:
		if f.PropertyFilter.Op > pb.PropertyFilter_EQUAL || ofKey(f.PropertyFilter) != (f.PropertyFilter.Value.GetKeyValue() != nil) ||
			!ofKey(f.PropertyFilter) && rank(f.PropertyFilter.Value) == unranked {
			return nil, status.Errorf(codes.Unimplemented, "filter %v", f.PropertyFilter)
		}
		return []*pb.PropertyFilter{f.PropertyFilter}, nil
	}
	return nil, status.Errorf(codes.Unimplemented, "filter %v", f)
}

// matches reports whether the indexes hold e for all of the filters and orders: a
// property that is unindexed or missing is in none.
func matches(e *pb.Entity, filters []*pb.PropertyFilter, orders []*pb.PropertyOrder) bool {
	for _, f := range filters {
		if ofKey(f) {
			if !compared(compareKeys(e.Key, f.Value.GetKeyValue()), f.Op) {
				return false
			}
			continue
		}
		if !slices.ContainsFunc(indexed(e, f.Property), func(v *pb.Value) bool { return holds(v, f) }) {
			return false
		}
	}
	for _, o := range orders {
		if len(indexed(e, o.Property)) == 0 {
			return false
		}
	}
	return true
}

// ofKey reports whether a filter is one of the key of an entity.
func ofKey(f *pb.PropertyFilter) bool { return f.Property.GetName() == "__key__" }

package datastoretest

import (
	"sync"

	pb "cloud.google.com/go/datastore/apiv1/datastorepb"
	"google.golang.org/protobuf/proto"
)

// revisionsKept bounds what a row remembers for the snapshots of transactions. A
// transaction that reads what has been forgotten is aborted.
const revisionsKept = 100

// A database holds the rows of all projects, with their past. One lock guards
// everything: a commit is applied in one piece, and no test is limited by it.
type database struct {
	mu           sync.Mutex
	revision     int64 // of the newest commit
	lastID       int64 // the newest number given to a key
	rows         map[string]*row
	transactions map[string]*transaction
}

func newDatabase() *database {
	return &database{rows: make(map[string]*row), transactions: make(map[string]*transaction)}
}

// A row is what one key has held, oldest first. A deletion is a revision too:
// transactions that looked the key up must see that it changed.
type row struct {
	revisions []revision
	forgotten int64 // the newest revision that was dropped
}

type revision struct {
	number int64
	entity *pb.Entity // nil: deleted
}

// at returns the entity of address as the snapshot saw it, nil if there was
// none, and false if that is forgotten.
func (d *database) at(address string, snapshot int64) (revision, bool) {
	row := d.rows[address]
	if row == nil {
		return revision{}, true
	}
	for i := len(row.revisions) - 1; i >= 0; i-- {
		if row.revisions[i].number <= snapshot {
			return row.revisions[i], true
		}
	}
	return revision{}, row.forgotten == 0
}

// latest returns the newest revision of address, the zero one if there never was any.
func (d *database) latest(address string) revision {
	r, _ := d.at(address, d.revision)
	return r
}

func (d *database) append(address string, entity *pb.Entity) {
	r := d.rows[address]
	if r == nil {
		r = new(row)
		d.rows[address] = r
	}
	if len(r.revisions) == revisionsKept {
		r.forgotten = r.revisions[0].number
		r.revisions = append(r.revisions[:0], r.revisions[1:]...)
	}
	r.revisions = append(r.revisions, revision{d.revision, entity})
}

// result is an entity as the API hands it out; a copy, since gRPC marshals it
// after the lock is released.
func (r revision) result() *pb.EntityResult {
	return &pb.EntityResult{Entity: proto.CloneOf(r.entity), Version: r.number}
}

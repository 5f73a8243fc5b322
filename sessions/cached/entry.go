package cached

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

// An entry is what the cache has for an id: a record of the store, or a barrier that
// keeps out records older than its version. It has the version, the user and the expiry
// of the store's record, which differ from those of the cache's record.
type entry struct {
	barrier bool
	version uint64 // of a barrier, math.MaxUint64 keeps out every record
	until   time.Time
	record  sessions.Record // zero in a barrier
}

func recordEntry(r sessions.Record, until time.Time) entry {
	return entry{version: r.Version, until: until, record: r}
}

// follows reports whether e may replace old.
func (e entry) follows(old entry) bool {
	switch {
	case !time.Now().Before(old.until):
		return true
	case old.barrier:
		return e.version >= old.version
	default:
		return e.version > old.version
	}
}

// The first byte of an entry.
const (
	formatRecord  = 1
	formatBarrier = 2
)

const entryHead = 1 + 3*8

var errEntry = errors.New("sessions/cached: the cache has a value that this package has not written")

// encode returns e as a record of the cache. The caller sets its version.
func (e entry) encode() sessions.Record {
	format, expires := byte(formatRecord), e.record.Expires.UnixNano()
	if e.barrier {
		format, expires = formatBarrier, 0
	}
	data := make([]byte, 0, entryHead+binary.MaxVarintLen64+len(e.record.User)+len(e.record.Data))
	data = append(data, format)
	data = binary.BigEndian.AppendUint64(data, e.version)
	data = binary.BigEndian.AppendUint64(data, uint64(e.until.UnixNano()))
	data = binary.BigEndian.AppendUint64(data, uint64(expires))
	data = binary.AppendUvarint(data, uint64(len(e.record.User)))
	data = append(data, e.record.User...)
	data = append(data, e.record.Data...)
	return sessions.Record{Data: data, Expires: e.until}
}

// decode is the inverse of encode. The data of the record is a part of data.
func decode(data []byte) (entry, error) {
	if len(data) < entryHead || data[0] != formatRecord && data[0] != formatBarrier {
		return entry{}, errEntry
	}
	number := func(i int) uint64 { return binary.BigEndian.Uint64(data[1+8*i:]) }
	e := entry{barrier: data[0] == formatBarrier, version: number(0), until: time.Unix(0, int64(number(1)))}
	if e.barrier {
		return e, nil
	}
	rest := data[entryHead:]
	size, n := binary.Uvarint(rest)
	if n <= 0 || size > uint64(len(rest)-n) {
		return entry{}, errEntry
	}
	rest = rest[n:]
	e.record = sessions.Record{
		User:    string(rest[:size]),
		Data:    rest[size:],
		Expires: time.Unix(0, int64(number(2))),
		Version: e.version,
	}
	return e, nil
}

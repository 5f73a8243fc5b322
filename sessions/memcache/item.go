package memcache

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/webapp2go/webapp2go/sessions"
)

// The value of an item is
//
//	format   1 byte, itemFormat
//	tag      8 bytes, big-endian: tells this write from all others
//	expires  8 bytes, big-endian: microseconds since 1970, since memcached's seconds are coarse
//	user     uvarint of its length, then its bytes
//	data     the rest
const itemFormat = 1

// headerSize is the size of format, tag and expires.
const headerSize = 1 + 8 + 8

// isTag is set in every tag, and never in a CAS id of memcached, which counts from 1. So
// one can see from a version which of the two it is.
const isTag = 1 << 63

func newTag() uint64 { return rand.Uint64() | isTag }

// encode returns the value of an item that holds r.
func encode(r sessions.Record, tag uint64) []byte {
	value := make([]byte, 0, headerSize+binary.MaxVarintLen64+len(r.User)+len(r.Data))
	value = append(value, itemFormat)
	value = binary.BigEndian.AppendUint64(value, tag)
	value = binary.BigEndian.AppendUint64(value, uint64(r.Expires.UnixMicro()))
	value = binary.AppendUvarint(value, uint64(len(r.User)))
	value = append(value, r.User...)
	return append(value, r.Data...)
}

// decode is the inverse of encode. The version of the record is the tag. If value does
// not have this format, ok is false. The record shares the memory of value.
func decode(value []byte) (r sessions.Record, ok bool) {
	if len(value) < headerSize || value[0] != itemFormat {
		return r, false
	}
	r.Version = binary.BigEndian.Uint64(value[1:])
	r.Expires = time.UnixMicro(int64(binary.BigEndian.Uint64(value[9:])))
	rest := value[headerSize:]
	length, n := binary.Uvarint(rest)
	if n <= 0 || length > uint64(len(rest)-n) || r.Version&isTag == 0 {
		return sessions.Record{}, false
	}
	rest = rest[n:]
	r.User, r.Data = string(rest[:length]), rest[length:]
	return r, true
}

// maxRelative is the longest expiration that memcached takes for a duration. It takes a
// larger one for a date.
const maxRelative = 30 * 24 * time.Hour

// expiration returns the expiration of an item in memcached's form: not before expires,
// and at most two seconds after it.
func expiration(expires, now time.Time) int32 {
	left := expires.Sub(now)
	if left <= 0 {
		return -1 // at once
	}
	// One second to round up, and one because the server's clock counts whole seconds.
	const slack = 2
	if left < maxRelative-slack*time.Second {
		return int32(left/time.Second) + slack
	}
	if date := expires.Unix() + slack; date <= math.MaxInt32 {
		return int32(date)
	}
	return 0 // after January 2038: the item does not expire, and the record's own time decides
}

// maxItem is how many bytes of key and value fit into an item of 1 MiB, memcached's
// default. The rest is the header of the item and the ends of key and value.
const maxItem = 1<<20 - 59

// newItem returns the item that holds r. It checks the size before anything is sent,
// because a server that refuses a value that is too large drops the old one.
func (b *Backend) newItem(id string, r sessions.Record, tag uint64) (*memcache.Item, error) {
	if err := sessions.CheckID(id); err != nil {
		return nil, err
	}
	item := &memcache.Item{
		Key:        b.prefix + id,
		Value:      encode(r, tag),
		Expiration: expiration(r.Expires, time.Now()),
	}
	if size := len(item.Key) + len(item.Value); size > maxItem {
		return nil, fmt.Errorf("%w: %d bytes with the key; memcached keeps at most %d", sessions.ErrTooLarge, size, maxItem)
	}
	return item, nil
}

// written adds ErrTooLarge to the error of a write that a server refuses because its
// items are smaller than memcached's default (-I). gomemcache has no error value for
// that, only a text.
func written(err error) error {
	if err != nil && strings.Contains(err.Error(), "object too large") {
		return fmt.Errorf("%w: %w", sessions.ErrTooLarge, err)
	}
	return err
}

package datastore

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"time"
)

const (
	markSize  = 8   // bytes: the second it was made, then 32 random bits
	maxWrites = 256 // marks that are kept; Datastore advises fewer writes than would need so many
)

// writes are the marks of the newest changes of an entity, newest first. A change finds
// out by its mark whether an earlier attempt was applied.
type writes []byte

func newMark() []byte {
	mark := make([]byte, 0, markSize)
	mark = binary.BigEndian.AppendUint32(mark, uint32(time.Now().Unix()))
	return binary.BigEndian.AppendUint32(mark, rand.Uint32())
}

// with returns the marks after one more change. It drops those older than life, so most
// entities have one.
func (w writes) with(mark []byte, life time.Duration) writes {
	oldest := uint32(time.Now().Add(-life).Unix())
	next := append(writes(nil), mark...)
	for len(w) >= markSize && len(next) < maxWrites*markSize && binary.BigEndian.Uint32(w) >= oldest {
		next, w = append(next, w[:markSize]...), w[markSize:]
	}
	return next
}

func (w writes) has(mark []byte) bool {
	for ; len(w) >= markSize; w = w[markSize:] {
		if bytes.Equal(w[:markSize], mark) {
			return true
		}
	}
	return false
}

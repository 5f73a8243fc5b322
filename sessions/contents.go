package sessions

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"
)

// contents is what a session holds: the working copy of a request, or what a
// backend has kept. Texts are parts of the one string that was read.
//
// Encoded it is a version byte, then a CBOR array of the time it was created and the
// time it was last seen (Unix milliseconds, always in eight bytes, so that both stand
// at a fixed place), the map of values, the array of flashes, and the user. That is
// version 1. Version 2 has the login before the values; it is written only if there is
// one, so that older programs can read all other sessions.
type contents struct {
	created, seen int64
	login         string  // the Login of a session with a user, encoded; empty: there was none
	remembered    bool    // of that Login
	values        []entry // by ascending key
	flashes       []note
	user          string
}

// An entry is one value, still encoded.
type entry struct{ key, raw string }

const (
	versionPlain = 1  // contents without a login
	versionLogin = 2  // contents with a login
	createdAt    = 3  // where the created time stands in the encoded form
	seenAt       = 12 // where the seen time stands
	timesEnd     = 20 // where the times end
)

func (c *contents) empty() bool {
	return len(c.values) == 0 && len(c.flashes) == 0 && c.user == ""
}

func (c *contents) find(key string) (at int, found bool) {
	if len(c.values) <= 8 { // a few are sooner compared than searched
		for at := range c.values {
			if c.values[at].key == key {
				return at, true
			}
		}
	}
	return slices.BinarySearchFunc(c.values, key, func(e entry, key string) int {
		return strings.Compare(e.key, key)
	})
}

func (c *contents) get(key string) (raw string, found bool) {
	if at, found := c.find(key); found {
		return c.values[at].raw, true
	}
	return "", false
}

func (c *contents) set(key, raw string) {
	at, found := c.find(key)
	if found {
		c.values[at].raw = raw
		return
	}
	c.values = slices.Insert(c.values, at, entry{key, raw})
}

func (c *contents) delete(key string) {
	if at, found := c.find(key); found {
		c.values = slices.Delete(c.values, at, at+1)
	}
}

// encode appends the encoded form.
func (c *contents) encode(to []byte) []byte {
	size := timesEnd + 32 + len(c.user)
	for _, e := range c.values {
		size += len(e.key) + len(e.raw) + 5
	}
	for _, f := range c.flashes {
		size += len(f.raw) + len(f.level) + 16
	}
	version, elements := byte(versionPlain), byte(5)
	if c.login != "" {
		version, elements = versionLogin, 6
		size += len(c.login)
	}
	b := append(slices.Grow(to, size), version, cborArray<<5|elements)
	b = binary.BigEndian.AppendUint64(append(b, cborUint<<5|27), uint64(c.created))
	b = binary.BigEndian.AppendUint64(append(b, cborUint<<5|27), uint64(c.seen))
	b = append(b, c.login...)
	b = appendHead(b, cborMap, uint64(len(c.values)))
	for _, e := range c.values {
		b = append(appendText(b, e.key), e.raw...)
	}
	b = appendHead(b, cborArray, uint64(len(c.flashes)))
	for _, f := range c.flashes {
		b = f.append(b)
	}
	return appendText(b, c.user)
}

// encodedTimes reads the version and the two times of an encoded form, whose head it
// checks.
func encodedTimes[T string | []byte](data T) (version byte, created, seen int64, err error) {
	if len(data) > maxData {
		return 0, 0, 0, fmt.Errorf("%d bytes, the limit is %d", len(data), maxData)
	}
	if len(data) < timesEnd+1 {
		return 0, 0, 0, errMalformed
	}
	elements := byte(5)
	switch version = data[0]; version {
	case versionPlain:
	case versionLogin:
		elements = 6
	default:
		return 0, 0, 0, fmt.Errorf("of version %d, this program reads versions %d and %d", version, versionPlain, versionLogin)
	}
	if data[1] != cborArray<<5|elements || data[createdAt-1] != 27 || data[seenAt-1] != 27 {
		return 0, 0, 0, errMalformed
	}
	for i := range 8 {
		created = created<<8 | int64(data[createdAt+i])
		seen = seen<<8 | int64(data[seenAt+i])
	}
	return version, created, seen, nil
}

// parse reads an encoded form, the values into the room that c.values has. It checks the
// whole of it and decodes no value.
func (c *contents) parse(data string) (err error) {
	var version byte
	if version, c.created, c.seen, err = encodedTimes(data); err != nil {
		return err
	}
	data = data[timesEnd:]
	if version == versionLogin {
		l, rest, err := readLogin(data)
		if err != nil {
			return err
		}
		c.login, c.remembered, data = data[:len(data)-len(rest)], l.Remembered, rest
	}
	n, data, err := readCount(data, cborMap)
	if err != nil {
		return err
	}
	if n > cap(c.values) {
		c.values = make([]entry, 0, min(n, 64))
	}
	for i := range n {
		var e entry
		if e.key, data, err = readText(data); err != nil {
			return err
		}
		rest, err := skip(data, maxDepth)
		if err != nil {
			return err
		}
		e.raw, data = data[:len(data)-len(rest)], rest
		if i > 0 && e.key <= c.values[i-1].key { // also: no key twice
			return errMalformed
		}
		c.values = append(c.values, e)
	}
	if n, data, err = readCount(data, cborArray); err != nil {
		return err
	}
	for range n {
		var f note
		if data, err = f.parse(data); err != nil {
			return err
		}
		c.flashes = append(c.flashes, f)
	}
	if c.user, data, err = readText(data); err != nil {
		return err
	}
	if data != "" || c.login != "" && c.user == "" {
		return errMalformed
	}
	return nil
}

// loggedIn returns the Login of the session, if there was one.
func (c *contents) loggedIn() (l Login, ok bool) {
	if c.login == "" {
		return Login{}, false
	}
	l, _, err := readLogin(c.login)
	return l, err == nil
}

// Info describes the record kept under id, for [UserBackend.Sessions]: Created, Seen and
// Login are read from its data and stay zero if that cannot be read.
func (r Record) Info(id string) Info {
	info := Info{ID: id, Expires: r.Expires}
	version, created, seen, err := encodedTimes(r.Data)
	if err != nil {
		return info
	}
	info.Created, info.Seen = time.UnixMilli(created), time.UnixMilli(seen)
	if version == versionLogin {
		info.Login, _, _ = readLogin(string(r.Data[timesEnd:min(len(r.Data), timesEnd+maxLogin)]))
	}
	return info
}

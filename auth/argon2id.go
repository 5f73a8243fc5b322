package auth

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Argon2Params are the costs of a hash of argon2id (RFC 9106). A field that is 0 has the
// value that OWASP's Password Storage Cheat Sheet advises: 2 passes over 19 MiB, 1
// thread.
type Argon2Params struct {
	Time      uint32 // passes over the memory; at most 100
	MemoryKiB uint32 // memory of one hash, in KiB; at most 1 GiB
	Threads   uint8  // threads of one hash
}

const (
	saltLength = 16 // bytes, RFC 9106 section 3.1
	keyLength  = 32 // bytes

	// The largest row of OWASP's table is one pass over this.
	owaspMemoryKiB = 46 * 1024

	// The bounds of Argon2Params, and of an encoded hash in bytes.
	maxTime      = 100
	maxMemoryKiB = 1 << 20
	maxEncoded   = 512
)

func (p Argon2Params) withDefaults() Argon2Params {
	if p.Time == 0 {
		p.Time = 2
	}
	if p.MemoryKiB == 0 {
		p.MemoryKiB = 19 * 1024
	}
	if p.Threads == 0 {
		p.Threads = 1
	}
	return p
}

// work returns a number to which the time of a hash is proportional.
func (p Argon2Params) work() uint64 { return uint64(p.Time) * uint64(p.MemoryKiB) }

func (p Argon2Params) check() error {
	switch {
	case p.Time < 1 || p.Time > maxTime:
		return fmt.Errorf("auth: argon2id with %d passes: it must be 1 to %d", p.Time, maxTime)
	case p.Threads < 1:
		return errors.New("auth: argon2id with 0 threads: it must be 1 or more")
	case p.MemoryKiB < 8*uint32(p.Threads) || p.MemoryKiB > maxMemoryKiB:
		return fmt.Errorf("auth: argon2id with %d KiB of memory: it must be %d to %d", p.MemoryKiB, 8*uint32(p.Threads), maxMemoryKiB)
	}
	return nil
}

// An argon2idHash is a parsed hash.
type argon2idHash struct {
	Argon2Params
	salt, key []byte
}

// weaker reports whether the hash costs less than one with the costs p.
func (h argon2idHash) weaker(p Argon2Params) bool {
	return h.Time < p.Time || h.MemoryKiB < p.MemoryKiB || h.Threads < p.Threads ||
		len(h.salt) < saltLength || len(h.key) < keyLength
}

// newArgon2id hashes a password with a random salt.
func newArgon2id(p Argon2Params, password string) argon2idHash {
	h := argon2idHash{Argon2Params: p, salt: make([]byte, saltLength)}
	rand.Read(h.salt)
	h.key = h.derive(password, keyLength)
	return h
}

func (h argon2idHash) derive(password string, length int) []byte {
	return argon2.IDKey([]byte(password), h.salt, h.Time, h.MemoryKiB, h.Threads, uint32(length))
}

func (h argon2idHash) matches(password string) bool {
	return subtle.ConstantTimeCompare(h.derive(password, len(h.key)), h.key) == 1
}

const argon2idPrefix = "$argon2id$"

// String returns the hash in the PHC string format:
//
//	$argon2id$v=19$m=19456,t=2,p=1$salt$key
func (h argon2idHash) String() string {
	return fmt.Sprintf("%sv=%d$m=%d,t=%d,p=%d$%s$%s", argon2idPrefix, argon2.Version, h.MemoryKiB, h.Time, h.Threads,
		base64.RawStdEncoding.EncodeToString(h.salt), base64.RawStdEncoding.EncodeToString(h.key))
}

// parseArgon2id parses a stored hash. Its errors show no part of the hash.
func parseArgon2id(stored string) (argon2idHash, error) {
	var h argon2idHash
	if len(stored) > maxEncoded {
		return h, fmt.Errorf("auth: a stored hash of %d bytes, more than %d", len(stored), maxEncoded)
	}
	parts := strings.Split(stored, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" {
		return h, errors.New("auth: the stored hash is not in the form of argon2id")
	}
	var version int
	if n, err := fmt.Sscanf(parts[2], "v=%d", &version); n != 1 || err != nil || version != argon2.Version {
		return h, fmt.Errorf("auth: the stored hash is not of argon2id version %d", argon2.Version)
	}
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.MemoryKiB, &h.Time, &h.Threads); n != 3 || err != nil {
		return h, errors.New("auth: the stored hash has unreadable argon2id parameters")
	}
	if err := h.check(); err != nil {
		return h, err
	}
	var err error
	if h.salt, err = base64.RawStdEncoding.Strict().DecodeString(parts[4]); err != nil || len(h.salt) < 8 {
		return h, errors.New("auth: the stored hash has no salt of 8 bytes or more in base64")
	}
	if h.key, err = base64.RawStdEncoding.Strict().DecodeString(parts[5]); err != nil || len(h.key) < 16 {
		return h, errors.New("auth: the stored hash has no key of 16 bytes or more in base64")
	}
	// A hash of this package has one spelling: without signs, spaces and leading zeros.
	if h.String() != stored {
		return h, errors.New("auth: the stored hash is not in the form of argon2id")
	}
	return h, nil
}

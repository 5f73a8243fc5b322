package sessions

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
)

// A Key signs cookies, and encrypts them too if it has a Block. Both are secrets:
// keep them outside of the program and its repository.
type Key struct {
	Hash  []byte // for HMAC-SHA256: at least 32 random bytes
	Block []byte // for AES: nil, or 16, 24 or 32 random bytes. Without it a browser's user can read a signed cookie's data
}

const minHash = 32

// Format prints whether there is a Hash and a Block, and nothing of what they are, for
// every verb of package fmt, and so for package log/slog.
func (k Key) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, k.hidden()) }

// MarshalText returns what Format prints, for packages that encode values, such as
// encoding/json and log/slog. A Key that was encoded cannot be decoded.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.hidden()), nil }

func (k Key) hidden() string {
	return fmt.Sprintf("(secret: Hash of %d bytes, Block of %d)", len(k.Hash), len(k.Block))
}

// RandomKey returns a key that signs, for development and tests: a program that
// starts again with another one has logged everybody out, and two instances of it
// refuse each other's cookies.
func RandomKey() Key {
	hash := make([]byte, minHash)
	rand.Read(hash) // never fails: crypto/rand
	return Key{Hash: hash}
}

// maxKeys bounds what ParseKeys reads.
const maxKeys = 100

// ParseKeys reads keys from the text of an environment variable, a file or a secret. Each
// key is the base64 of its Hash, as `openssl rand -base64 32` prints it; for a key with a
// Block, a colon and the base64 of the Block follow. Commas, spaces or line ends separate
// keys. The order stays: the newest is the first, as in [Config.Keys]. Both alphabets of
// RFC 4648 are accepted, with and without padding.
//
// ParseKeys returns an error if there is no key, if there are more than 100, or if one is
// not base64. The error says which key is wrong and does not contain it. [New] checks
// whether the keys are long and random enough.
func ParseKeys(text string) ([]Key, error) {
	var keys []Key
	separator := func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) }
	for entry := range strings.FieldsFuncSeq(text, separator) {
		if len(keys) == maxKeys {
			return nil, fmt.Errorf("sessions: there are more than %d keys: take out those that no session needs any more", maxKeys)
		}
		number := len(keys) + 1
		hash, block, encrypts := strings.Cut(entry, ":")
		var key Key
		var err error
		if hash == "" {
			return nil, fmt.Errorf("sessions: key %d has nothing before the colon: make a Hash with `openssl rand -base64 32`", number)
		}
		if key.Hash, err = decodeKey(hash); err != nil {
			return nil, fmt.Errorf("sessions: key %d is not base64: make one with `openssl rand -base64 32`", number)
		}
		if encrypts && block == "" {
			return nil, fmt.Errorf("sessions: key %d has nothing after the colon: leave the colon out to sign only", number)
		}
		if encrypts {
			if key.Block, err = decodeKey(block); err != nil {
				return nil, fmt.Errorf("sessions: key %d is not base64 after the colon: make a Block with `openssl rand -base64 32`", number)
			}
		}
		keys = append(keys, key)
	}
	if keys == nil {
		return nil, errors.New("sessions: no key is given: make one with `openssl rand -base64 32`")
	}
	return keys, nil
}

func decodeKey(text string) ([]byte, error) {
	text = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	return base64.RawStdEncoding.DecodeString(text)
}

// newCodec checks the keys, all of them.
func newCodec(keys []Key) (*codec, error) {
	if len(keys) == 0 {
		return nil, errors.New("sessions: Config.Keys is empty: give one Key with a Hash of 32 secret random bytes (`openssl rand -base64 32`), or RandomKey() in development")
	}
	c := &codec{}
	var errs []error
	for i, k := range keys {
		if err := k.check(keys[:i]); err != nil {
			errs = append(errs, fmt.Errorf("sessions: Config.Keys[%d]%w", i, err))
			continue
		}
		c.keys = append(c.keys, newSealer(k))
	}
	return c, errors.Join(errs...)
}

func (k Key) check(newer []Key) error {
	if len(k.Hash) < minHash {
		return fmt.Errorf(".Hash has %d bytes, it must have at least %d: make one with `openssl rand -base64 32` and decode it", len(k.Hash), minHash)
	}
	switch len(k.Block) {
	case 16, 24, 32:
	default:
		if k.Block != nil {
			return fmt.Errorf(".Block has %d bytes, AES takes 16, 24 or 32: make one with `openssl rand -base64 32` and decode it, or leave it nil to sign only", len(k.Block))
		}
	}
	if guessable(k.Hash) {
		return errors.New(".Hash has a pattern, so that others can guess it: make one with `openssl rand -base64 32` and decode it")
	}
	if k.Block != nil && guessable(k.Block) {
		return errors.New(".Block has a pattern, so that others can guess it: make one with `openssl rand -base64 32` and decode it, or leave it nil to sign only")
	}
	if k.Block != nil && bytes.HasPrefix(k.Hash, k.Block) {
		return errors.New(".Block is the beginning of its Hash: make one of its own with `openssl rand -base64 32` and decode it, or leave it nil to sign only")
	}
	for i, n := range newer {
		if bytes.Equal(k.Hash, n.Hash) {
			return fmt.Errorf(" has the Hash of Config.Keys[%d]: a new key needs a Hash of its own, and an old one stands in the list once", i)
		}
	}
	return nil
}

// guessable reports whether a key was made by hand: one that repeats itself, as zeros do,
// that counts, or that has hardly any different bytes. No random key is such by chance.
func guessable(key []byte) bool {
	for period := 1; period <= len(key)/2; period++ {
		if bytes.Equal(key[period:], key[:len(key)-period]) {
			return true
		}
	}
	counts, different := true, map[byte]bool{}
	for i, b := range key {
		different[b] = true
		counts = counts && (i == 0 || b-key[i-1] == key[1]-key[0])
	}
	return counts || len(different) < 5
}

package webapp2

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha3"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strings"

	"golang.org/x/crypto/blake2b"
	"golang.org/x/crypto/blake2s"

	"github.com/webapp2go/webapp2go/auth"
)

// hashMethods are the hashes of Python's hashlib that webapp2 could be configured to use.
// webapp2 accepted every attribute of that module, so that a planted hash could name code
// to run; this list is closed.
var hashMethods = map[string]func() hash.Hash{
	"md5":      md5.New,
	"sha1":     sha1.New,
	"sha224":   sha256.New224,
	"sha256":   sha256.New,
	"sha384":   sha512.New384,
	"sha512":   sha512.New,
	"sha3_224": func() hash.Hash { return sha3.New224() },
	"sha3_256": func() hash.Hash { return sha3.New256() },
	"sha3_384": func() hash.Hash { return sha3.New384() },
	"sha3_512": func() hash.Hash { return sha3.New512() },
	"blake2b":  unkeyed(blake2b.New512),
	"blake2s":  unkeyed(blake2s.New256),
}

// unkeyed adapts the constructors of BLAKE2, which fail only for a long key.
func unkeyed(newHash func(key []byte) (hash.Hash, error)) func() hash.Hash {
	return func() hash.Hash {
		h, err := newHash(nil)
		if err != nil {
			panic(err)
		}
		return h
	}
}

// ErrPlaintext is returned for a stored "hash" that is the password itself.
var ErrPlaintext = errors.New("webapp2: a password that was stored in the clear is refused")

// PasswordHashes verifies the password hashes that webapp2_extras.security made, of the
// form hash$method$salt. It is for a migration:
//
//	site.Passwords.Legacy = webapp2.PasswordHashes{Pepper: pepper}.Verify
//
// They are one round of a fast function. [auth.Passwords] replaces each at the first login.
// The zero value is for an application without a pepper.
type PasswordHashes struct {
	// Pepper is the pepper of the old application, empty if it had none.
	Pepper auth.Secret
	// AllowPlaintext accepts the method "plain" too: passwords that were stored in the
	// clear. An empty password is always refused.
	AllowPlaintext bool
}

// Verify reports whether password is the one that webapp2 turned into stored. The
// comparison takes constant time. A password longer than [auth.MaxPassword] is wrong. It
// returns an error if stored has another form or an unknown method, and [ErrPlaintext] if
// the method is "plain" and AllowPlaintext is not set.
func (p PasswordHashes) Verify(password, stored string) (bool, error) {
	if len(password) > auth.MaxPassword {
		return false, nil
	}
	want, method, salt, err := splitHash(stored)
	switch {
	case err != nil:
		return false, err
	case method == "plain" && p.AllowPlaintext:
		// For a user whose stored password was empty, webapp2 accepted the empty password.
		return want != "" && subtle.ConstantTimeCompare([]byte(password), []byte(want)) == 1, nil
	case method == "plain":
		return false, ErrPlaintext
	}
	newHash, ok := hashMethods[method]
	if !ok {
		return false, fmt.Errorf("webapp2: the password hash has the unknown method %.80q", method)
	}
	var sum []byte
	if salt == "" {
		h := newHash()
		h.Write([]byte(password))
		sum = h.Sum(nil)
	} else {
		sum = keyed(newHash, salt, password)
	}
	got := hex.EncodeToString(sum)
	if p.Pepper != "" {
		got = hex.EncodeToString(keyed(newHash, string(p.Pepper), got))
	}
	return subtle.ConstantTimeCompare([]byte(got), []byte(want)) == 1, nil
}

// maxHash is the longest stored hash in bytes: Datastore kept it in an indexed
// property, which has at most 1500.
const maxHash = 1500

// splitHash splits hash$method$salt; the salt may contain a $.
func splitHash(stored string) (sum, method, salt string, err error) {
	if len(stored) > maxHash {
		return "", "", "", fmt.Errorf("webapp2: the stored hash has %d bytes, more than %d", len(stored), maxHash)
	}
	parts := strings.SplitN(stored, "$", 3)
	if len(parts) != 3 {
		return "", "", "", errors.New("webapp2: the stored hash does not have the form hash$method$salt")
	}
	return parts[0], parts[1], parts[2], nil
}

func keyed(newHash func() hash.Hash, key, message string) []byte {
	mac := hmac.New(newHash, []byte(key))
	mac.Write([]byte(message))
	return mac.Sum(nil)
}

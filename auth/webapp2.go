package auth

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
)

// webapp2Methods are the hashes of Python's hashlib that webapp2 could be told to
// use. webapp2 took any attribute of that module for one, so that a planted hash
// could name code to run; here the list is closed.
var webapp2Methods = map[string]func() hash.Hash{
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

// ErrPlain is returned for a webapp2 "hash" that is the password itself.
var ErrPlain = errors.New("auth: a webapp2 password that was stored in the clear is refused")

// VerifyWebapp2 tells whether password is the one that webapp2_extras.security
// turned into stored, which has the form hash$method$salt. The pepper is that of
// the old application, empty for none. The comparison takes constant time.
//
// It returns false and nil for a wrong password, which one longer than [MaxPassword]
// always is, and an error where stored is no
// such hash at all: of another form, of an unknown method, or of method "plain"
// ([ErrPlain]; see [Passwords.Plain] for users who have such passwords).
//
// These hashes are one round of a fast function: replace them, as
// [Passwords.LogIn] does.
func VerifyWebapp2(password, stored, pepper string) (bool, error) {
	if len(password) > MaxPassword {
		return false, nil
	}
	want, method, salt, err := splitWebapp2(stored)
	if err != nil {
		return false, err
	}
	if method == "plain" {
		return false, ErrPlain
	}
	newHash, ok := webapp2Methods[method]
	if !ok {
		return false, fmt.Errorf("auth: webapp2 password hash of the unknown method %.80q", method)
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
	if pepper != "" {
		got = hex.EncodeToString(keyed(newHash, pepper, got))
	}
	return subtle.ConstantTimeCompare([]byte(got), []byte(want)) == 1, nil
}

// verifyPlain is VerifyWebapp2 for method "plain". An empty password is refused:
// webapp2 let everybody in as a user whose stored password was empty.
func verifyPlain(password, stored string) (bool, error) {
	want, _, _, err := splitWebapp2(stored)
	if err != nil {
		return false, err
	}
	return want != "" && subtle.ConstantTimeCompare([]byte(password), []byte(want)) == 1, nil
}

// maxWebapp2 is the longest stored hash in bytes: Datastore kept it in an indexed
// property, which has at most 1500.
const maxWebapp2 = 1500

// splitWebapp2 takes hash$method$salt apart; the salt may hold a $.
func splitWebapp2(stored string) (sum, method, salt string, err error) {
	if len(stored) > maxWebapp2 {
		return "", "", "", fmt.Errorf("auth: a stored hash of %d bytes, more than %d", len(stored), maxWebapp2)
	}
	parts := strings.SplitN(stored, "$", 3)
	if len(parts) != 3 {
		return "", "", "", errors.New("auth: the stored hash is not in webapp2's form hash$method$salt")
	}
	return parts[0], parts[1], parts[2], nil
}

func keyed(newHash func() hash.Hash, key, message string) []byte {
	mac := hmac.New(newHash, []byte(key))
	mac.Write([]byte(message))
	return mac.Sum(nil)
}

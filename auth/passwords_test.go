package auth_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/auth"
)

// cheap has low costs to keep the tests fast. The results do not depend on the costs.
var cheap = auth.Argon2Params{Time: 1, MemoryKiB: 64, Threads: 1}

func TestHashForm(t *testing.T) {
	var p auth.Passwords
	hash, err := p.Hash("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$`).MatchString(hash) {
		t.Errorf("Hash = %q", hash)
	}
	if ok, stale, err := p.Verify("correct horse", hash); !ok || stale || err != nil {
		t.Errorf("Verify = %v, %v, %v", ok, stale, err)
	}
	if ok, stale, err := p.Verify("wrong horse", hash); ok || stale || err != nil {
		t.Errorf("Verify of a wrong password = %v, %v, %v", ok, stale, err)
	}
	again, err := p.Hash("correct horse")
	if err != nil || again == hash {
		t.Errorf("two hashes of one password are the same (%v)", err)
	}
}

// TestKnownHash is a vector of the reference implementation (P-H-C/phc-winner-argon2,
// src/test.c).
func TestKnownHash(t *testing.T) {
	const stored = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	var p auth.Passwords
	if ok, _, err := p.Verify("password", stored); !ok || err != nil {
		t.Errorf("Verify = %v, %v", ok, err)
	}
}

func TestStale(t *testing.T) {
	base := auth.Argon2Params{Time: 2, MemoryKiB: 128, Threads: 2}
	tests := map[string]struct {
		now   auth.Argon2Params
		stale bool
	}{
		"same":          {base, false},
		"lower":         {auth.Argon2Params{Time: 1, MemoryKiB: 64, Threads: 1}, false},
		"more passes":   {auth.Argon2Params{Time: 3, MemoryKiB: 128, Threads: 2}, true},
		"more memory":   {auth.Argon2Params{Time: 2, MemoryKiB: 129, Threads: 2}, true},
		"more threads":  {auth.Argon2Params{Time: 2, MemoryKiB: 128, Threads: 3}, true},
		"one of two up": {auth.Argon2Params{Time: 1, MemoryKiB: 256, Threads: 2}, true},
	}
	hash, err := (&auth.Passwords{Argon2: base}).Hash("correct horse")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := &auth.Passwords{Argon2: test.now}
			if ok, stale, err := p.Verify("correct horse", hash); !ok || stale != test.stale || err != nil {
				t.Errorf("Verify = %v, %v, %v, want stale %v", ok, stale, err, test.stale)
			}
			if ok, stale, err := p.Verify("wrong", hash); ok || stale || err != nil {
				t.Errorf("Verify of a wrong password = %v, %v, %v", ok, stale, err)
			}
		})
	}
}

// TestStoredHashRefused shows that the costs in a stored hash are checked before any memory is
// allocated: the hash counter stays at 0.
func TestStoredHashRefused(t *testing.T) {
	const salt, key = "AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	tests := map[string]string{
		"empty":              "",
		"prefix only":        "$argon2id$",
		"other algorithm":    "$argon2i$v=19$m=64,t=1,p=1$" + salt + "$" + key,
		"bcrypt":             "$2b$12$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234",
		"other version":      "$argon2id$v=16$m=64,t=1,p=1$" + salt + "$" + key,
		"no version":         "$argon2id$m=64,t=1,p=1$" + salt + "$" + key,
		"4 TiB":              "$argon2id$v=19$m=4294967295,t=1,p=1$" + salt + "$" + key,
		"over 32 bits":       "$argon2id$v=19$m=4294967360,t=1,p=1$" + salt + "$" + key,
		"negative":           "$argon2id$v=19$m=-64,t=1,p=1$" + salt + "$" + key,
		"too little memory":  "$argon2id$v=19$m=7,t=1,p=1$" + salt + "$" + key,
		"no pass":            "$argon2id$v=19$m=64,t=0,p=1$" + salt + "$" + key,
		"a billion passes":   "$argon2id$v=19$m=64,t=1000000000,p=1$" + salt + "$" + key,
		"no thread":          "$argon2id$v=19$m=64,t=1,p=0$" + salt + "$" + key,
		"256 threads":        "$argon2id$v=19$m=8192,t=1,p=256$" + salt + "$" + key,
		"other order":        "$argon2id$v=19$t=1,m=64,p=1$" + salt + "$" + key,
		"leading zero":       "$argon2id$v=19$m=064,t=1,p=1$" + salt + "$" + key,
		"plus":               "$argon2id$v=19$m=+64,t=1,p=1$" + salt + "$" + key,
		"something after":    "$argon2id$v=19$m=64,t=1,p=1,x=1$" + salt + "$" + key,
		"no salt":            "$argon2id$v=19$m=64,t=1,p=1$$" + key,
		"no key":             "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$",
		"short key":          "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$AAAA",
		"salt not in base64": "$argon2id$v=19$m=64,t=1,p=1$!!!!!!!!!!!!$" + key,
		"padded":             "$argon2id$v=19$m=64,t=1,p=1$" + salt + "==$" + key,
		"seventh part":       "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + key + "$",
		"newline":            "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + key + "\n",
		"long":               "$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + strings.Repeat("A", 1<<20),
	}
	for name, stored := range tests {
		t.Run(name, func(t *testing.T) {
			var p auth.Passwords
			ok, stale, err := p.Verify("correct horse", stored)
			if ok || stale || err == nil {
				t.Errorf("Verify = %v, %v, %v, want an error", ok, stale, err)
			}
			if p.Runs() != 0 {
				t.Errorf("%d hashes were computed", p.Runs())
			}
			if err != nil && len(stored) > 20 && strings.Contains(err.Error(), key) {
				t.Errorf("the error holds the hash: %v", err)
			}
		})
	}
}

func TestPasswordForms(t *testing.T) {
	p := &auth.Passwords{Argon2: cheap}
	hash, err := p.Hash("caf\u00e9 au lait")
	if err != nil {
		t.Fatal(err)
	}
	if ok, _, err := p.Verify("cafe\u0301 au lait", hash); !ok || err != nil {
		t.Errorf("the same letters, composed otherwise: %v, %v", ok, err)
	}
	long := strings.Repeat("x", auth.MaxPassword+1)
	if _, err := p.Hash(long); err == nil {
		t.Error("Hash took a password over MaxPassword")
	}
	if ok, _, err := p.Verify(long, hash); ok || err != nil {
		t.Errorf("Verify of a password over MaxPassword = %v, %v", ok, err)
	}
}

func TestCheck(t *testing.T) {
	tests := map[string]struct {
		p    *auth.Passwords
		says string // empty: nothing is wrong
	}{
		"zero":                 {&auth.Passwords{}, ""},
		"too many passes":      {&auth.Passwords{Argon2: auth.Argon2Params{Time: 101}}, "passes"},
		"too much memory":      {&auth.Passwords{Argon2: auth.Argon2Params{MemoryKiB: 1<<20 + 1}}, "memory"},
		"memory for no thread": {&auth.Passwords{Argon2: auth.Argon2Params{MemoryKiB: 15, Threads: 2}}, "memory"},
		"too long a MinLength": {&auth.Passwords{MinLength: 1025}, "MinLength"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := test.p.Check()
			if test.says == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Fatalf("Check = %v, want an error that says %q", err, test.says)
			}
			if _, err := test.p.LogIn(t.Context(), auth.NewMemory(), "joe", "correct horse"); err == nil || errors.Is(err, auth.ErrCredentials) {
				t.Errorf("LogIn all the same: %v", err)
			}
		})
	}
}

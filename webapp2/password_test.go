package webapp2_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/webapp2"
)

type hashVector struct {
	ID, Op, Method, Salt, Reason string
	Password                     string
	Pepper, Stored               *string
	Flags                        []string
	Expect                       struct {
		OK    bool
		Hash  *string
		Error string
	}
}

// differs lists the cases in which Verify deliberately answers otherwise than webapp2
// did, and why. Each of these is refused with an error.
var differs = map[string]string{
	"hash-20":   "plain is refused unless it is asked for",
	"hash-21":   "plain is refused unless it is asked for",
	"accept-33": "plain is refused unless it is asked for",
	"accept-34": "plain is refused unless it is asked for, and an empty stored password matches no password",
}

// TestPasswordVectors holds Verify to what webapp2 3.0.0 answered. Where
// webapp2 raised an exception, false and an error are the same answer.
func TestPasswordVectors(t *testing.T) {
	text, err := os.ReadFile("testdata/password_hash.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		CaseCount int `json:"case_count"`
		Cases     []hashVector
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) != file.CaseCount {
		t.Fatalf("%d cases, the file says %d", len(file.Cases), file.CaseCount)
	}
	passed := 0
	seen := make(map[string]bool)
	for _, v := range file.Cases {
		t.Run(v.ID, func(t *testing.T) {
			stored, want := "", v.Expect.OK
			switch {
			case v.Op == "hash" && v.Expect.Hash != nil:
				stored, want = *v.Expect.Hash+"$"+v.Method+"$"+v.Salt, true
			case v.Op == "hash":
				stored = "0123456789abcdef$" + v.Method + "$" + v.Salt
			case v.Stored != nil:
				stored = *v.Stored
			}
			pepper := ""
			if v.Pepper != nil {
				pepper = *v.Pepper
			}
			got, err := webapp2.PasswordHashes{Pepper: auth.Secret(pepper)}.Verify(v.Password, stored)
			if reason, ok := differs[v.ID]; ok {
				seen[v.ID] = true
				if got || err == nil || !want {
					t.Errorf("%v, %v: not the difference that is listed: %s", got, err, reason)
				}
				return
			}
			if got != want {
				t.Errorf("Verify(%q, %q, %q) = %v, %v, want %v", v.Password, stored, pepper, got, err, want)
			}
			if got && err != nil {
				t.Errorf("true and %v", err)
			}
			if v.Expect.Error != "" && err == nil {
				t.Errorf("no error where webapp2 raised %s", v.Expect.Error)
			}
			passed++
		})
	}
	t.Logf("password_hash.json: %d passed, %d deliberate differences", passed, len(seen))
	if passed+len(seen) != len(file.Cases) || len(seen) != len(differs) {
		t.Errorf("%d of %d cases accounted for, %d of %d differences seen", passed+len(seen), len(file.Cases), len(seen), len(differs))
	}
}

func TestPasswordRefuses(t *testing.T) {
	tests := map[string]struct{ stored, says string }{
		"empty":               {"", "form"},
		"two parts":           {"26199ffccb30e485d1619de074520351b2aa4fad$sha1", "form"},
		"unknown method":      {"x$hmac$salt", `unknown method "hmac"`},
		"no method":           {"x$$salt", `unknown method ""`},
		"case of the method":  {"26199ffccb30e485d1619de074520351b2aa4fad$SHA1$AbCdEf0123456789ghijkl", "unknown method"},
		"plain":               {"correct horse$plain$", "in the clear"},
		"a hash made here":    {"$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA", "unknown method"},
		"a hash of werkzeug":  {"pbkdf2:sha256:260000$salt$00", "unknown method"},
		"a hash of the crypt": {"$6$salt$x", "unknown method"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			ok, err := webapp2.PasswordHashes{}.Verify("correct horse", test.stored)
			if ok || err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v, %v, want false and an error that says %q", ok, err, test.says)
			}
		})
	}
}

func TestPasswordLogin(t *testing.T) {
	const (
		sha1    = "26199ffccb30e485d1619de074520351b2aa4fad$sha1$AbCdEf0123456789ghijkl"
		peppers = "6580be6ae0f72a3f970e74910c03bddd2305feed$sha1$AbCdEf0123456789ghijkl"
		plain   = "correct horse$plain$"
	)
	tests := map[string]struct {
		passwords *auth.Passwords
		stored    string
		ok        bool
	}{
		"on":                     {&auth.Passwords{Legacy: webapp2.PasswordHashes{}.Verify}, sha1, true},
		"off":                    {&auth.Passwords{}, sha1, false},
		"pepper":                 {&auth.Passwords{Legacy: webapp2.PasswordHashes{Pepper: "pepper!"}.Verify}, peppers, true},
		"pepper missing":         {&auth.Passwords{Legacy: webapp2.PasswordHashes{}.Verify}, peppers, false},
		"plain":                  {&auth.Passwords{Legacy: webapp2.PasswordHashes{AllowPlaintext: true}.Verify}, plain, true},
		"plain was not asked":    {&auth.Passwords{Legacy: webapp2.PasswordHashes{}.Verify}, plain, false},
		"plain of an empty one":  {&auth.Passwords{Legacy: webapp2.PasswordHashes{AllowPlaintext: true}.Verify}, "$plain$", false},
		"plain does not loosen":  {&auth.Passwords{Legacy: webapp2.PasswordHashes{AllowPlaintext: true}.Verify}, "x$hmac$", false},
		"plain keeps the others": {&auth.Passwords{Legacy: webapp2.PasswordHashes{AllowPlaintext: true}.Verify}, sha1, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := test.passwords
			p.Argon2 = auth.Argon2Params{Time: 1, MemoryKiB: 64}
			users := auth.NewMemory()
			if err := users.Create(t.Context(), &auth.User{Name: "joe", Password: test.stored}); err != nil {
				t.Fatal(err)
			}
			password := "correct horse"
			if test.stored == "$plain$" {
				password = ""
			}
			_, err := p.LogIn(t.Context(), users, "joe", password)
			if (err == nil) != test.ok {
				t.Fatalf("LogIn: %v, want ok=%v", err, test.ok)
			}
			stored, err := users.ByLogin(t.Context(), "joe")
			if err != nil {
				t.Fatal(err)
			}
			if made := strings.HasPrefix(stored.Password, "$argon2id$"); made != test.ok {
				t.Fatalf("the stored hash is now %.12q...", stored.Password)
			}
			if !test.ok {
				return
			}
			if _, err := (&auth.Passwords{Argon2: auth.Argon2Params{Time: 1, MemoryKiB: 64}}).LogIn(t.Context(), users, "joe", password); err != nil {
				t.Errorf("the second login, without Legacy: %v", err)
			}
		})
	}
}

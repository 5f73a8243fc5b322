package auth_test

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/webapp2"
)

// expensive is text of n bytes of the character that NFKC makes eleven times as long.
func expensive(n int) string { return strings.Repeat("\ufdfa", n/len("\ufdfa")) }

// cost returns what one call of f takes: bytes allocated, and the shortest of three times.
func cost(f func()) (allocated uint64, took time.Duration) {
	took = time.Hour
	for range 3 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		f()
		took = min(took, time.Since(start))
		runtime.ReadMemStats(&after)
		allocated = after.TotalAlloc - before.TotalAlloc
	}
	return allocated, took
}

// Every function that takes text checks its length before it does any work on it. Package
// authtest tests the same for Stores.
func TestLongInputCostsNothing(t *testing.T) {
	long := expensive(256 << 10)
	users := auth.NewMemory()
	p := &auth.Passwords{Argon2: cheap, Legacy: webapp2.PasswordHashes{AllowPlaintext: true}.Verify}
	joe, err := signUpAs(t.Context(), p, users, "joe", "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	nobody := &auth.User{Name: "ann"} // without a password, which costs the work of a hash
	if err := users.Create(t.Context(), nobody); err != nil {
		t.Fatal(err)
	}
	spaces, longHash, longSum := strings.Repeat(" ", 256<<10), joe.Password+long, long+"$sha1$salt"
	longPlain, address := long+"$plain$", "ann@"+long
	invalid := func(err error) bool { _, ok := errors.AsType[*auth.InvalidError](err); return ok }
	is := func(want error) func(error) bool { return func(err error) bool { return errors.Is(err, want) } }
	failed := func(err error) bool { return err != nil }
	succeeded := func(err error) bool { return err == nil }
	_, reference := cost(func() { _ = norm.NFKC.String(long) })
	for name, test := range map[string]struct {
		call func() error
		want func(error) bool
	}{
		"NameKey": {func() error {
			if key := auth.FoldName(long); key != "" {
				t.Errorf("a key of %d bytes", len(key))
			}
			return nil
		}, succeeded},
		"ParseEmail":         {func() error { _, err := auth.ParseEmail(long); return err }, invalid},
		"ParseEmail, domain": {func() error { _, err := auth.ParseEmail(address); return err }, invalid},
		"ParseName":          {func() error { _, err := auth.ParseName(long); return err }, invalid},
		"LoginKeys": {func() error {
			if keys := auth.LoginKeys(address); keys != nil {
				t.Errorf("%d keys", len(keys))
			}
			return nil
		}, succeeded},
		"Verify, token":       {func() error { _, _, err := tokens.Verify(t.Context(), users, auth.LogInByLink, long); return err }, is(auth.ErrToken)},
		"SignUp, name":        {func() error { _, err := signUpAs(t.Context(), p, users, long, "correct horse"); return err }, invalid},
		"SignUp, spaces":      {func() error { _, err := signUpAs(t.Context(), p, users, spaces, "correct horse"); return err }, invalid},
		"SignUp, password":    {func() error { _, err := signUpAs(t.Context(), p, users, "kim", long); return err }, invalid},
		"LogIn, name":         {func() error { _, err := p.LogIn(t.Context(), users, long, "correct horse"); return err }, is(auth.ErrCredentials)},
		"LogIn, password":     {func() error { _, err := p.LogIn(t.Context(), users, "joe", long); return err }, is(auth.ErrCredentials)},
		"Change, old":         {func() error { return p.Change(t.Context(), users, joe.Clone(), long, "another horse") }, is(auth.ErrCredentials)},
		"Change, old of none": {func() error { return p.Change(t.Context(), users, nobody.Clone(), long, "another horse") }, is(auth.ErrCredentials)},
		"Change, new":         {func() error { return p.Change(t.Context(), users, joe.Clone(), "correct horse", long) }, invalid},
		"Hash":                {func() error { _, err := p.Hash(long); return err }, failed},
		"Verify, password":    {func() error { _, _, err := p.Verify(long, joe.Password); return err }, succeeded},
		"Verify, stored":      {func() error { _, _, err := p.Verify("correct horse", longHash); return err }, failed},
		"Verify, webapp2":     {func() error { _, _, err := p.Verify("correct horse", longSum); return err }, failed},
		"Verify, plain":       {func() error { _, _, err := p.Verify("correct horse", longPlain); return err }, failed},
	} {
		t.Run(name, func(t *testing.T) {
			allocated, took := cost(func() {
				if err := test.call(); !test.want(err) {
					t.Errorf("%.200v", err)
				} else if err != nil && len(err.Error()) > 1024 {
					t.Errorf("an error of %d bytes", len(err.Error()))
				}
			})
			if allocated > 64<<10 {
				t.Errorf("%d KiB were allocated", allocated>>10)
			}
			if took > reference/4 {
				t.Errorf("it took %v, where normalizing the text takes %v", took, reference)
			}
		})
	}
}

// FuzzNameKey checks that a key is its own key, that its length is bounded, and that it is
// cheap to compute.
func FuzzNameKey(f *testing.F) {
	for _, seed := range []string{"", " Joe ", "ﬁ", "İstanbul", "ΟΔΥΣΣΕΥΣ", "Zoe\u0308 K", "\xff\xfe", expensive(250), expensive(1 << 16), strings.Repeat("a\u0301", 126), strings.Repeat("\u0344", 120), "Bob \u200c", "a \u200c b", "\u1fbc\u0301"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		key := auth.FoldName(name)
		if len(name) > auth.MaxName && key != "" {
			t.Errorf("a name of %d bytes has a key of %d", len(name), len(key))
		}
		if len(key) > 12*auth.MaxName {
			t.Errorf("a key of %d bytes", len(key))
		}
		if len(key) <= auth.MaxName && auth.FoldName(key) != key {
			t.Errorf("%q has the key %q, which has the key %q", name, key, auth.FoldName(key))
		}
		if allocated := testing.AllocsPerRun(1, func() { auth.FoldName(name) }); allocated > 64 {
			t.Errorf("%v allocations for a name of %d bytes", allocated, len(name))
		}
	})
}

// FuzzEmail checks that an accepted address does not change when it is parsed again, that its
// key stays the same, and that neither has a character that ends a header.
func FuzzEmail(f *testing.F) {
	for _, seed := range []string{"", "ann@example.com", " Ann@BÜCHER.example ", "a@b.c\r\nBcc: x@y.z", "a@xn--a.b", "a@\u00ad.b", "ann@example\u3002com", "a@1.2.3.4", "@@", "a@b..c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, address string) {
		kept, err := auth.ParseEmail(address)
		if err != nil {
			if auth.EmailKey(address) != "" {
				t.Errorf("%q has a key", address)
			}
			return
		}
		again, err := auth.ParseEmail(kept)
		if err != nil || again != kept || auth.EmailKey(kept) != auth.EmailKey(address) || auth.EmailKey(strings.ToUpper(kept)) != auth.EmailKey(kept) {
			t.Errorf("%q is kept as %q, and that as %q, %v", address, kept, again, err)
		}
		for _, c := range []byte(kept) {
			if c <= ' ' || c > '~' {
				t.Errorf("%q is kept as %q", address, kept)
			}
		}
	})
}

package auth_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/webapp2go/webapp2go/auth"
)

// Names that look the same belong to one user or are refused.
func TestNamesThatLookTheSame(t *testing.T) {
	p := &auth.Passwords{Argon2: cheap}
	for _, pair := range [][2]string{
		{"Ann x", "Ann  x"}, {"ΟΔΥΣΣΕΥΣ", "οδυσσευς"}, {"οδυσσευς", "οδυσσευσ"},
		{"admin", "ＡＤＭＩＮ"}, {"Karl", "\u212aarl"}, {"fish", "ﬁsh"}, {"Straße", "STRAẞE"}, {"istanbul", "İSTANBUL"},
		{"Zoë", "Zoe\u0308"}, {"\u0646\u0627\u0645\u0647\u200c\u0647\u0627", "\u0646\u0627\u0645\u0647\u0647\u0627"},
	} {
		users := auth.NewMemory()
		if _, err := signUpAs(t.Context(), p, users, pair[0], "correct horse"); err != nil {
			t.Errorf("%q: %v", pair[0], err)
			continue
		}
		if _, err := signUpAs(t.Context(), p, users, pair[1], "correct horse"); !errors.Is(err, auth.ErrExists) {
			t.Errorf("%q beside %q: %v", pair[1], pair[0], err)
		}
		if _, err := p.LogIn(t.Context(), users, pair[1], "correct horse"); err != nil {
			t.Errorf("%q as %q: %v", pair[0], pair[1], err)
		}
	}
	for what, name := range map[string]string{
		"variation selector": "admin\ufe0f", "grapheme joiner": "ad\u034fmin", "another variation selector": "admin\U000e0100",
		"Mongolian selector": "admin\u180b", "Hangul filler": "admin\u3164", "jamo filler": "\u1160admin", "half width filler": "admin\uffa0",
		"Braille blank": "admin\u2800", "Khmer vowel": "admin\u17b4", "joiner": "admin\u200d", "non-joiner": "ad\u200cmin",
		"soft hyphen": "ad\u00admin", "word joiner": "ad\u2060min", "byte order mark": "\ufeffadmin", "tag": "admin\U000e0061",
		"direction": "ad\u202emin", "isolate": "\u2068admin\u2069", "zero width space": "ad\u200bmin", "unassigned": "admin\u0378",
		"private": "admin\ue000", "tab": "ad\tmin", "only a filler": "\u3164", "only Braille": "\u2800", "only a mark": "\u0301", "a mark first": "\u0301admin",
		"a mark on a space": "ad \u0301min", "many marks": "a\u0301\u0301\u0301\u0301\u0301\u0301dmin", "no letter": "!?!", "line end": "ad\nmin",
		"an address": "ann@example.com", "Cyrillic a": "аdmin", "Greek o": "rοot",
	} {
		_, err := signUpAs(t.Context(), p, auth.NewMemory(), name, "correct horse")
		if _, ok := errors.AsType[*auth.InvalidError](err); !ok {
			t.Errorf("%s: SignUp(%q): %v", what, name, err)
		}
	}
}

// These are names of people.
func TestNamesOfPeople(t *testing.T) {
	p := &auth.Passwords{Argon2: cheap}
	for _, name := range []string{
		"joe", "Ann x", "Nguyễn Văn", "Zoë Kravitz", "ann😀", "O'Brien", "Jean-Luc", "joe_7", "7", "Straße", "Yıldız",
		"Иван Петров", "Οδυσσεύς", "日本 太郎", "김철수", "محمد", "\u0646\u0627\u0645\u0647\u200c\u0647\u0627", "דוד", "שָׁלוֹם", "ราตรี", "ประเสริฐ ที่รัก", "श्रीमान्", "क्\u200dष", "தமிழ்", "Հայկ", "გიორგი", "ቴዎድሮስ", "བོད་ཡིག",
		"Д'Артаньян", "Ann 🇩🇪", "Ærøskøbing", "Łukasz",
	} {
		u, err := signUpAs(t.Context(), p, auth.NewMemory(), name, "correct horse")
		if err != nil {
			t.Errorf("SignUp(%q): %v", name, err)
		} else if u.Name != name && utf8.ValidString(name) {
			t.Logf("%q is kept as %q", name, u.Name)
		}
	}
}

// Differences that are ignored alone are also ignored in combination.
func TestNameKeyOfMixtures(t *testing.T) {
	for name, want := range map[string]string{
		"Bob \u200c": "bob", "\u200d Bob": "bob", "a \u200c b": "a b", "a\u200d \u200cb": "a b", "\u200c": "", " \u200c ": "",
		"E\u200d\u0301": "\u00e9", "\u1fbc\u0301": "\u1fb4", "\u1fb3\u0301": "\u1fb4",
		"i\u0307": "i", "İ\u0307": "i", "i\u0307\u0307\u0301": "\u00ed", "a\u0307": "\u0227",
	} {
		if key := auth.FoldName(name); key != want {
			t.Errorf("%q has the key %q, want %q", name, key, want)
		}
	}
}

// Case is also ignored for a letter with a mark.
func TestNameKeyOfMarkedCapitals(t *testing.T) {
	for r := rune(0); r < 0x1f000; r++ {
		lower := unicode.ToLower(r)
		if lower == r {
			continue
		}
		for mark := '\u0300'; mark <= '\u036f'; mark++ {
			one, two := string([]rune{r, mark}), string([]rune{lower, mark})
			if auth.FoldName(one) != auth.FoldName(two) {
				t.Errorf("%q has the key %q, and %q the key %q", one, auth.FoldName(one), two, auth.FoldName(two))
			}
		}
	}
}

// The key of a key is the key, for every character.
func TestNameKeyIsStable(t *testing.T) {
	for r := rune(0); r < 0xe0200; r++ {
		if r == 0x32000 {
			r = 0xe0000 // the characters in between are unassigned
		}
		for _, name := range []string{string(r), "a" + string(r) + "b"} {
			key := auth.FoldName(name)
			if again := auth.FoldName(key); again != key {
				t.Errorf("%q has the key %q, which has the key %q", name, key, again)
			}
		}
	}
}

// Addresses of the same mailbox have the same key. Other addresses have different keys.
func TestEmails(t *testing.T) {
	for address, want := range map[string]string{
		"ann@example.com":              "ann@example.com",
		" Ann@Example.COM ":            "ann@example.com",
		"ann+spam@example.com":         "ann+spam@example.com",
		"a.n.n@example.com":            "a.n.n@example.com",
		"o'brien!#$%&*/=?^_`{|}~@x.de": "o'brien!#$%&*/=?^_`{|}~@x.de",
		"ann@BÜCHER.example":           "ann@xn--bcher-kva.example",
		"ann@xn--bcher-kva.example":    "ann@xn--bcher-kva.example",
		"ann@example。com":              "ann@example.com",
		"ann@ｅxample.com":              "ann@example.com",
		"ann@exa\u00admple.com":        "ann@example.com",
		"ann@аpple.com":                "ann@xn--pple-43d.com",
	} {
		if key := auth.EmailKey(address); key != auth.Key("email:"+want) {
			t.Errorf("EmailKey(%q) = %q, want %q", address, key, want)
		}
	}
	long := strings.Repeat("x", 64)
	for _, address := range []string{
		"", "@", "ann", "ann@", "@example.com", "ann@example", "ann@localhost", "Ann <ann@example.com>", "ann@example.com, bob@example.com",
		"ann@bob@example.com", "ann (comment)@example.com", `"ann"@example.com`, `"a b"@example.com`, "ann b@example.com", "group:ann@example.com;",
		"ann@[192.0.2.1]", "ann@192.0.2.1", "ann@1.2.3", "ann@exa_mple.com", "ann@-example.com", "ann@example-.com", "ann@example..com", "ann@.example.com", "ann@example.com.",
		".ann@example.com", "ann.@example.com", "an..n@example.com", "ann\r\nBcc: eve@example.com", "ann@example.com\r\nBcc: eve", "ann@exam\x00ple.com", "ann\u202e@example.com",
		"josé@example.com", "mıke@example.com", "\u212aarl@example.com", "ann＠example.com", "ann@example.com> SIZE=1", "ann\\@example.com",
		long + "x@example.com", "ann@" + long + ".com", "ann@" + strings.Repeat(long[:60]+".", 4) + "example.com", strings.Repeat("x", 1<<20) + "@example.com", "ann@" + strings.Repeat("ü", 1<<19) + ".com",
	} {
		if key := auth.EmailKey(address); key != "" {
			t.Errorf("EmailKey(%.60q) = %q", address, key)
		}
		_, err := auth.ParseEmail(address)
		if invalid, ok := errors.AsType[*auth.InvalidError](err); !ok || invalid.Field != "email" || invalid.HTTPStatus() != 400 {
			t.Errorf("ParseEmail(%.60q): %v", address, err)
		}
	}
	if kept, err := auth.ParseEmail(long + "@Example.com"); err != nil || kept != long+"@example.com" {
		t.Errorf("ParseEmail keeps %q, %v", kept, err)
	}
}

// A text of a login form is an address, a name, or the name of a user of an older system.
func TestLoginKeys(t *testing.T) {
	for text, want := range map[string][]auth.Key{
		"Joe":             {"name:joe"},
		"Ann@Example.com": {"email:ann@example.com", "name:ann@example.com"},
		"ann@host":        {"name:ann@host"},
		"":                nil, " ": nil, strings.Repeat("x", 255): nil,
	} {
		if keys := auth.LoginKeys(text); !slices.Equal(keys, want) {
			t.Errorf("LoginKeys(%.20q) = %q, want %q", text, keys, want)
		}
	}
}

// Text that no Backend can store has no keys.
func TestKeysRefuse(t *testing.T) {
	many := make([]string, 101)
	for i := range many {
		many[i] = "google:" + strings.Repeat("1", i)
	}
	for name, u := range map[string]*auth.User{
		"nothing":             {},
		"unverified address":  {Email: "ann@example.com"},
		"verified nothing":    {Name: "ann", Verified: true},
		"verified no address": {Name: "ann", Email: "ann", Verified: true},
		"spaces":              {Name: "  "},
		"long name":           {Name: strings.Repeat("x", 255)},
		"long ID":             {Name: "ann", ID: strings.Repeat("x", auth.MaxID+1)},
		"empty auth id":       {AuthIDs: []string{""}},
		"long auth id":        {AuthIDs: []string{strings.Repeat("x", 301)}},
		"auth id of bytes":    {AuthIDs: []string{"google:\xff"}},
		"auth id of lines":    {AuthIDs: []string{"google:1\n"}},
		"many auth ids":       {AuthIDs: many[:21]},
		"many roles":          {Name: "ann", Roles: many},
		"long role":           {Name: "ann", Roles: []string{strings.Repeat("x", 255)}},
		"long hash":           {Name: "ann", Password: strings.Repeat("x", 1501)},
		"many properties":     {Name: "ann", Properties: auth.Properties{"x": make([]byte, 64<<10)}},
	} {
		if keys, err := u.Keys(); err == nil || keys != nil || len(err.Error()) > 300 {
			t.Errorf("%s: %q, %v", name, keys, err)
		}
	}
}

// A change of auth ids ends sessions, as a change of password does. The last way to log in
// cannot be removed.
func TestAuthIDs(t *testing.T) {
	u := &auth.User{ID: "1"}
	for i := range 20 {
		before := u.Credential()
		if err := u.AddAuthID(fmt.Sprint("google:", i)); err != nil || u.Credential() == before {
			t.Fatalf("id %d: %v", i, err)
		}
	}
	before := u.Credential()
	if err := u.AddAuthID("google:1"); err != nil || len(u.AuthIDs) != 20 || u.Credential() != before {
		t.Errorf("an id twice: %v, %d", err, len(u.AuthIDs))
	}
	if u.AddAuthID("google:20") == nil || u.AddAuthID("") == nil || u.Credential() != before {
		t.Error("an id too many or an empty one was added")
	}
	u.AuthIDs = []string{"google:1", "google:2"}
	if err := u.RemoveAuthID("google:3"); err != nil || u.Credential() != before {
		t.Errorf("an id that is not there: %v", err)
	}
	if err := u.RemoveAuthID("google:1"); err != nil || u.Credential() == before || u.HasAuthID("google:1") {
		t.Errorf("removing one of two: %v", err)
	}
	if err := u.RemoveAuthID("google:2"); !errors.Is(err, auth.ErrLastAuthID) || !u.HasAuthID("google:2") {
		t.Errorf("removing the last: %v", err)
	}
	u.Password, u.Name, u.Email = "hash", "", "ann@example.com"
	if err := u.RemoveAuthID("google:2"); !errors.Is(err, auth.ErrLastAuthID) {
		t.Errorf("removing the last beside a password that does not log in: %v", err)
	}
	u.Verified = true
	if err := u.RemoveAuthID("google:2"); err != nil || len(u.AuthIDs) != 0 {
		t.Errorf("removing the last beside a password: %v", err)
	}
}

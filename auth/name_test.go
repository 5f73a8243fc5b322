package auth_test

import (
	"errors"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/webapp2go/webapp2go/auth"
)

// Names that cannot be told apart are one user's, or nobody may have them.
func TestNamesThatLookTheSame(t *testing.T) {
	p := &auth.Passwords{Params: cheap}
	for _, pair := range [][2]string{
		{"Ann x", "Ann  x"}, {"ΟΔΥΣΣΕΥΣ", "οδυσσευς"}, {"οδυσσευς", "οδυσσευσ"},
		{"admin", "ＡＤＭＩＮ"}, {"Karl", "\u212aarl"}, {"fish", "ﬁsh"}, {"Straße", "STRAẞE"}, {"istanbul", "İSTANBUL"},
		{"Zoë", "Zoe\u0308"}, {"\u0646\u0627\u0645\u0647\u200c\u0647\u0627", "\u0646\u0627\u0645\u0647\u0647\u0627"},
	} {
		users := auth.NewMemory()
		if _, err := p.SignUp(t.Context(), users, pair[0], "correct horse"); err != nil {
			t.Errorf("%q: %v", pair[0], err)
			continue
		}
		if _, err := p.SignUp(t.Context(), users, pair[1], "correct horse"); !errors.Is(err, auth.ErrExists) {
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
		"Cyrillic a": "аdmin", "Greek o": "rοot",
	} {
		_, err := p.SignUp(t.Context(), auth.NewMemory(), name, "correct horse")
		if _, ok := errors.AsType[*auth.InvalidError](err); !ok {
			t.Errorf("%s: SignUp(%q): %v", what, name, err)
		}
	}
}

// People are called so.
func TestNamesOfPeople(t *testing.T) {
	p := &auth.Passwords{Params: cheap}
	for _, name := range []string{
		"joe", "Ann x", "Nguyễn Văn", "Zoë Kravitz", "ann😀", "O'Brien", "Jean-Luc", "joe@example.com", "joe_7", "7", "Straße", "Yıldız",
		"Иван Петров", "Οδυσσεύς", "日本 太郎", "김철수", "محمد", "\u0646\u0627\u0645\u0647\u200c\u0647\u0627", "דוד", "שָׁלוֹם", "ราตรี", "ประเสริฐ ที่รัก", "श्रीमान्", "क्\u200dष", "தமிழ்", "Հայկ", "გიორგი", "ቴዎድሮስ", "བོད་ཡིག",
		"Д'Артаньян", "Ann 🇩🇪", "Ærøskøbing", "Łukasz",
	} {
		u, err := p.SignUp(t.Context(), auth.NewMemory(), name, "correct horse")
		if err != nil {
			t.Errorf("SignUp(%q): %v", name, err)
		} else if u.Name != name && utf8.ValidString(name) {
			t.Logf("%q is kept as %q", name, u.Name)
		}
	}
}

// What makes no difference makes none beside other things that make none.
func TestNameKeyOfMixtures(t *testing.T) {
	for name, want := range map[string]string{
		"Bob \u200c": "bob", "\u200d Bob": "bob", "a \u200c b": "a b", "a\u200d \u200cb": "a b", "\u200c": "", " \u200c ": "",
		"E\u200d\u0301": "\u00e9", "\u1fbc\u0301": "\u1fb4", "\u1fb3\u0301": "\u1fb4",
		"i\u0307": "i", "İ\u0307": "i", "i\u0307\u0307\u0301": "\u00ed", "a\u0307": "\u0227",
	} {
		if key := auth.NameKey(name); key != want {
			t.Errorf("%q has the key %q, want %q", name, key, want)
		}
	}
}

// Case makes no difference to a letter that carries a mark.
func TestNameKeyOfMarkedCapitals(t *testing.T) {
	for r := rune(0); r < 0x1f000; r++ {
		lower := unicode.ToLower(r)
		if lower == r {
			continue
		}
		for mark := '\u0300'; mark <= '\u036f'; mark++ {
			one, two := string([]rune{r, mark}), string([]rune{lower, mark})
			if auth.NameKey(one) != auth.NameKey(two) {
				t.Errorf("%q has the key %q, and %q the key %q", one, auth.NameKey(one), two, auth.NameKey(two))
			}
		}
	}
}

// The key of a key is the key, for every character.
func TestNameKeyIsStable(t *testing.T) {
	changed := 0
	for r := rune(0); r < 0xe0200; r++ {
		if r == 0x32000 {
			r = 0xe0000 // what lies between is unassigned
		}
		for _, name := range []string{string(r), "a" + string(r) + "b"} {
			key := auth.NameKey(name)
			if again := auth.NameKey(key); again != key {
				t.Errorf("%q has the key %q, which has the key %q", name, key, again)
			}
			if key != auth.FormerNameKey(name) {
				changed++
			}
		}
	}
	if changed > 100 {
		t.Errorf("%d names have another key than before", changed)
	}
}

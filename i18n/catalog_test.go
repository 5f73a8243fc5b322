package i18n_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/webapp2go/webapp2go/i18n"
)

const header = "Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=2; plural=n != 1;\n"

// mo writes a .mo file of pairs of messages and translations. A context and a plural stand in
// the message, as the format has them.
func mo(pairs ...string) []byte {
	type pair struct{ id, text string }
	var list []pair
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, pair{pairs[i], pairs[i+1]})
	}
	slices.SortFunc(list, func(a, b pair) int { return strings.Compare(a.id, b.id) })
	n := uint32(len(list))
	head := []uint32{0x950412de, 0, n, 28, 28 + 8*n, 0, 28 + 16*n}
	var ids, texts []uint32
	var data bytes.Buffer
	at := 28 + 16*n
	for _, p := range list {
		ids = append(ids, uint32(len(p.id)), at+uint32(data.Len()))
		data.WriteString(p.id + "\x00")
	}
	for _, p := range list {
		texts = append(texts, uint32(len(p.text)), at+uint32(data.Len()))
		data.WriteString(p.text + "\x00")
	}
	var out bytes.Buffer
	for _, words := range [][]uint32{head, ids, texts} {
		binary.Write(&out, binary.LittleEndian, words)
	}
	out.Write(data.Bytes())
	return out.Bytes()
}

// po writes a .po file with a header.
func po(plural, body string) []byte {
	return []byte("msgid \"\"\nmsgstr \"\"\n\"Content-Type: text/plain; charset=UTF-8\\n\"\n\"Plural-Forms: " + plural + "\\n\"\n\n" + body)
}

func load(t *testing.T, files map[string][]byte) *i18n.Locales {
	t.Helper()
	ls, err := i18n.New(i18n.Config{FS: mapFS(files), Default: "en"})
	if err != nil {
		t.Fatal(err)
	}
	return ls
}

func mapFS(files map[string][]byte) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, data := range files {
		fsys[name] = &fstest.MapFile{Data: data}
	}
	return fsys
}

func named(t *testing.T, ls *i18n.Locales, name string) *i18n.Locale {
	t.Helper()
	l, err := ls.Named(name)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

const polish = "nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : 2);"
const arabic = "nplurals=6; plural=(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 && n%100<=99 ? 4 : 5);"

func TestPlurals(t *testing.T) {
	ls := load(t, map[string][]byte{
		"pl/LC_MESSAGES/messages.po": po(polish, "msgid \"One file\"\nmsgid_plural \"%(num)d files\"\nmsgstr[0] \"plik\"\nmsgstr[1] \"%(num)d pliki\"\nmsgstr[2] \"%(num)d plików\"\n"),
		"ar/LC_MESSAGES/messages.mo": mo("", "Content-Type: text/plain; charset=UTF-8\nPlural-Forms: "+arabic+"\n", "One file\x00%(num)d files", "a0\x00a1\x00a2\x00a3\x00a4\x00a5"),
		"ja/LC_MESSAGES/messages.po": po("nplurals=1; plural=0;", "msgid \"One file\"\nmsgid_plural \"%(num)d files\"\nmsgstr[0] \"%(num)dファイル\"\n"),
	})
	for _, test := range []struct {
		locale string
		n      int
		want   string
	}{
		{"pl", 1, "plik"}, {"pl", 2, "2 pliki"}, {"pl", 5, "5 plików"}, {"pl", 22, "22 pliki"}, {"pl", 112, "112 plików"}, {"pl", -1, "plik"},
		{"ar", 0, "a0"}, {"ar", 1, "a1"}, {"ar", 2, "a2"}, {"ar", 7, "a3"}, {"ar", 50, "a4"}, {"ar", 100, "a5"},
		{"ja", 1, "1ファイル"}, {"ja", 9, "9ファイル"},
		{"en", 1, "One file"}, {"en", 0, "0 files"}, {"en", 2, "2 files"},
	} {
		if got := named(t, ls, test.locale).N("One file", "%(num)d files", test.n); got != test.want {
			t.Errorf("%s, %d: %q, want %q", test.locale, test.n, got, test.want)
		}
	}
}

// The forms of the numbers from 0 to 19 are those that Python's gettext computes.
func TestPluralRules(t *testing.T) {
	for _, test := range []struct {
		forms      int
		rule, want string
	}{
		{2, "(n > 1)", "00111111111111111111"},
		{3, "(n==1) ? 0 : (n>=2 && n<=4) ? 1 : 2", "20111222222222222222"},
		{3, "(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2)", "20111222222222222222"},
		{4, "(n%100==1 ? 0 : n%100==2 ? 1 : n%100==3 || n%100==4 ? 2 : 3)", "30122333333333333333"},
		{4, "(n==1 ? 0 : n==0 || ( n%100>1 && n%100<11) ? 1 : (n%100>10 && n%100<20 ) ? 2 : 3)", "10111111111222222222"},
		{5, "n==1 ? 0 : n==2 ? 1 : (n>2 && n<7) ? 2 :(n>6 && n<11) ? 3 : 4", "40122223333444444444"},
		{5, "(n % 10 == 1 && n % 100 != 11) ? 0 : ((n % 10 == 2 && n % 100 != 12) ? 1 : ((((n % 10 == 3 || n % 10 == 4) || n % 10 == 9) && (n % 100 < 10 || n % 100 > 19)) ? 2 : ((n != 0 && n % 1000000 == 0) ? 3 : 4)))", "40122444424444444444"},
		{2, "!(n - 1) * 1 + n / 100 == 0", "10111111111111111111"},
	} {
		var forms []string
		for i := range test.forms {
			forms = append(forms, fmt.Sprint(i))
		}
		ls := load(t, map[string][]byte{"br/LC_MESSAGES/messages.mo": mo("", "Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals="+fmt.Sprint(test.forms)+"; plural="+test.rule+"\n",
			"one\x00more", strings.Join(forms, "\x00"))})
		got := ""
		for n := range 20 {
			got += named(t, ls, "br").N("one", "more", n)
		}
		if got != test.want {
			t.Errorf("%s: %s, want %s", test.rule, got, test.want)
		}
	}
}

func TestMessages(t *testing.T) {
	body := `# A translator's comment.
#. for the login page
#: pages/login.html:3
msgid "Log in"
msgstr "Anmelden"

#, fuzzy
msgid "Log out"
msgstr "Unscharf"

msgid ""
"Two "
"lines\n"
msgstr ""
"Zwei "
"Zeilen\n"

msgid "empty"
msgstr ""

#~ msgid "obsolete"
#~ msgstr "veraltet"

msgctxt "verb"
msgid "Open"
msgstr "Öffnen"
msgctxt "adjective"
msgid "Open"
msgstr "Offen"

msgid "Quote \"%(what)s\" at 100%%"
msgstr "„%(what)s“ zu 100%%"
`
	ls := load(t, map[string][]byte{
		"de/LC_MESSAGES/messages.po": po("nplurals=2; plural=n != 1;", body),
		"fr/LC_MESSAGES/messages.mo": mo("", header, "Log in", "Connexion", "verb\x04Open", "Ouvrir", "empty", ""),
		"fr/LC_MESSAGES/messages.po": []byte("the .mo file wins"),
		"en/LC_MESSAGES/messages.mo": mo("", header, "key.only", "Only in English"),
	})
	de, fr := named(t, ls, "de"), named(t, ls, "fr")
	for _, test := range []struct{ got, want string }{
		{de.T("Log in"), "Anmelden"}, {fr.T("Log in"), "Connexion"},
		{de.T("Log out"), "Log out"}, {de.T("obsolete"), "obsolete"}, {de.T("empty"), "empty"}, {fr.T("empty"), "empty"},
		{de.T("Two lines\n"), "Zwei Zeilen\n"},
		{de.C("verb", "Open"), "Öffnen"}, {de.C("adjective", "Open"), "Offen"}, {de.C("noun", "Open"), "Open"}, {de.T("Open"), "Open"},
		{fr.C("verb", "Open"), "Ouvrir"},
		{de.T(`Quote "%(what)s" at 100%%`, "what", 7), "„7“ zu 100%"},
		{de.T("key.only"), "Only in English"},
		{de.T("%(a)s %(b)d %(c)s %d % (x) 5%", "a", 1, "b", nil, "odd"), "1 <nil> %(c)s %d % (x) 5%"},
		{de.T("%(a)s", "a", "%(b)s", "b", "no"), "%(b)s"},
	} {
		if test.got != test.want {
			t.Errorf("%q, want %q", test.got, test.want)
		}
	}
	if got := ls.Untranslated(); got["de"] != 1 || got["fr"] != 1 || got["en"] != 0 {
		t.Errorf("untranslated: %v", got)
	}
}

// The messages of the source are English for whoever reads English, also if the default locale
// has another language.
func TestEnglishIsNotTheDefault(t *testing.T) {
	rule := "nplurals=2; plural=n != 1;"
	ls, err := i18n.New(i18n.Config{Default: "de", FS: mapFS(map[string][]byte{
		"de/LC_MESSAGES/messages.po":    po(rule, "msgid \"Save\"\nmsgstr \"Speichern\"\n"),
		"en_US/LC_MESSAGES/messages.po": po(rule, "msgid \"Save\"\nmsgstr \"\"\n"),
		"fr/LC_MESSAGES/messages.po":    po(rule, "msgid \"Save\"\nmsgstr \"\"\n"),
	})})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"de": "Speichern", "en_US": "Save", "fr": "Speichern"} {
		if got := named(t, ls, name).T("Save"); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// Every broken catalogue is an error at startup that names the file.
func TestBrokenCatalogs(t *testing.T) {
	good := mo("", header, "a", "b")
	change := func(at int, b ...byte) []byte {
		data := slices.Clone(good)
		copy(data[at:], b)
		return data
	}
	for _, test := range []struct {
		name, file string
		data       []byte
		want       string
	}{
		{"empty", "mo", nil, "too short"},
		{"random", "mo", bytes.Repeat([]byte{7}, 100), "not a .mo file"},
		{"truncated", "mo", good[:len(good)-3], "outside of the file"},
		{"count", "mo", change(8, 0xff, 0xff, 0xff, 0), "damaged"},
		{"offset", "mo", change(28+4, 0xff, 0xff, 0xff, 0xff), "outside of the file"},
		{"version", "mo", change(4, 0, 0, 9, 0), "version is 9"},
		{"Latin-1", "mo", mo("", header, "a", "\xe4"), "not UTF-8"},
		{"charset", "mo", mo("", "Content-Type: text/plain; charset=ISO-8859-1\n", "a", "b"), `charset "iso-8859-1"`},
		{"no header", "mo", mo("a", "b"), "no header"},
		{"plural rule", "mo", mo("", "Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=2; plural=banana;\n"), "not an expression of C"},
		{"unbalanced rule", "mo", mo("", "Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=2; plural=(n != 1;\n"), "not an expression of C"},
		{"half a rule", "mo", mo("", "Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=2; plural=n ? 1;\n"), "not an expression of C"},
		{"deep rule", "mo", mo("", "Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=2; plural="+strings.Repeat("(", 400)+"n"+strings.Repeat(")", 400)+";\n"), "not an expression of C"},
		{"division by zero", "mo", mo("", "Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=2; plural=n % 0;\n"), "have form -1"},
		{"nplurals", "mo", mo("", "Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=1000; plural=0;\n"), "nplurals is a number"},
		{"form beyond", "mo", mo("", "Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=2; plural=(n==2 ? 2 : 0);\n"), "have form 2"},
		{"forms", "mo", mo("", header, "a\x00b", "x\x00y\x00z"), "has 3 plural forms"},
		{"names", "mo", mo("", header, "Hi %(name)s", "Hallo %(nmae)s"), "uses %(nmae)s"},
		{"quote", "po", po("nplurals=2; plural=n != 1;", "msgid \"a\nmsgstr \"b\"\n"), "line 6"},
		{"merge", "po", po("nplurals=2; plural=n != 1;", "<<<<<<< HEAD\nmsgid \"a\"\nmsgstr \"b\"\n"), "neither a comment"},
		{"no msgstr", "po", po("nplurals=2; plural=n != 1;", "msgid \"a\"\n"), "no msgstr"},
		{"msgstr first", "po", []byte("msgstr \"a\"\n"), "without a msgid"},
		{"keyword", "po", po("nplurals=2; plural=n != 1;", "msgid \"a\"\nmsgtext \"b\"\n"), "not known"},
		{"numbers", "po", po("nplurals=2; plural=n != 1;", "msgid \"a\"\nmsgid_plural \"b\"\nmsgstr[0] \"c\"\nmsgstr[2] \"d\"\n"), "not numbered"},
		{"escape", "po", po("nplurals=2; plural=n != 1;", `msgid "a\q"`+"\nmsgstr \"b\"\n"), "line 6"},
		{"not UTF-8", "po", []byte("msgid \"\xe4\"\n"), "not UTF-8"},
		{"placeholder in po", "po", po("nplurals=2; plural=n != 1;", "msgid \"a %(x)s\"\nmsgstr \"b %(y)s\"\n"), "line 6: the translation"},
	} {
		t.Run(test.name, func(t *testing.T) {
			name := "de/LC_MESSAGES/messages." + test.file
			_, err := i18n.New(i18n.Config{FS: mapFS(map[string][]byte{name: test.data}), Default: "en"})
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), name) {
				t.Errorf("%v; want %q and the file", err, test.want)
			}
		})
	}
}

func TestMistakes(t *testing.T) {
	good := map[string][]byte{"de/LC_MESSAGES/messages.mo": mo("", header)}
	for _, test := range []struct {
		name string
		c    i18n.Config
		want string
	}{
		{"no default", i18n.Config{}, "Default is empty"},
		{"no folder", i18n.Config{FS: mapFS(good), Default: "en", Locales: []string{"fr"}}, "the locale fr has no folder"},
		{"no tag", i18n.Config{FS: mapFS(good), Default: "english please"}, "not a language tag"},
		{"folder", i18n.Config{FS: mapFS(map[string][]byte{"templates!/x": nil}), Default: "en"}, "is not a locale"},
		{"domain", i18n.Config{FS: mapFS(good), Default: "en", Domains: []string{"messages", "forms"}}, "neither de/LC_MESSAGES/forms.mo"},
		{"zone", i18n.Config{Default: "en", TimeZone: "Mars/Base"}, `no time zone "Mars/Base"`},
		{"local zone", i18n.Config{Default: "en", TimeZone: "Local"}, "is not a time zone"},
		{"format", i18n.Config{Default: "en", Formats: []i18n.Format{nil}}, "locales/en"},
		{"source", i18n.Config{Default: "en", Sources: []i18n.Source{{}}}, "Sources[0]"},
		{"dir", i18n.Config{FS: mapFS(good), Dir: "nothere", Default: "en"}, "cannot be read"},
	} {
		if _, err := i18n.New(test.c); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v; want %q", test.name, err, test.want)
		}
	}
	_, err := i18n.New(i18n.Config{FS: mapFS(good), Default: "en", Locales: []string{"fr", "it"}, TimeZone: "x"})
	if n := strings.Count(fmt.Sprint(err), "\n"); n != 2 {
		t.Errorf("three mistakes are said together: %v", err)
	}
}

// What GNU msgfmt writes is read, and leaves out what it leaves out.
func TestMsgfmt(t *testing.T) {
	msgfmt, err := exec.LookPath("msgfmt")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("there is no msgfmt: install gettext, as make packages does")
		}
		t.Skip("there is no msgfmt")
	}
	source := po(polish, "msgid \"One file\"\nmsgid_plural \"%(num)d files\"\nmsgstr[0] \"plik\"\nmsgstr[1] \"pliki\"\nmsgstr[2] \"plików\"\n\n#, fuzzy\nmsgid \"f\"\nmsgstr \"g\"\n\nmsgctxt \"c\"\nmsgid \"f\"\nmsgstr \"h\"\n")
	dir := t.TempDir()
	folder := filepath.Join(dir, "pl", "LC_MESSAGES")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, option := range []string{"--endianness=little", "--endianness=big"} {
		command := exec.Command(msgfmt, option, "-o", filepath.Join(folder, "messages.mo"), "-")
		command.Stdin = bytes.NewReader(source)
		if output, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, output)
		}
		ls, err := i18n.New(i18n.Config{FS: os.DirFS(dir), Default: "en"})
		if err != nil {
			t.Fatal(option, err)
		}
		pl := named(t, ls, "pl")
		if got := pl.N("One file", "%(num)d files", 3) + pl.T("f") + pl.C("c", "f"); got != "plikifh" {
			t.Errorf("%s: %q", option, got)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	ls := locales()
	de := named(t, ls, "de")
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for i := range 200 {
				if got := de.N("One message", "%(num)s messages", i); i != 1 && got != fmt.Sprint(i, " Nachrichten") {
					t.Error(got)
				}
				if got := de.Money(i, "EUR"); got != fmt.Sprint(i, ",00\u00a0€") && i < 1000 {
					t.Errorf("%q", got)
				}
			}
		})
	}
	wait.Wait()
}

func FuzzCatalog(f *testing.F) {
	f.Add(mo("", header, "a", "b"), true)
	f.Add(po(polish, "msgid \"a\"\nmsgstr \"b\"\n"), false)
	f.Fuzz(func(t *testing.T, data []byte, binary bool) {
		name := "de/LC_MESSAGES/messages.po"
		if binary {
			name = "de/LC_MESSAGES/messages.mo"
		}
		ls, err := i18n.New(i18n.Config{FS: mapFS(map[string][]byte{name: data}), Default: "en"})
		if err == nil {
			named(t, ls, "de").N("a", "b", 3)
		}
	})
}

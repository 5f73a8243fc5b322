package builtin_test

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/leonelquinteros/gotext"

	"github.com/webapp2go/webapp2go/i18n"
	"github.com/webapp2go/webapp2go/i18n/builtin"
	"github.com/webapp2go/webapp2go/i18n/extract"
)

var update = flag.Bool("update", false, "rewrite webapp2go.pot")

func Example() {
	locales, err := i18n.New(i18n.Config{Default: "en", Libraries: []fs.FS{builtin.Messages}})
	if err != nil {
		panic(err)
	}
	for _, l := range locales.All() {
		fmt.Println(l.Label()+":", l.T("Log in"))
	}
	// Output:
	// English: Log in
	// Deutsch: Anmelden
	// Français: Se connecter
}

// passedOn are the calls that pass on a message of somewhere else.
var passedOn = []string{
	"h.Locale().T(message, pairs...)", "h.Locale().N(one, more, n, pairs...)", "h.T(message)", "h.T(m.ID)", `h.T(m.ID, "value", value)`, "h.T(err.ID, err.Pairs...)",
}

// extracted returns the messages of the built-in pages, mails and handlers, and of auth.
func extracted(t *testing.T) []extract.Message {
	t.Helper()
	byKey := map[string]extract.Message{}
	for folder, functions := range map[string]map[string]int{
		"templates/builtin": nil, "handlers": nil, "auth": {"refuse": 1, "newInvalid": 2},
	} {
		messages, problems, err := extract.Messages(os.DirFS("../../"+folder), extract.Options{Functions: functions})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range problems {
			if !slices.Contains(passedOn, p.Text) {
				t.Errorf("%s/%s: %s is no constant", folder, p.Place, p.Text)
			}
		}
		for _, m := range messages {
			if strings.HasPrefix(m.Places[0], "demo/") || strings.HasPrefix(m.Places[0], "oidc/") {
				continue // which has a catalogue of its own, or a function refuse of its own
			}
			m.Places = nil
			byKey[m.Context+"\x04"+m.ID] = m
		}
	}
	var all []extract.Message
	for _, m := range byKey {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b extract.Message) int {
		return cmp.Or(strings.Compare(a.ID, b.ID), strings.Compare(a.Context, b.Context))
	})
	return all
}

// The template of the catalogues has the messages of the sources.
func TestTemplate(t *testing.T) {
	var pot bytes.Buffer
	if err := extract.WritePOT(&pot, extracted(t)); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("webapp2go.pot", pot.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("webapp2go.pot")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(pot.Bytes(), want) {
		t.Errorf("webapp2go.pot is not what the sources have: run go test ./i18n/builtin -update, and translate what is new")
	}
}

var placeholder = regexp.MustCompile(`%\([a-z]+\)s`)

// Each catalogue translates each message, with the same values, and has no other messages.
func TestCatalogsAreComplete(t *testing.T) {
	messages := extracted(t)
	if len(messages) < 200 {
		t.Fatalf("only %d messages", len(messages))
	}
	for _, language := range []string{"de", "fr"} {
		data, err := fs.ReadFile(builtin.Messages, language+"/LC_MESSAGES/webapp2go.po")
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(data, []byte("fuzzy")) || bytes.Contains(data, []byte("#~")) {
			t.Errorf("%s: fuzzy or obsolete messages", language)
		}
		po := gotext.NewPo()
		po.Parse(data)
		have := map[string]*gotext.Translation{}
		for id, translation := range po.GetDomain().GetTranslations() {
			have["\x04"+id] = translation
		}
		for context, list := range po.GetDomain().GetCtxTranslations() {
			for id, translation := range list {
				have[context+"\x04"+id] = translation
			}
		}
		maps.DeleteFunc(have, func(key string, _ *gotext.Translation) bool { return strings.HasSuffix(key, "\x04") })
		for _, m := range messages {
			key := m.Context + "\x04" + m.ID
			translation := have[key]
			delete(have, key)
			forms := 1
			if m.Plural != "" {
				forms = 2
			}
			if translation == nil || translation.PluralID != m.Plural || len(translation.Trs) != forms {
				t.Errorf("%s: %q is not translated in %d forms: %+v", language, m.ID, forms, translation)
				continue
			}
			for form := range forms {
				text, source := translation.Trs[form], m.ID
				if form == 1 {
					source = m.Plural
				}
				got, want := placeholder.FindAllString(text, -1), placeholder.FindAllString(source, -1)
				slices.Sort(got)
				slices.Sort(want)
				if text == "" || !slices.Equal(got, want) {
					t.Errorf("%s: %q has the values %q, %q has %q", language, source, want, text, got)
				}
				if strings.HasSuffix(source, ".") != strings.HasSuffix(text, ".") || strings.TrimSpace(text) != text || strings.Contains(text, "  ") {
					t.Errorf("%s: the end or the spaces of %q differ from %q", language, text, source)
				}
				if strings.ContainsAny(text, "<>&") {
					t.Errorf("%s: %q is written as HTML", language, text)
				}
			}
		}
		for key := range have {
			t.Errorf("%s: %q is no message", language, key)
		}
	}
}

// German says Sie, French says vous.
func TestForms(t *testing.T) {
	for language, informal := range map[string]*regexp.Regexp{
		"de": regexp.MustCompile(`(?i)\PL(du|dich|dir|dein\pL*)\PL`), "fr": regexp.MustCompile(`(?i)\PL(tu|toi|ton|ta|tes)\PL`),
	} {
		data, err := fs.ReadFile(builtin.Messages, language+"/LC_MESSAGES/webapp2go.po")
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			if strings.HasPrefix(line, "msgstr") && informal.MatchString(line) {
				t.Errorf("%s: %s", language, line)
			}
		}
	}
}
